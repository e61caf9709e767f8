/* Absolute coefficient of variation of one feature in one patient, with what it is drawn by.
   Why: Fig. 4: variation by class of features, for all features and for the selected ones.
   Reference: Henry et al. 2022, Fig. 4.
   Grain: one row per patient_id, organ and feature that has a coefficient
   Key: patient_id, organ, feature
   Tags: figure
*/
WITH feature AS (
    SELECT
        study_id,
        feature,
        bool_or(is_kept) AS is_kept,
        bool_or(is_selected) AS is_selected
    FROM analysis.radiomic_robustness
    GROUP BY study_id, feature
)

SELECT
    variation.patient_id, -- core.patient
    variation.organ, -- organ, or 'all'
    variation.feature, -- name of the feature
    variation.study_id, -- core.study
    variation.feature_class, -- class of the feature
    feature.is_kept, -- robust to the segmentation, as far as known
    feature.is_selected, -- speaks for its cluster
    variation.n_lesions, -- lesions
    100 * variation.cv_abs AS cv_percent -- absolute coefficient of variation, percent
FROM analysis.radiomic_variation AS variation
INNER JOIN feature ON variation.study_id = feature.study_id AND variation.feature = feature.feature
WHERE variation.cv_abs IS NOT NULL
