/* A covariate in the hazard of a lesion in a new organ, or of death before it.
   Why: what the risks of analysis.new_organ_risk rest on.
   How: one Cox model for each cause, the other censored in it; Efron's ties. A cause with fewer than five events per
   covariate is taken as independent of all of them.
   Caveats: associations in trial patients.
   Filled by: step new_organ_risk
   Grain: one row per subset, organ, landmark_days, cause and term
   Key: subset, organ, landmark_days, cause, term
*/
CREATE TABLE analysis.new_organ_model (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    organ VARCHAR, -- core.organ, or any
    landmark_days DOUBLE, -- day from first dose
    cause VARCHAR, -- new organ, or death
    term VARCHAR, -- column of analysis.new_organ_course
    n_patients BIGINT, -- patients at risk
    n_events BIGINT, -- of the cause
    log_hr DOUBLE, -- log hazard ratio per unit; 0 where it is not estimated
    standard_error DOUBLE -- of log_hr; NULL where it is not estimated
)
