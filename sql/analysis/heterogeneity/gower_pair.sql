/* How differently two lesions of one patient responded, from 0 to 1.
   The variables are has_response, has_stable, has_relapse (binary) and nadir_ratio, last_ratio (difference over range)
   of analysis.lesion_phase. A variable's range is that of the patient's lesions, or of all patients' (gower.range); a
   range of 0 counts as a difference of 0.
   Reference: Gower, Biometrics 1971; Zhou et al., Cancer Res 2021, Methods, Gower distance
   Filled by: step gower
   Grain: one row per pair of lesions of one patient that both have phases, each pair once
   Key: lesion_id, other_lesion_id
   Tags: public
*/
CREATE TABLE analysis.gower_pair (
    patient_id VARCHAR, -- core.patient
    lesion_id VARCHAR, -- core.lesion; less than other_lesion_id
    other_lesion_id VARCHAR, -- core.lesion
    distance DOUBLE -- mean difference over the five variables; 0 alike, 1 as unlike as can be
)
