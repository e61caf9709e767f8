/* One patient, one organ free of metastases at a landmark, and when a lesion was found there.
   Why: what the risk of a new organ is fitted to and held against: who is at risk, until when, and what was known then.
   How: analysed patients with a lesion at baseline. An organ is new where it has none at baseline and a new lesion of
   the analysis reader is detected there (analysis.new_lesion); 'any' is the first such organ. Follow-up ends with the
   last assessment; a death up to progression.death_window_days after it competes. A patient is at risk at a landmark
   (the first dose, progression.landmarks) while the organ is free and scans go on. The covariates are what was known at
   the landmark: the last complete sum of diameters up to it, over baseline and over the nadir.
   Caveats: detected by scans: the lesion began before. Growth rates of the growth model rest on later scans too and are
   not used. Patients without a complete sum at the landmark have the last one before it.
   Reference: van Houwelingen and Putter, Dynamic Prediction in Clinical Survival Analysis, 2012
   Grain: one row per patient_id, organ and landmark_days
   Key: patient_id, organ, landmark_days
*/
WITH setting AS (
    SELECT
        max(value) FILTER (WHERE name = 'rules.rule_set') AS rule_set,
        max(value) FILTER (WHERE name = 'progression.event_source') AS event_source,
        CAST(max(value) FILTER (WHERE name = 'progression.death_window_days') AS INTEGER) AS window_days
    FROM meta.setting
    WHERE name IN ('rules.rule_set', 'progression.event_source', 'progression.death_window_days')
),

landmark AS (
    SELECT 0 AS landmark_days
    UNION
    SELECT CAST(day_text AS DOUBLE) AS landmark_days
    FROM (
        SELECT trim(unnest(string_split(value, ','))) AS day_text
        FROM meta.setting
        WHERE name = 'progression.landmarks'
    ) AS listed
    WHERE try_cast(day_text AS DOUBLE) > 0
),

patient AS (
    SELECT
        patient.patient_id,
        patient.study_id,
        CASE
            WHEN min(study.tumor_type) OVER () <> max(study.tumor_type) OVER ()
                THEN 'tumor type ' || coalesce(study.tumor_type, 'not stated')
            ELSE 'all'
        END AS subset,
        CAST(progression.last_assessment_day AS DOUBLE) AS last_day,
        CASE
            WHEN
                patient.is_death_date_known
                AND patient.death_day <= progression.last_assessment_day + setting.window_days
                THEN CAST(greatest(patient.death_day, progression.last_assessment_day) AS DOUBLE)
        END AS death_day
    FROM core.patient AS patient
    CROSS JOIN setting
    INNER JOIN core.study AS study ON patient.study_id = study.study_id
    INNER JOIN analysis.progression_patient AS progression
        ON
            patient.patient_id = progression.patient_id
            AND setting.rule_set = progression.rule_set
            AND setting.event_source = progression.source
    WHERE
        patient.is_analysed
        AND patient.patient_id IN (SELECT present.patient_id FROM analysis.baseline_organ AS present)
),

found AS (
    SELECT
        lesion.patient_id,
        lesion.organ,
        CAST(min(detected.detected_day) AS DOUBLE) AS found_day
    FROM analysis.new_lesion AS detected
    INNER JOIN core.lesion AS lesion ON detected.lesion_id = lesion.lesion_id
    LEFT JOIN analysis.baseline_organ AS present
        ON lesion.patient_id = present.patient_id AND lesion.organ = present.organ
    WHERE
        lesion.is_analysis_reader
        AND detected.detected_day IS NOT NULL
        AND lesion.organ <> 'unknown'
        AND present.patient_id IS NULL
    GROUP BY lesion.patient_id, lesion.organ
),

first_found AS (
    SELECT
        patient_id,
        min(found_day) AS found_day
    FROM found
    GROUP BY patient_id
),

target AS (
    SELECT 'any' AS organ
    UNION
    SELECT organ FROM found
),

