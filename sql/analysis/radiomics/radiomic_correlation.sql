/* Absolute correlation of two kept radiomic features over a study's lesions: the clustered heat map.
   Caveats: of studies with more than 300 kept features only the pairs with a selected feature of the same cluster are
   here.
   Reference: Henry et al. 2022, Fig. 3
   Filled by: step radiomic_robustness
   Grain: one row per study_id and pair of features, each pair once
   Key: study_id, feature, other_feature
   Tags: public
*/
CREATE TABLE analysis.radiomic_correlation (
    study_id VARCHAR, -- core.study
    feature VARCHAR, -- name of the feature; less than other_feature
    other_feature VARCHAR, -- name of the other
    correlation_abs DOUBLE, -- absolute value of Pearson's correlation, 0 to 1
    is_same_cluster BOOLEAN -- both are of one cluster
)
