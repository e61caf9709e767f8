/* An arm of a study, and the treatment that it means.
   Why: eight trials name one treatment in many ways; comparisons need one name.
   The rule: the study's own dictionary (raw.study_arm) by the exact arm, else the drugs that the arm's text names
   (staging.arm_component). Antibodies and chemotherapy give 'antibody plus chemotherapy'; chemotherapy alone
   'chemotherapy'; everything else is 'other', under the arm's own name unless drugs were found in it.
   Reference: Zhou et al. 2023, Table 1.
   Grain: one row per study_id and arm
   Key: study_id, arm
*/
WITH arm AS (
    SELECT DISTINCT
        study_id,
        arm
    FROM staging.subject
    WHERE arm IS NOT NULL
),

component AS (
    SELECT
        arm.study_id,
        arm.arm,
        arm_component.component,
        arm_component.component_kind,
        arm_component.sort_order,
        row_number() OVER (
            PARTITION BY arm.study_id, arm.arm, arm_component.component_kind ORDER BY arm_component.sort_order
        ) AS place
    FROM arm
    INNER JOIN staging.arm_component AS arm_component ON regexp_matches(upper(arm.arm), arm_component.pattern)
),

parsed AS (
    SELECT
        study_id,
        arm,
        string_agg(component, ' plus ' ORDER BY sort_order)
        || CASE WHEN count(*) = 1 AND max(component_kind) = 'chemotherapy' THEN ' alone' ELSE '' END AS treatment,
        max(component) FILTER (WHERE component_kind = 'chemotherapy') AS backbone,
        bool_or(component_kind = 'antibody') AS has_antibody,
        bool_or(component_kind = 'chemotherapy') AS has_chemotherapy,
        bool_or(component_kind = 'other') AS has_other,
        bool_or(component = 'bevacizumab') AS has_bevacizumab,
        bool_or(component = 'panitumumab') AS has_panitumumab
    FROM component
    WHERE component_kind <> 'chemotherapy' OR place = 1
    GROUP BY study_id, arm
),

dictionary AS (
    SELECT
        study_id,
        upper(trim(arm)) AS arm_word,
        min(treatment) AS treatment,
        min(treatment_class) AS treatment_class,
        min(backbone) AS backbone,
        bool_or(has_bevacizumab) AS has_bevacizumab,
        bool_or(has_panitumumab) AS has_panitumumab
    FROM raw.study_arm
    GROUP BY study_id, upper(trim(arm))
)

SELECT
    arm.study_id, -- text id of the study
    arm.arm, -- arm as written
    coalesce(
        dictionary.treatment, upper(left(parsed.treatment, 1)) || substr(parsed.treatment, 2), arm.arm
    ) AS treatment, -- treatment, antibodies first
    coalesce(
        dictionary.treatment_class,
        CASE
            WHEN parsed.has_other THEN 'other'
            WHEN parsed.has_antibody AND parsed.has_chemotherapy THEN 'antibody plus chemotherapy'
            WHEN parsed.has_chemotherapy THEN 'chemotherapy'
            WHEN parsed.has_antibody THEN 'antibody'
        END,
        'other'
    ) AS treatment_class, -- chemotherapy, antibody plus chemotherapy, antibody or other
    coalesce(dictionary.backbone, parsed.backbone) AS backbone, -- chemotherapy that the treatment is built on
    coalesce(dictionary.has_bevacizumab, parsed.has_bevacizumab, FALSE) AS has_bevacizumab, -- includes bevacizumab
    coalesce(dictionary.has_panitumumab, parsed.has_panitumumab, FALSE) AS has_panitumumab, -- includes panitumumab
    dictionary.arm_word IS NOT NULL AS is_study_dictionary -- the study's own dictionary says so
FROM arm
LEFT JOIN parsed ON arm.study_id = parsed.study_id AND arm.arm = parsed.arm
LEFT JOIN dictionary ON arm.study_id = dictionary.study_id AND upper(arm.arm) = dictionary.arm_word
