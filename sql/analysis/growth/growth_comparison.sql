/* Growth parameters of organs, and of treatments, compared by rank tests.
   Why: which organs' lesions grow or shrink faster (Kruskal-Wallis over all, Dunn's test of each pair).
   How: groups with five lesions or more; p_adjusted for the pairs of one comparison (comparisons.correction). Draws:
   each draw is tested; chi-squared statistics pooled after Li, Meng, Raghunathan and Rubin, Dunn's z by Rubin's rules.
   Caveats: lesions are counted as if independent, as in the paper, though those of one patient are not: p-values are
   too small, most of all for treatments. Use analysis.growth_covariate and growth_effect for those.
   Reference: Zhou et al. 2023, Fig. 2; Dunn 1964, Technometrics; Li et al. 1991, Stat Sinica
   Filled by: step growth_association
   Grain: one row per fit_id, grouping, parameter, estimate_kind, test, group_a and group_b
   Key: fit_id, grouping, parameter, estimate_kind, test, group_a, group_b
   Tags: public
*/
CREATE TABLE analysis.growth_comparison (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    grouping VARCHAR, -- organ or therapy
    parameter VARCHAR, -- growth parameter; for two_population kg, kd (per day) or f
    estimate_kind VARCHAR, -- conditional_mode or conditional_mean (a lesion's estimate taken as known), or draws
    -- (computed per draw, pooled by Rubin's rules)
    test VARCHAR, -- Kruskal-Wallis or Dunn
    group_a VARCHAR, -- one group; all in Kruskal-Wallis
    group_b VARCHAR, -- the other; all
    n_a BIGINT, -- lesions of group_a; of all groups
    n_b BIGINT, -- lesions of group_b; null in Kruskal-Wallis
    median_a DOUBLE, -- median of group_a's conditional modes; null in Kruskal-Wallis
    median_b DOUBLE, -- median of group_b's
    statistic DOUBLE, -- H (of draws: F), or Dunn's z: above 0 where group_a is higher
    df BIGINT, -- groups - 1; null for Dunn
    p_value DOUBLE, -- two-sided
    p_adjusted DOUBLE -- corrected for the pairs
)
