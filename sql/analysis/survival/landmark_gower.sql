/* Heterogeneity of response among a patient's lesions, by the scans up to survival.landmark_days.
   Why: who lives longer is scanned longer, and so gets more responses and more heterogeneity (guarantee time). Survival
   from a landmark on may be compared by what was known there.
   How: as analysis.gower_patient, from no later scan. Patients with fewer than two lesions that were measured after
   baseline by then have no row, unless gower.single_lesion is zero.
   Reference: Anderson, Cain and Gelber, J Clin Oncol 1983; Zhou et al., Cancer Res 2021
   Filled by: step landmark_response
   Grain: one row per patient_id with a distance by then
   Key: patient_id
   Tags: public
*/
CREATE TABLE analysis.landmark_gower (
    patient_id VARCHAR, -- core.patient
    landmark_days DOUBLE, -- days from the first dose: survival.landmark_days
    n_lesions BIGINT, -- lesions with phases by then
    gower_distance DOUBLE -- mean of the lesions' distances, 0 alike to 1
)