asked AS (
    SELECT
        patient.*,
        target.organ,
        landmark.landmark_days,
        CASE target.organ
            WHEN 'any' THEN first_found.found_day
            ELSE found.found_day
        END AS found_day
    FROM patient
    CROSS JOIN target
    CROSS JOIN landmark
    LEFT JOIN found ON patient.patient_id = found.patient_id AND target.organ = found.organ
    LEFT JOIN first_found ON patient.patient_id = first_found.patient_id
    LEFT JOIN analysis.baseline_organ AS present
        ON patient.patient_id = present.patient_id AND target.organ = present.organ
    WHERE present.patient_id IS NULL
),

at_risk AS (
    SELECT *
    FROM asked
    WHERE last_day > landmark_days AND coalesce(found_day > landmark_days, TRUE)
),

organs AS (
    SELECT
        patient_id,
        landmark_days,
        count(DISTINCT organ) AS n_organs,
        bool_or(organ = 'liver') AS has_liver,
        bool_or(organ = 'lung') AS has_lung
    FROM (
        SELECT
            present.patient_id,
            landmark.landmark_days,
            present.organ
        FROM analysis.baseline_organ AS present
        CROSS JOIN landmark
        UNION ALL
        SELECT
            found.patient_id,
            landmark.landmark_days,
            found.organ
        FROM found
        INNER JOIN landmark ON found.found_day <= landmark.landmark_days
    ) AS known
    GROUP BY patient_id, landmark_days
),

size AS (
    SELECT
        visit.patient_id,
        landmark.landmark_days,
        arg_max(
            visit.sum_of_diameters_mm, struct_pack(day := visit.last_day, id := visit.time_point_id)
        ) AS sum_mm,
        arg_max(
            visit.baseline_sum_mm, struct_pack(day := visit.last_day, id := visit.time_point_id)
        ) AS baseline_sum_mm,
        min(visit.sum_of_diameters_mm) AS nadir_mm
    FROM analysis.visit_response AS visit
    INNER JOIN landmark ON visit.last_day <= landmark.landmark_days
    WHERE visit.is_analysis_reader AND visit.is_complete
    GROUP BY visit.patient_id, landmark.landmark_days
)

SELECT
    at_risk.patient_id, -- text id of the patient
    at_risk.organ, -- core.organ, or any
    at_risk.landmark_days, -- day from first dose
    at_risk.subset, -- all; where there are several tumor types, each by itself
    at_risk.study_id, -- text id of the study
    least(at_risk.found_day, coalesce(at_risk.death_day, at_risk.last_day))
    - at_risk.landmark_days AS time_days, -- days from the landmark to the lesion, death or the last assessment
    CASE
        WHEN at_risk.found_day <= coalesce(at_risk.death_day, at_risk.last_day) THEN 1
        WHEN at_risk.death_day IS NOT NULL THEN 2
        ELSE 0
    END AS cause, -- 1 a lesion in the organ, 2 death, 0 neither was seen
    CAST(coalesce(organs.n_organs, 0) AS DOUBLE) AS n_organs, -- organs with lesions known at the landmark
    CAST(coalesce(organs.has_liver, FALSE) AS DOUBLE) AS has_liver, -- 1: the liver is one of them
    CAST(coalesce(organs.has_lung, FALSE) AS DOUBLE) AS has_lung, -- 1: the lung is one of them
    ln(1 + size.sum_mm) AS log_sum, -- logarithm of 1 + the last complete sum of diameters in mm; NULL without one
    CASE
        WHEN at_risk.landmark_days > 0 THEN ln((1 + size.sum_mm) / (1 + size.baseline_sum_mm))
    END AS log_change, -- logarithm of it over baseline, 1 mm added to both; NULL at the first dose
    CASE
        WHEN at_risk.landmark_days > 0 THEN ln((1 + size.sum_mm) / (1 + size.nadir_mm))
    END AS log_regrowth -- logarithm of it over the nadir, 1 mm added to both; NULL at the first dose
FROM at_risk
LEFT JOIN organs ON at_risk.patient_id = organs.patient_id AND at_risk.landmark_days = organs.landmark_days
LEFT JOIN size ON at_risk.patient_id = size.patient_id AND at_risk.landmark_days = size.landmark_days
