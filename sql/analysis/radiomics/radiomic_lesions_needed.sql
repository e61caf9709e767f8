/* How many random lesions show most of the heterogeneity.
   Why: how many lesions ought to be segmented, or followed.
   How: from the recovery curves of the patients together; n_needed_mean: the mean share recovered reaches
   radiomics.recovered_share from this number on; n_needed_lower: so do nearly all samples (their lower quantile).
   Caveats: averaged over pairs, two random lesions recover all of the average heterogeneity on average; only
   n_needed_lower says how many make it precise. NULL: not within radiomics.curve_lesions.
   Reference: Henry et al. 2022, Results ("more than eight lesions"), Fig. 6.
   Grain: one row per heterogeneity, cohort, definition and index
   Key: heterogeneity, cohort, definition, index
   Tags: public
*/
WITH curve AS (
    SELECT
        'radiomic' AS heterogeneity,
        cohort,
        definition,
        index,
        n_lesions,
        n_patients,
        is_mean_enough,
        is_lower_enough
    FROM analysis.radiomic_recovery_summary
    UNION ALL
    SELECT
        'gower' AS heterogeneity,
        cohort,
        definition,
        index,
        n_lesions,
        n_patients,
        is_mean_enough,
        is_lower_enough
    FROM analysis.gower_recovery_summary
)

SELECT
    heterogeneity, -- radiomic (cosine distances) or gower (response)
    cohort, -- core.study, or 'all' for all studies
    definition, -- pairs or published
    index, -- average_tumoral_heterogeneity or maximal_tumoral_divergence
    max(n_patients) AS n_patients, -- patients with an index above 0
    min(n_lesions) FILTER (WHERE is_mean_enough) AS n_needed_mean, -- lesions for the mean to be enough
    min(n_lesions) FILTER (WHERE is_lower_enough) AS n_needed_lower -- lesions for nearly every sample to be enough
FROM curve
GROUP BY heterogeneity, cohort, definition, index
