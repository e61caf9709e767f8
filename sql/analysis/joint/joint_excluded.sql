/* A patient who is in no joint model of an endpoint, and why.
   Filled by: step joint
   Grain: one row per fit_id, endpoint and patient_id
   Key: fit_id, endpoint, patient_id
   Tags: public
*/
CREATE TABLE analysis.joint_excluded (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS or PFS (analysis.patient_endpoint)
    patient_id VARCHAR, -- core.patient
    reason_id VARCHAR, -- no_lesion, no_time or before_first_dose
    reason VARCHAR -- in a sentence
)
