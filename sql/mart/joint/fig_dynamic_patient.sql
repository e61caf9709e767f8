/* How the prediction of a patient's survival changes from landmark to landmark, of some patients.
   How: of each subset the patients predicted at most landmarks, of these the 12 of lowest and the 12 of highest last
   survival.
   Grain: one row per subset, patient_id, landmark_day and horizon_days
   Key: subset, patient_id, landmark_day, horizon_days
   Tags: figure
*/
WITH last_prediction AS (
    SELECT
        subset,
        patient_id,
        count(DISTINCT landmark_day) AS n_landmarks,
        arg_max(survival, (landmark_day, horizon_days)) AS last_survival
    FROM analysis.dynamic_prediction
    GROUP BY subset, patient_id
),

ranked AS (
    SELECT
        subset,
        patient_id,
        row_number() OVER (
            PARTITION BY subset ORDER BY n_landmarks DESC, last_survival ASC, patient_id ASC
        ) AS from_low,
        row_number() OVER (
            PARTITION BY subset ORDER BY n_landmarks DESC, last_survival DESC, patient_id ASC
        ) AS from_high
    FROM last_prediction
)

SELECT
    prediction.subset, -- in which patients
    prediction.patient_id, -- core.patient
    prediction.landmark_day, -- days from the first dose
    prediction.horizon_days, -- days from the landmark
    printf('%g days more', prediction.horizon_days) AS horizon, -- the same in words
    prediction.survival, -- probability to live so long
    prediction.lower, -- lower 95 % limit
    prediction.upper -- upper 95 % limit
FROM analysis.dynamic_prediction AS prediction
INNER JOIN ranked
    ON prediction.subset = ranked.subset AND prediction.patient_id = ranked.patient_id
WHERE ranked.from_low <= 12 OR ranked.from_high <= 12
ORDER BY prediction.subset, prediction.patient_id, prediction.landmark_day, prediction.horizon_days
