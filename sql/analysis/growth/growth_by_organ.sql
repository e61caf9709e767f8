/* Growth parameters by organ, compared across organs.
   Caveats: medians and the first test are of conditional modes, which shrinkage makes alike or unlike with the number
   of scans; the second test is pooled over draws, which are drawn towards the project's typical value, too. Differences
   free of that: analysis.growth_covariate.
   Reference: Zhou et al. 2023, Fig. 2
   Filled by: step growth_association
   Grain: one row per fit_id, organ and parameter
   Key: fit_id, organ, parameter
   Tags: public
*/
CREATE TABLE analysis.growth_by_organ (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    organ VARCHAR, -- core.organ
    parameter VARCHAR, -- kg_per_day, kd_per_day or f; of other models their own names
    n_lesions BIGINT, -- lesions
    n_patients BIGINT, -- their patients
    minimum DOUBLE, -- smallest conditional mode
    percentile_10 DOUBLE, -- 10th percentile
    lower_quartile DOUBLE, -- lower quartile
    median DOUBLE, -- median of the conditional modes
    upper_quartile DOUBLE, -- upper quartile
    percentile_90 DOUBLE, -- 90th percentile
    maximum DOUBLE, -- largest
    typical DOUBLE, -- mean over draws on the scale of estimation, put back
    typical_lower DOUBLE, -- lower 95 % limit, by patient; null with under three patients
    typical_upper DOUBLE, -- upper 95 % limit
    kruskal_wallis_p DOUBLE, -- Kruskal-Wallis test over all organs, of the modes; null with fewer than two organs
    kruskal_wallis_p_draws DOUBLE -- the same over draws, pooled
)
