/* A patient or a lesion that is in the data and not in the analysis, and why.
   Why: a CONSORT diagram is a count of this table. Whatever is not analysed is here exactly once, with the first
   reason that applies.
   Caveats: an excluded patient's lesions are here too, one by one. Patients stay in core.patient and in survival
   analyses of the whole study.
   Reference: Zhou et al. 2023, Methods, Data; CONSORT 2010.
   Grain: one row per excluded patient and one per excluded lesion
   Key: exclusion_id
   Tags: public
*/
WITH lesion_tally AS (
    SELECT
        lesion_status.patient_id,
        count(*) AS n_lesions,
        count(*) FILTER (WHERE lesion_status.is_analysis_reader AND lesion_status.lesion_type = 'target') AS n_targets,
        count(*) FILTER (
            WHERE lesion_status.is_analysis_reader AND lesion_status.lesion_type = 'target'
            AND lesion_status.reason_id IS NULL
        ) AS n_analysed_targets,
        count(*) FILTER (
            WHERE lesion_status.is_analysis_reader AND lesion_status.reason_id = 'early_baseline'
        ) AS n_early,
        count(*) FILTER (
            WHERE lesion_status.is_analysis_reader AND lesion_status.reason_id = 'no_baseline'
        ) AS n_without_baseline
    FROM core.lesion_status AS lesion_status
    WHERE lesion_status.patient_id IS NOT NULL
    GROUP BY lesion_status.patient_id
),

excluded AS (
    SELECT
        'patient' AS level,
        subject.study_id,
        subject.patient_id,
        NULL AS lesion_id,
        CASE
            WHEN subject.is_screen_failure THEN 'screen_failure'
            WHEN lesion_tally.patient_id IS NULL THEN 'no_lesions'
            WHEN lesion_tally.n_targets = 0 THEN 'no_target_lesion'
            WHEN lesion_tally.n_analysed_targets > 0 THEN NULL
            WHEN lesion_tally.n_early > 0 THEN 'early_baseline'
            WHEN lesion_tally.n_without_baseline > 0 THEN 'no_baseline'
            ELSE 'not_longitudinal'
        END AS reason_id
    FROM staging.subject AS subject
    LEFT JOIN lesion_tally ON subject.patient_id = lesion_tally.patient_id
    UNION ALL
    SELECT
        'lesion' AS level,
        lesion_status.study_id,
        lesion_status.patient_id,
        lesion_status.lesion_id,
        lesion_status.reason_id
    FROM core.lesion_status AS lesion_status
)

SELECT
    excluded.level || ':' || coalesce(excluded.lesion_id, excluded.patient_id) AS exclusion_id, -- text id
    excluded.level, -- patient or lesion
    excluded.study_id, -- text id of the study
    excluded.patient_id, -- text id of the patient; NULL when the source names no patients
    excluded.lesion_id, -- text id of the lesion; NULL for a patient
    excluded.reason_id, -- first reason that applies, as a word
    reason.exclusion_order, -- place of the reason in the order in which reasons are tried
    reason.reason -- reason as a sentence
FROM excluded
INNER JOIN staging.exclusion_reason AS reason
    ON excluded.level = reason.level AND excluded.reason_id = reason.reason_id
