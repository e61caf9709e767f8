/* What share of the radiomic heterogeneity so many random lesions show.
   Why: the recovery curve: how many lesions are enough.
   Caveats: by the definition of radiomics.definition.
   Reference: Henry et al. 2022, Fig. 6.
   Grain: one row per cohort, index and n_lesions
   Key: cohort, index, n_lesions
   Tags: figure
*/
SELECT
    cohort, -- core.study, or 'all' for all studies
    index, -- average_tumoral_heterogeneity or maximal_tumoral_divergence
    n_lesions, -- random lesions, or all where there are fewer
    definition, -- pairs or published
    n_patients, -- patients with an index above 0
    100 * recovered_mean AS recovered_percent, -- mean share recovered, percent
    100 * recovered_lower AS recovered_lower_percent, -- lower quantile over all samples, percent
    100 * recovered_upper AS recovered_upper_percent, -- upper quantile, percent
    is_mean_enough, -- from here on the mean reaches radiomics.recovered_share
    is_lower_enough -- from here on nearly every sample does
FROM analysis.radiomic_recovery_summary
WHERE
    definition = (
        SELECT setting.value FROM meta.setting AS setting
        WHERE setting.name = 'radiomics.definition'
    )
