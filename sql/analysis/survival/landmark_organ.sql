/* Whether an organ of a patient had shrunk, by the scans up to survival.landmark_days.
   Why: who lives longer is scanned longer, and so gets more responses and more heterogeneity (guarantee time). Survival
   from a landmark on may be compared by what was known there.
   How: as analysis.organ_phase, from no later scan.
   Reference: Anderson, Cain and Gelber, J Clin Oncol 1983; Zhou et al., Cancer Res 2021
   Filled by: step landmark_response
   Grain: one row per patient_id and organ_set with a lesion measured after baseline by then
   Key: patient_id, organ_set
   Tags: public
*/
CREATE TABLE analysis.landmark_organ (
    patient_id VARCHAR, -- core.patient
    organ_set VARCHAR, -- as in analysis.organ_phase
    is_complement BOOLEAN, -- the set is all organs but one
    landmark_days DOUBLE, -- days from the first dose: survival.landmark_days
    n_lesions BIGINT, -- target lesions in the sum
    nadir_ratio DOUBLE, -- smallest sum of diameters by then / that at baseline; NULL where the sum has no phases
    is_shrunk BOOLEAN -- the organ had shrunk by more than heterogeneity.shrinkage_percent; NULL where the sum has no
    -- phases
)
