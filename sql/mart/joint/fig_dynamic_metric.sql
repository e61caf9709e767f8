/* Does looking at every lesion predict survival better: AUC and Brier score of each model at each landmark.
   Grain: one row per subset, landmark_day, horizon_days, model and metric
   Key: subset, landmark_day, horizon_days, model, metric
   Tags: figure
*/
SELECT
    subset, -- in which patients
    landmark_day, -- days from the first dose
    horizon_days, -- days from the landmark
    model, -- every_lesion, growth_joint, sum_joint, sum_cox or kaplan_meier
    metric, -- auc or brier
    n_patients, -- alive at the landmark
    n_events, -- deaths up to the horizon
    value, -- of the metric
    lower, -- lower 95 % limit
    upper, -- upper 95 % limit
    difference, -- less that of every_lesion
    difference_lower, -- lower 95 % limit
    difference_upper -- upper 95 % limit
FROM analysis.dynamic_prediction_metric
WHERE metric IN ('auc', 'brier') AND value IS NOT NULL
ORDER BY subset, landmark_day, horizon_days, metric, model
