/* Treatment that is not what the arm says, or not known: rows.4 of quality.defect.
   Why: comparisons of arms need to know who was given what, and growth ends where a lesion is irradiated or cut out.
   Caveats: arms are judged once each, not per subject. Screen failures and subjects who were never treated have no
   arm to be judged.
   Grain: one row per defect found
   Key: finding_id
*/
WITH treated AS (
    SELECT
        study_id,
        patient_id,
        arm,
        source_file,
        source_row
    FROM staging.subject
    WHERE is_in_demographics AND NOT is_never_treated
),

other_arm AS (
    SELECT
        'rows.4a' AS defect_id,
        screen.study_id,
        screen.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        CAST(NULL AS INTEGER) AS day,
        screen.source_file,
        screen.source_row,
        'dm' AS domain,
        CASE WHEN screen.armcd <> screen.actarmcd THEN 'actarmcd' ELSE 'actarm' END AS column_name,
        CASE WHEN screen.armcd <> screen.actarmcd THEN screen.actarmcd ELSE screen.actarm END AS value,
        'Treated as ' || coalesce(screen.actarm, screen.actarmcd) || ', assigned to '
        || coalesce(screen.arm, screen.armcd) || '.' AS message
    FROM staging.demographics_screen AS screen
    INNER JOIN treated ON screen.patient_id = treated.patient_id
    WHERE
        screen.disposition = 'kept'
        AND coalesce(screen.armcd <> screen.actarmcd, screen.arm <> screen.actarm)
),

arm_in_use AS (
    SELECT
        study_id,
        arm,
        count(*) AS n_subjects,
        min(patient_id) AS patient_id,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM treated
    WHERE arm IS NOT NULL
    GROUP BY study_id, arm
),

arm_with_known_drug AS (
    SELECT DISTINCT
        arm_in_use.study_id,
        arm_in_use.arm
    FROM arm_in_use
    INNER JOIN staging.arm_component AS arm_component ON regexp_matches(upper(arm_in_use.arm), arm_component.pattern)
),

study_with_dictionary AS (
    SELECT DISTINCT study_id
    FROM raw.study_arm
),

unknown_arm AS (
    SELECT
        arm_in_use.study_id,
        arm_in_use.arm,
        arm_in_use.n_subjects,
        arm_in_use.patient_id,
        arm_in_use.source,
        study_with_dictionary.study_id IS NOT NULL AS has_dictionary,
        regexp_matches(
            upper(arm_in_use.arm),
            '(^|[^A-Z])(ARM|COHORT|GROUP|TREATMENT|TRT|SEQUENCE|PART)[ _-]*([0-9]+|[A-Z])([^A-Z0-9]|$)'
        ) AS is_numbered,
        regexp_matches(upper(arm_in_use.arm), '^[A-Z]{2,8}[ -]?[0-9]{2,}[A-Z]?$') AS is_code_name
    FROM arm_in_use
    INNER JOIN staging.treatment_arm AS treatment_arm
        ON arm_in_use.study_id = treatment_arm.study_id AND arm_in_use.arm = treatment_arm.arm
    LEFT JOIN arm_with_known_drug
        ON arm_in_use.study_id = arm_with_known_drug.study_id AND arm_in_use.arm = arm_with_known_drug.arm
    LEFT JOIN study_with_dictionary ON arm_in_use.study_id = study_with_dictionary.study_id
    WHERE NOT treatment_arm.is_study_dictionary AND arm_with_known_drug.arm IS NULL
),

untranslated_arm AS (
    SELECT
        CASE WHEN is_numbered THEN 'rows.4c' ELSE 'rows.4b' END AS defect_id,
        study_id,
        CASE WHEN n_subjects = 1 THEN patient_id END AS patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        CAST(NULL AS INTEGER) AS day,
        source.file AS source_file,
        source.row AS source_row,
        'dm' AS domain,
        'arm' AS column_name,
        arm AS value,
        printf('Nothing says which treatment this arm of %d subjects is.', n_subjects) AS message
    FROM unknown_arm
    WHERE is_numbered OR is_code_name OR has_dictionary
),

exposure_name AS (
    SELECT DISTINCT treatment
    FROM staging.exposure
),

antibody_name AS (
    SELECT DISTINCT
        exposure_name.treatment,
        arm_component.component
    FROM exposure_name
    INNER JOIN staging.arm_component AS arm_component
        ON regexp_matches(upper(exposure_name.treatment), arm_component.pattern)
    WHERE arm_component.component IN ('bevacizumab', 'panitumumab')
),

