/* Predicted against observed risk of patients of similar predicted risk, at a landmark.
   How: fifths of the predicted risk; observed is 1 - Kaplan-Meier at the horizon.
   Filled by: step dynamic_prediction
   Grain: one row per fit_id, endpoint, landmark_day, horizon_days, model and group_number
   Key: fit_id, endpoint, landmark_day, horizon_days, model, group_number
   Tags: public
*/
CREATE TABLE analysis.dynamic_calibration (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS (analysis.patient_endpoint)
    landmark_day DOUBLE, -- days from the first dose
    horizon_days DOUBLE, -- days from the landmark
    model VARCHAR, -- every_lesion, growth_joint, sum_joint or sum_cox
    group_number BIGINT, -- 1 has the lowest predicted risk
    n_patients BIGINT, -- in the group
    predicted DOUBLE, -- mean predicted risk of death up to the horizon
    observed DOUBLE, -- observed risk
    lower DOUBLE, -- lower 95 % limit of the observed risk
    upper DOUBLE -- upper 95 % limit
)
