/* How one patient's survival goes with the best joint model.
   How: cox_snell is -log of the mean over curves given sizes of exp(-H): unit exponential, censored with the time,
   where the model holds. martingale is event less the mean of H over curves given sizes and event.
   Reference: Rizopoulos 2012, chapter 6
   Filled by: step joint
   Grain: one row per fit_id, endpoint and patient_id
   Key: fit_id, endpoint, patient_id
   Tags: public
*/
CREATE TABLE analysis.joint_residual (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS or PFS (analysis.patient_endpoint)
    link VARCHAR, -- what of the lesions the hazard depends on: organ, value, slope, ttg, kg or shared; none without
    patient_id VARCHAR, -- core.patient
    entry_day DOUBLE, -- at risk from this day on, from the first dose
    end_day DOUBLE, -- day of event or of censoring, from the first dose
    is_event BOOLEAN, -- the event happened
    cox_snell DOUBLE, -- residual, at least 0
    martingale DOUBLE, -- residual, at most 1; they sum to 0
    cumulative_hazard DOUBLE -- its mean given sizes and event
)
