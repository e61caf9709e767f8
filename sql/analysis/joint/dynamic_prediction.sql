/* The probability that a patient alive at a landmark lives so many days more, from the sizes up to then.
   Why: a prediction that each scan renews.
   How: the joint model whose hazard depends on the sum of diameters by organ (link organ). Curves are drawn given the
   sizes up to the landmark only, and that the patient lives then; survival is their mean. Patients of a fold are
   predicted by a hazard estimated without them (fold). Limits hold what sizes leave open of the curves and the error
   of the hazard.
   Caveats: growth's population was estimated with everyone. Limits are of a patient's probability, not of a time of
   death.
   Reference: Rizopoulos 2011, Biometrics 67:819
   Filled by: step dynamic_prediction
   Grain: one row per fit_id, endpoint, patient_id, landmark_day and horizon_days
   Key: fit_id, endpoint, patient_id, landmark_day, horizon_days
   Tags: public
*/
CREATE TABLE analysis.dynamic_prediction (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS (analysis.patient_endpoint)
    patient_id VARCHAR, -- core.patient
    landmark_day DOUBLE, -- days from the first dose up to which sizes count
    horizon_days DOUBLE, -- days from the landmark
    fold VARCHAR, -- whom the hazard was estimated without: a study, or a fifth of the patients
    last_scan_day DOUBLE, -- last scan that counted
    survival DOUBLE, -- probability to live horizon_days more
    lower DOUBLE, -- lower 95 % limit
    upper DOUBLE -- upper 95 % limit
)
