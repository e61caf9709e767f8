/* Predicted against observed risk at landmarks.
   Grain: one row per subset, landmark_day, horizon_days, model and group_number
   Key: subset, landmark_day, horizon_days, model, group_number
   Tags: figure
*/
SELECT
    subset, -- in which patients
    landmark_day, -- days from the first dose
    horizon_days, -- days from the landmark
    model, -- every_lesion, growth_joint, sum_joint or sum_cox
    group_number, -- 1 has the lowest predicted risk
    n_patients, -- in the group
    predicted, -- mean predicted risk
    observed, -- observed risk
    lower, -- lower 95 % limit
    upper -- upper 95 % limit
FROM analysis.dynamic_calibration
ORDER BY subset, landmark_day, horizon_days, model, group_number
