/* Clusters of a patient's lesions that look alike, and their order in the heat map.
   How: hierarchical, radiomics.linkage, cut at radiomics.lesion_cluster_distance.
   The distance is radiomics.cosine on the features selected in analysis.radiomic_robustness, scaled by
   radiomics.scaling over all lesions of the study. 1 - cos reaches 2 (opposite directions); it stays below 1 only for
   features that are never negative (min-max).
   Reference: Henry et al. 2022, Methods, Data analysis
   Filled by: step radiomic_dissimilarity
   Grain: one row per lesion_id in the reference region that was compared, or not for a reason
   Key: lesion_id
   Tags: public
*/
CREATE TABLE analysis.radiomic_lesion_cluster (
    lesion_id VARCHAR, -- core.lesion
    patient_id VARCHAR, -- core.patient
    organ VARCHAR, -- organ of the lesion
    cluster BIGINT, -- number of the cluster within the patient, from 1; NULL where not compared
    place BIGINT, -- place in the heat map, from 1
    mean_distance DOUBLE, -- mean distance to the patient's other lesions; NULL for an only one
    null_reason VARCHAR -- why the lesion was not compared; NULL where it was
)
