/* What a patient's lesions add to the hazard, in the best joint model.
   How: alpha' L at the end of follow-up less its mean over patients, given sizes and event.
   Filled by: step joint
   Grain: one row per fit_id, endpoint and patient_id
   Key: fit_id, endpoint, patient_id
   Tags: public
*/
CREATE TABLE analysis.joint_frailty (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS or PFS (analysis.patient_endpoint)
    link VARCHAR, -- what of the lesions the hazard depends on: organ, value, slope, ttg, kg or shared; none without
    patient_id VARCHAR, -- core.patient
    log_hazard_ratio DOUBLE, -- mean over curves given sizes and event, against the mean patient
    standard_deviation DOUBLE, -- over the same curves; what sizes leave open
    hazard_ratio DOUBLE, -- exp(log_hazard_ratio)
    effective_draws DOUBLE -- effective draws of the patient's curves, of joint.draws
)