antibody_given AS (
    SELECT
        exposure.patient_id,
        exposure.treatment,
        exposure.start_day,
        exposure.source_file,
        exposure.source_row,
        antibody_name.component
    FROM staging.exposure AS exposure
    INNER JOIN antibody_name ON exposure.treatment = antibody_name.treatment
),

crossover_row AS (
    SELECT
        antibody_given.*,
        treated.study_id,
        treated.arm,
        row_number() OVER (
            PARTITION BY antibody_given.patient_id, antibody_given.component
            ORDER BY antibody_given.start_day NULLS LAST, antibody_given.source_file, antibody_given.source_row
        ) AS place
    FROM antibody_given
    INNER JOIN treated ON antibody_given.patient_id = treated.patient_id
    INNER JOIN staging.treatment_arm AS treatment_arm
        ON treated.study_id = treatment_arm.study_id AND treated.arm = treatment_arm.arm
    LEFT JOIN arm_with_known_drug
        ON treated.study_id = arm_with_known_drug.study_id AND treated.arm = arm_with_known_drug.arm
    WHERE
        (treatment_arm.is_study_dictionary OR arm_with_known_drug.arm IS NOT NULL)
        AND NOT CASE antibody_given.component
            WHEN 'bevacizumab' THEN treatment_arm.has_bevacizumab
            ELSE treatment_arm.has_panitumumab
        END
),

crossover AS (
    SELECT
        'rows.4d' AS defect_id,
        study_id,
        patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        start_day AS day,
        source_file,
        source_row,
        'ex' AS domain,
        'extrt' AS column_name,
        treatment AS value,
        'Given ' || component || ', which the arm ' || arm || ' does not hold.' AS message
    FROM crossover_row
    WHERE place = 1
),

local_therapy AS (
    SELECT
        CASE WHEN procedure.procedure_type = 'surgery' THEN 'rows.4f' ELSE 'rows.4e' END AS defect_id,
        procedure.study_id,
        procedure.patient_id,
        procedure.lesion_label,
        procedure.day,
        coalesce(procedure.procedure, 'Procedure') AS name,
        core_procedure.lesion_id,
        procedure.source_file,
        procedure.source_row,
        count(*) OVER same_lesion AS n_times,
        row_number() OVER (
            PARTITION BY procedure.patient_id, procedure.lesion_label, procedure.procedure_type = 'surgery'
            ORDER BY procedure.day, procedure.source_file, procedure.source_row, procedure.procedure_id
        ) AS place
    FROM staging.procedure AS procedure
    INNER JOIN core.procedure AS core_procedure ON procedure.procedure_id = core_procedure.procedure_id
    WHERE
        procedure.procedure_type IN ('surgery', 'radiotherapy', 'local ablation')
        AND procedure.lesion_label IS NOT NULL
        AND procedure.day > 0
    WINDOW
        same_lesion AS (
            PARTITION BY procedure.patient_id, procedure.lesion_label, procedure.procedure_type = 'surgery'
        )
),

treated_lesion AS (
    SELECT
        local_therapy.defect_id,
        local_therapy.study_id,
        local_therapy.patient_id,
        local_therapy.lesion_id,
        lesion.reader,
        local_therapy.day,
        local_therapy.source_file,
        local_therapy.source_row,
        'pr' AS domain,
        'prlnkid' AS column_name,
        local_therapy.lesion_label AS value,
        local_therapy.name || printf(' of this lesion on day %d', local_therapy.day)
        || CASE
            WHEN local_therapy.n_times > 1 THEN printf(', the first of %d.', local_therapy.n_times)
            ELSE '.'
        END AS message
    FROM local_therapy
    LEFT JOIN core.lesion AS lesion ON local_therapy.lesion_id = lesion.lesion_id
    WHERE local_therapy.place = 1
),

-- Procedures whose lesion the source leaves open, once each: readers who know the same are not told apart.
open_reach AS (
    SELECT
        reach.procedure_id,
        max(reach.n_lesions) AS n_lesions,
        bool_or(reach.rule_id = 'several_lesions') AS has_several,
        bool_or(reach.rule_id = 'day_unknown') AS is_undated
    FROM analysis.procedure_reach AS reach
    GROUP BY reach.procedure_id
    HAVING bool_and(reach.is_ambiguous)
),

