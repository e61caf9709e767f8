/* How much patients differ in hazard beyond what is known of them: the frailty of one model.
   Why: lesions of one patient go together; the variance says how much, its test whether at all.
   Reference: Zhou et al. 2023, Methods (mixed-effects Cox model).
   Grain: one row per model_id
   Key: model_id
   Tags: figure
*/
SELECT
    model_id, -- id of the model
    endpoint, -- response or progression
    stratum, -- all, a class of treatment, or a tumor type
    model, -- final, without new lesions or another
    method, -- how it was estimated
    organ_reference, -- organ that the others are compared with
    covariates, -- covariates in the model
    n_lesions, -- lesions
    n_events, -- of them with the event
    n_patients, -- patients
    frailty_variance, -- variance of the patients' log hazards
    frailty_variance_lower, -- lower limit
    frailty_variance_upper, -- upper limit
    variance_p_value, -- of no variance, likelihood ratio
    is_converged -- the estimation ended at a maximum
FROM analysis.hazard_fit
WHERE frailty_variance IS NOT NULL
