/* Whether a radiomic feature holds under another segmentation, and whether it speaks for those that say the same.
   Why: a feature that the contour decides, or that repeats another, says nothing of heterogeneity.
   How: Lin's concordance between the reference segmentation and each other, over the lesions that have both. A feature
   is kept where no comparison lies below radiomics.ccc_threshold (of radiomics.least_compared_percent of the lesions).
   Kept features are clustered on 1 - |r|; of each cluster the most understandable one (radiomics.understandable), else
   the first by name, is selected.
   Caveats: without a second segmentation nothing is known of robustness, and every feature is kept (comparison 'none').
   Reference: Henry et al. 2022, Methods; Lin, Biometrics 1989 and 2000
   Filled by: step radiomic_robustness
   Grain: one row per study_id, feature and comparison
   Key: study_id, feature, comparison
   Tags: public
*/
CREATE TABLE analysis.radiomic_robustness (
    study_id VARCHAR, -- core.study
    feature VARCHAR, -- name of the feature
    comparison VARCHAR, -- the other segmentation; 'none' where the study has one only
    reference VARCHAR, -- the segmentation that it is compared with
    feature_class VARCHAR, -- first-order, shape, GLCM, GLRLM, GLSZM, GLDM, NGTDM or other
    n_lesions BIGINT, -- lesions (and regions) with both segmentations; with one, where none compares
    ccc DOUBLE, -- Lin's concordance correlation coefficient (variances with divisor n)
    ccc_lower DOUBLE, -- lower limit (radiomics.confidence)
    ccc_upper DOUBLE, -- upper limit
    pearson DOUBLE, -- Pearson's correlation
    is_robust BOOLEAN, -- ccc reaches radiomics.ccc_threshold; NULL where it is not known
    is_kept BOOLEAN, -- robust in every comparison that decides, known in enough lesions, and varying
    cluster BIGINT, -- cluster of the kept feature, from 1; NULL where it is not kept
    place BIGINT, -- place of the kept feature in the clustered heat map, from 1
    is_selected BOOLEAN, -- speaks for its cluster: heterogeneity is measured on it
    reason VARCHAR -- why it was selected, or why it was not kept; NULL for other members of clusters
)
