/* How well survival is predicted at a landmark, and whether looking at every lesion predicts better.
   Why: a model that looks at every lesion has to pay against the sum of diameters alone, and against a Cox model that
   anyone can fit at the landmark.
   How: predictions of patients by hazards estimated without them. every_lesion is the joint model with sums by organ,
   growth_joint that with growth rates (link kg), sum_joint that with the sum of diameters alone, sum_cox a Cox model
   at the landmark of the log of the last sum and of its ratio to the baseline, kaplan_meier the same for everyone.
   Inverse probability of censoring weights; limits from 200 bootstrap samples of patients, the same for all models.
   Differences are model less every_lesion: above 0 for auc, below 0 for brier says that the model is better than
   every_lesion.
   Caveats: resampling does not repeat the estimation. Growth's population was estimated with everyone.
   Reference: Blanche et al. 2015, Biometrics 71:102
   Filled by: step dynamic_prediction
   Grain: one row per fit_id, endpoint, landmark_day, horizon_days, model and metric
   Key: fit_id, endpoint, landmark_day, horizon_days, model, metric
   Tags: public
*/
CREATE TABLE analysis.dynamic_prediction_metric (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS (analysis.patient_endpoint)
    landmark_day DOUBLE, -- days from the first dose
    horizon_days DOUBLE, -- days from the landmark
    model VARCHAR, -- every_lesion, growth_joint, sum_joint, sum_cox, kaplan_meier; none: nothing predicted
    metric VARCHAR, -- auc, brier, observed_over_expected or calibration_slope; none
    n_patients BIGINT, -- alive at the landmark and followed
    n_events BIGINT, -- deaths up to the horizon
    n_censored BIGINT, -- censored before it
    value DOUBLE, -- of the metric; NULL where verdict_id says why
    lower DOUBLE, -- lower 95 % limit; NULL for calibration
    upper DOUBLE, -- upper 95 % limit
    difference DOUBLE, -- value less that of every_lesion; NULL for every_lesion and for calibration
    difference_lower DOUBLE, -- lower 95 % limit
    difference_upper DOUBLE, -- upper 95 % limit
    verdict_id VARCHAR, -- estimated, few_events, no_model or not_defined
    verdict VARCHAR -- the same in a sentence
)
