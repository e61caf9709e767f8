/* The risk that a lesion is found in an organ that is free, within a horizon from a landmark, in one patient.
   Why: where the next metastasis will be.
   How: cause-specific Cox models of the lesion and of death (analysis.new_organ_model) on what was known at the
   landmark (analysis.new_organ_course); the risk has death competing. Limits are those of the lesion's hazard, the
   hazard of death held. risk_left_out is by models that never saw the patient's trial (with one trial: the patient's
   fifth).
   Caveats: whether it is of any use says analysis.new_organ_accuracy: read its verdict first.
   Reference: Benichou and Gail, Biometrics 1990; Tsiatis, Ann Stat 1981
   Filled by: step new_organ_risk
   Grain: one row per patient_id, organ and landmark_days
   Key: patient_id, organ, landmark_days
   Tags: public
*/
CREATE TABLE analysis.new_organ_risk (
    patient_id VARCHAR, -- core.patient
    organ VARCHAR, -- core.organ, or any: the first organ that is new
    landmark_days DOUBLE, -- day from first dose from which is predicted
    horizon_days DOUBLE, -- days after the landmark (progression.new_organ_horizon_days)
    risk DOUBLE, -- probability of a lesion there within the horizon
    lower DOUBLE, -- lower limit (survival.confidence)
    upper DOUBLE, -- upper limit
    risk_left_out DOUBLE, -- the same by models without the patient's trial
    is_imputed BOOLEAN -- a covariate was missing and is the median of those at risk
)
