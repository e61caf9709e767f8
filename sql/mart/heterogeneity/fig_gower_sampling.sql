/* What share of the heterogeneity of response a choice of few lesions shows.
   Why: what RECIST's five lesions, two per organ, miss.
   Caveats: by the definition of radiomics.definition; pooled.
   Reference: Henry et al. 2022, Table 2, on the Gower distances of Zhou et al. 2021.
   Grain: one row per cohort, strategy and index
   Key: cohort, strategy, index
   Tags: figure
*/
SELECT
    cohort, -- core.study, or 'all' for all studies
    strategy, -- order of choice, how many lesions, per_site how many, without organ
    index, -- average_tumoral_heterogeneity or maximal_tumoral_divergence
    definition, -- pairs or published
    n_patients, -- patients with an index above 0
    100 * recovered_mean AS recovered_percent, -- mean share recovered, percent
    100 * recovered_lower AS recovered_lower_percent, -- lower quantile over all samples, percent
    100 * recovered_upper AS recovered_upper_percent, -- upper quantile, percent
    n_patients_partial, -- patients in whom lesions are left out
    100 * recovered_mean_partial AS recovered_partial_percent -- mean share in those, percent
FROM analysis.gower_sampling_summary
WHERE
    scope = 'pooled'
    AND definition = (
        SELECT setting.value FROM meta.setting AS setting
        WHERE setting.name = 'radiomics.definition'
    )
