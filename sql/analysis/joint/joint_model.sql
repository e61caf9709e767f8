/* A best joint model as plain JSON, for predictions.
   Why: 'lesions predict --what survival' uses it on new patients.
   Caveats: only of models with estimates of overall survival.
   Filled by: step joint
   Grain: one row per fit_id and endpoint
   Key: fit_id, endpoint
   Tags: public
*/
CREATE TABLE analysis.joint_model (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS or PFS (analysis.patient_endpoint)
    link VARCHAR, -- what of the lesions the hazard depends on: organ, value, slope, ttg, kg or shared; none without
    n_patients BIGINT, -- patients it was estimated from
    content VARCHAR -- population of growth, hazard and links with their covariance, JSON
)
