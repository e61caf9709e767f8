/* Heterogeneity of response among a patient's lesions, one number per patient.
   The variables are has_response, has_stable, has_relapse (binary) and nadir_ratio, last_ratio (difference over range)
   of analysis.lesion_phase. A variable's range is that of the patient's lesions, or of all patients' (gower.range); a
   range of 0 counts as a difference of 0.
   Reference: Gower, Biometrics 1971; Zhou et al., Cancer Res 2021, Methods, Gower distance
   Filled by: step gower
   Grain: one row per patient_id of analysis.lesion_phase
   Key: patient_id
   Tags: public
*/
CREATE TABLE analysis.gower_patient (
    patient_id VARCHAR, -- core.patient
    n_lesions BIGINT, -- lesions with phases
    gower_distance DOUBLE, -- mean of the lesions' gower_distance: the mean over the pairs, or (n_lesions - 1) /
    -- n_lesions of it where gower.mean is all; null where null_reason says why
    null_reason VARCHAR -- why there is no distance; null where there is one
)
