/* Predicted and observed risk of a new organ, in fifths of the risk left out.
   Why: whether who is said to be at high risk is.
   Filled by: step new_organ_risk
   Grain: one row per subset, organ, landmark_days and risk_group
   Key: subset, organ, landmark_days, risk_group
*/
CREATE TABLE analysis.new_organ_calibration (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    organ VARCHAR, -- core.organ, or any
    landmark_days DOUBLE, -- day from first dose
    risk_group BIGINT, -- fifth of the risk, 1 the lowest
    n_patients BIGINT, -- patients
    mean_risk DOUBLE, -- mean predicted risk, left out
    observed DOUBLE, -- Aalen-Johansen incidence; NULL where nobody was observed up to the horizon
    ci_lower DOUBLE, -- lower limit (survival.confidence)
    ci_upper DOUBLE -- upper limit
)
