/* How heterogeneous a patient's lesions look: average tumoral heterogeneity and maximal tumoral divergence, over the
   pairs of lesions (and, where lesions have several regions, over the pairs of regions within lesions).
   The distance is radiomics.cosine on the features selected in analysis.radiomic_robustness, scaled by
   radiomics.scaling over all lesions of the study. 1 - cos reaches 2 (opposite directions); it stays below 1 only for
   features that are never negative (min-max).
   Reference: Henry et al. 2022, Methods, Data analysis
   Filled by: step radiomic_dissimilarity
   Grain: one row per patient_id and compared
   Key: patient_id, compared
   Tags: public
*/
CREATE TABLE analysis.radiomic_heterogeneity (
    patient_id VARCHAR, -- core.patient
    average_tumoral_heterogeneity DOUBLE, -- mean distance over the pairs i < j; null_reason where there is none
    maximal_tumoral_divergence DOUBLE, -- greatest distance
    compared VARCHAR, -- lesions or regions
    study_id VARCHAR, -- core.study
    n_lesions BIGINT, -- lesions (or regions) that were compared
    n_left_out BIGINT, -- lesions (or regions) that could not be compared
    n_pairs BIGINT, -- pairs compared
    n_features BIGINT, -- features that the distance rests on
    variant VARCHAR, -- variant of the cosine distance
    scaling VARCHAR, -- scaling of the features
    largest_possible DOUBLE, -- greatest value that the variant can take
    is_exhaustive BOOLEAN, -- the source says that every visible lesion was segmented
    null_reason VARCHAR -- why there is no index; NULL where there is one
)
