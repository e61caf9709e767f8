/* How unlike one patient's lesions respond, and which organs shrank.
   Why: heterogeneity beside outcome, for tables that are joined by patient.
   Caveats: known only after follow-up; see analysis.survival_cox before reading it as a prognosis.
   Reference: Zhou et al. 2021, Fig. 2 and 6.
   Grain: one row per patient_id
   Key: patient_id
   Tags: public
*/
SELECT
    patient_id, -- text id of the patient
    study_id, -- text id of the study
    n_lesions, -- target lesions with phases
    n_inconsistent_lesions, -- of them, with other phases than the sum of diameters
    patient_gower_distance, -- mean Gower distance between the lesions
    gower_null_reason, -- why there is none; NULL where there is one
    sum_nadir_ratio, -- smallest sum of diameters after baseline over baseline
    sum_last_ratio, -- last sum of diameters over baseline
    sum_source, -- lesions (added up) or stated (the source's); NULL without a sum
    liver_response, -- liver against all other organs; NULL without a liver lesion with phases
    liver_lung_response, -- liver against lung, patients with lesions in both and nowhere else
    liver_ln_response, -- liver against lymph nodes, likewise
    lung_response, -- lung against all other organs, patients with lesions in both
    ln_response, -- lymph nodes against all other organs, likewise
    os_quarter -- low or high: bottom or top quarter of overall survival
FROM analysis.patient_profile
