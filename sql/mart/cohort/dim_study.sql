/* One study, with how much of it there is.
   Why: the study is the first thing that every report is cut by.
   Grain: one row per study_id
   Key: study_id
   Tags: public
*/
WITH patient AS (
    SELECT
        study_id,
        count(*) AS n_patients,
        count(*) FILTER (WHERE is_analysed) AS n_analysed_patients
    FROM core.patient
    GROUP BY study_id
),

lesion AS (
    SELECT
        study_id,
        count(*) AS n_lesions,
        count(*) FILTER (WHERE is_analysed) AS n_analysed_lesions
    FROM core.lesion
    GROUP BY study_id
),

measurement AS (
    SELECT
        lesion.study_id,
        count(*) AS n_measurements
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    GROUP BY lesion.study_id
)

SELECT
    study.study_id, -- text id of the study
    study.title, -- title
    study.tumor_type, -- tumor type, as the study states it
    study.phase, -- phase of the trial
    study.registry_id, -- identifier in a trial registry; core.metastasis_trial.trial_id
    coalesce(patient.n_patients, 0) AS n_patients, -- patients with a known id
    coalesce(patient.n_analysed_patients, 0) AS n_analysed_patients, -- of them, with an analysed lesion
    coalesce(lesion.n_lesions, 0) AS n_lesions, -- lesions, each reader's counted apart
    coalesce(lesion.n_analysed_lesions, 0) AS n_analysed_lesions, -- lesions of the analysis reader that are analysed
    coalesce(measurement.n_measurements, 0) AS n_measurements -- sizes and empty scans of all lesions
FROM core.study AS study
LEFT JOIN patient ON study.study_id = patient.study_id
LEFT JOIN lesion ON study.study_id = lesion.study_id
LEFT JOIN measurement ON study.study_id = measurement.study_id
