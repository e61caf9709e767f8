/* Absolute coefficient of variation of a radiomic feature between a patient's lesions, in all organs and in each.
   Why: how heterogeneous the lesions are, feature by feature.
   How: |standard deviation (divisor n - 1) / mean| over the lesions in the reference segmentation and region.
   Caveats: refused where the feature is standardised (mean 0 over the study's lesions, or negative though it cannot
   be): sd over a mean of 0 is a division by 0. Features that may be negative (skewness) have means near 0 in some
   patients, and huge coefficients.
   Reference: Henry et al. 2022, Methods, Data analysis; Fig. 4
   Filled by: step radiomic_variation
   Grain: one row per patient_id, organ and feature; organs with two lesions or more
   Key: patient_id, organ, feature
   Tags: public
*/
CREATE TABLE analysis.radiomic_variation (
    patient_id VARCHAR, -- core.patient
    organ VARCHAR, -- organ of the lesions, or 'all'
    feature VARCHAR, -- name of the feature
    study_id VARCHAR, -- core.study
    feature_class VARCHAR, -- first-order, shape, GLCM, GLRLM, GLSZM, GLDM, NGTDM or other
    cv_abs DOUBLE, -- absolute coefficient of variation, 1 = 100 %; null_reason where there is none
    n_lesions BIGINT, -- lesions with a value
    mean DOUBLE, -- mean of the values
    sd DOUBLE, -- standard deviation of the values
    null_reason VARCHAR -- why there is no coefficient; NULL where there is one
)
