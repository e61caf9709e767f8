/* Whether a lesion is analysed, and if not, the first reason that applies.
   Why: core.lesion, core.patient and core.exclusion must say the same, so it is decided once.
   The reasons, in order: other_reader; screen_failure; not followed long enough (a target lesion with sizes on fewer
   than two days); no baseline (first measured after it, core.measurement); baseline too early (more than
   exclusion.baseline_max_days_before days before the first dose). patient_excluded: the patient has no target lesion
   left.
   Caveats: sizes of 0 and 'too small to measure' are sizes. Where the source names no patients each lesion is judged
   on its own.
   Reference: Zhou et al. 2023, Methods, Data.
   Grain: one row per lesion_id
   Key: lesion_id
*/
WITH setting AS (
    SELECT CAST(value AS DOUBLE) AS baseline_max_days_before
    FROM meta.setting
    WHERE name = 'exclusion.baseline_max_days_before'
),

course AS (
    SELECT
        lesion_id,
        count(*) AS n_measurements,
        max(day) FILTER (WHERE is_baseline) AS baseline_day
    FROM core.measurement
    GROUP BY lesion_id
),

judged AS (
    SELECT
        lesion.lesion_id,
        lesion.study_id,
        lesion.patient_id,
        lesion.lesion_type,
        coalesce(course.n_measurements, 0) AS n_measurements,
        reader.reader IS NOT NULL AS is_analysis_reader,
        CASE
            WHEN reader.reader IS NULL THEN 'other_reader'
            WHEN subject.is_screen_failure THEN 'screen_failure'
            WHEN lesion.lesion_type <> 'target' THEN NULL
            WHEN coalesce(course.n_measurements, 0) < 2 THEN 'not_longitudinal'
            WHEN course.baseline_day IS NULL THEN 'no_baseline'
            WHEN course.baseline_day < -setting.baseline_max_days_before THEN 'early_baseline'
        END AS own_reason_id
    FROM staging.lesion AS lesion
    CROSS JOIN setting
    LEFT JOIN course ON lesion.lesion_id = course.lesion_id
    LEFT JOIN staging.subject AS subject ON lesion.patient_id = subject.patient_id
    LEFT JOIN staging.analysis_reader AS reader
        ON
            lesion.study_id = reader.study_id
            AND coalesce(lesion.patient_id, '') = reader.subject
            AND lesion.reader = reader.reader
),

with_patient AS (
    SELECT
        judged.*,
        bool_or(judged.lesion_type = 'target' AND judged.own_reason_id IS NULL) OVER (
            PARTITION BY judged.patient_id
        ) AS has_analysed_target
    FROM judged
)

SELECT
    lesion_id, -- text id of the lesion
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    lesion_type, -- target, non-target or new
    n_measurements, -- days with a size
    is_analysis_reader, -- followed by the patient's analysis reader
    CASE
        WHEN own_reason_id IS NOT NULL THEN own_reason_id
        WHEN patient_id IS NOT NULL AND NOT has_analysed_target THEN 'patient_excluded'
    END AS reason_id -- first reason why the lesion is not analysed; NULL when it is
FROM with_patient
