/* How differently a lesion responded from its patient's other lesions.
   The variables are has_response, has_stable, has_relapse (binary) and nadir_ratio, last_ratio (difference over range)
   of analysis.lesion_phase. A variable's range is that of the patient's lesions, or of all patients' (gower.range); a
   range of 0 counts as a difference of 0.
   Reference: Gower, Biometrics 1971; Zhou et al., Cancer Res 2021, Methods, Gower distance
   Filled by: step gower
   Grain: one row per lesion_id of analysis.lesion_phase whose patient is known
   Key: lesion_id
   Tags: public
*/
CREATE TABLE analysis.gower_lesion (
    lesion_id VARCHAR, -- core.lesion
    patient_id VARCHAR, -- core.patient
    gower_distance DOUBLE -- mean distance to the patient's other lesions (or to all with its own 0, where gower.mean is
    -- all); null without phases, and for an only lesion unless gower.single_lesion is zero
)