open_treatment AS (
    SELECT
        CASE WHEN open_reach.has_several THEN 'rows.4g' ELSE 'rows.4h' END AS defect_id,
        procedure.study_id,
        procedure.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        procedure.day,
        procedure.source_file,
        procedure.source_row,
        'pr' AS domain,
        CASE WHEN open_reach.is_undated THEN 'prstdtc' ELSE 'prloc' END AS column_name,
        procedure.site_raw AS value,
        coalesce(procedure.procedure, 'Procedure')
        || CASE
            WHEN open_reach.is_undated THEN ' on a day that is not known.'
            WHEN open_reach.has_several AND open_reach.n_lesions > 0
                THEN printf(
                    ' on day %d names no lesion of several in its organ; %d are taken to be treated.',
                    procedure.day, open_reach.n_lesions
                )
            WHEN open_reach.has_several
                THEN printf(
                    ' on day %d names no lesion of several in its organ; none is taken to be treated.', procedure.day
                )
            ELSE printf(' on day %d reaches no lesion that is followed.', procedure.day)
        END AS message
    FROM open_reach
    INNER JOIN core.procedure AS procedure ON open_reach.procedure_id = procedure.procedure_id
    WHERE
        NOT (
            open_reach.is_undated
            AND regexp_matches(upper(coalesce(procedure.category, '')), 'PRIOR|PREVIOUS|HISTOR|BEFORE')
        )
),

-- Words of another anticancer therapy that count for nothing, or not in full: no day, or a day on which the trial's
-- treatment goes on.
unused_therapy AS (
    SELECT
        CASE WHEN word.day IS NULL THEN 'rows.4j' ELSE 'rows.4i' END AS defect_id,
        word.study_id,
        word.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        word.day,
        word.source_file,
        word.source_row,
        word.domain,
        word.domain || CASE WHEN word.domain = 'ds' THEN 'decod' ELSE 'cat' END AS column_name,
        word.therapy AS value,
        coalesce(word.therapy, 'The therapy')
        || CASE
            WHEN word.day IS NULL AND therapy.subsequent_therapy_id IS NOT NULL
                THEN printf(
                    ' began between day %d and day %d: it censors what comes after the later of them.',
                    therapy.earliest_day, therapy.latest_day
                )
            WHEN word.day IS NULL THEN ' began on a day that is not known: it censors nothing.'
            ELSE printf(' began on day %d, during treatment: it is taken for part of it.', word.day)
        END AS message
    FROM staging.therapy_word AS word
    LEFT JOIN core.subsequent_therapy AS therapy ON word.therapy_id = therapy.subsequent_therapy_id
    WHERE
        word.is_subsequent
        AND (therapy.subsequent_therapy_id IS NULL OR word.day IS NULL)
        AND coalesce(word.latest_day, 0) >= 0
),

ended_before_begun AS (
    SELECT
        'rows.4k' AS defect_id,
        study_id,
        patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        end_day AS day,
        source_file,
        source_row,
        'ex' AS domain,
        'exendtc' AS column_name,
        CAST(end_day AS VARCHAR) AS value,
        printf('%s ends on day %d and begins on day %d.', coalesce(treatment, 'The dose'), end_day, start_day)
            AS message
    FROM staging.exposure
    WHERE end_day < start_day
),

negative_dose AS (
    SELECT
        'rows.4l' AS defect_id,
        study_id,
        patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        start_day AS day,
        source_file,
        source_row,
        'ex' AS domain,
        'exdose' AS column_name,
        CAST(dose AS VARCHAR) AS value,
        'The dose of ' || coalesce(treatment, 'the drug') || ' is negative.' AS message
    FROM staging.exposure
    WHERE dose < 0
),

found AS (
    SELECT * FROM other_arm
    UNION ALL
    SELECT * FROM untranslated_arm
    UNION ALL
    SELECT * FROM crossover
    UNION ALL
    SELECT * FROM treated_lesion
    UNION ALL
    SELECT * FROM open_treatment
    UNION ALL
    SELECT * FROM unused_therapy
    UNION ALL
    SELECT * FROM ended_before_begun
    UNION ALL
    SELECT * FROM negative_dose
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, source_file, source_row, patient_id, value, day
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL where it concerns several
    lesion_id, -- text id of the lesion; NULL where it is no lesion's
    reader, -- who follows the lesion; NULL where it is no lesion's
    day, -- day from first dose; NULL where it has none
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found
    message -- what is odd about it
FROM found
