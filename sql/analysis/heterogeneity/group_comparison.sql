/* One test between groups of lesions or patients.
   Why: where and under which treatment lesions respond better, longer, or more alike.
   How: staging.comparison_plan says which variable, grouping and subset. Two groups: Mann-Whitney. More: Kruskal-Wallis
   over all, and Dunn's test of each pair, corrected by comparisons.correction for the pairs of this comparison.
   Caveats: lesions are counted as if independent, as in the paper, though those of one patient are not: p_value and
   p_adjusted of lesions are too small, as limits are too narrow. p_clustered takes the patients as clusters and holds
   its level. Effects of Dunn's pairs are of the two groups by themselves.
   Reference: Zhou et al., Cancer Res 2021, Methods, Statistical analysis; Dunn, Technometrics 1964; Cliff, Psychol.
   Bull. 1993; Obuchowski, Biometrics 1997; Hodges and Lehmann, Annals of Mathematical Statistics 1963
   Filled by: step group_comparison
   Grain: one row per subset, variable, grouping, group_a, group_b and test
   Key: subset, variable, grouping, group_a, group_b, test
   Tags: public
*/
CREATE TABLE analysis.group_comparison (
    subset VARCHAR, -- which patients (analysis.patient_subset) and, after a semicolon, whose lesions
    variable VARCHAR, -- what is compared, in the unit of its name: analysis.lesion_phase, gower_lesion (gower_distance)
    -- or patient_profile
    grouping VARCHAR, -- by what: staging.comparison_plan
    group_a VARCHAR, -- one group; all where all groups are compared together
    group_b VARCHAR, -- the other; all where all groups are compared together
    test VARCHAR, -- Mann-Whitney, Kruskal-Wallis or Dunn
    level VARCHAR, -- what is counted: patient or lesion
    patient_subset VARCHAR, -- analysis.patient_subset
    organ VARCHAR, -- organ class of the lesions; NULL where organs are compared, or all are taken
    statistic DOUBLE, -- U of group_a (Mann-Whitney), H (Kruskal-Wallis) or z (Dunn)
    p_value DOUBLE, -- two-sided
    p_adjusted DOUBLE, -- corrected for the pairs of this comparison
    p_clustered DOUBLE, -- of two groups of lesions: Cliff's delta against 0 with patients as clusters, corrected
    -- likewise; NULL of patients, of all groups together and where a group is of one patient
    n_a BIGINT, -- values in group_a; in all groups where all are compared together
    n_b BIGINT, -- values in group_b; NULL where all groups are compared together
    median_a DOUBLE, -- median of group_a
    median_b DOUBLE, -- median of group_b
    effect_name VARCHAR, -- rank-biserial correlation, or epsilon squared (Kruskal-Wallis)
    effect_size DOUBLE, -- P(a > b) - P(a < b), from -1 to 1: rank-biserial correlation and Cliff's delta at once; or H
    -- / (n - 1), 0 to 1
    effect_lower DOUBLE, -- lower limit of Cliff's delta (survival.confidence)
    effect_upper DOUBLE, -- upper limit
    shift DOUBLE, -- Hodges-Lehmann: median of all differences a - b
    shift_lower DOUBLE, -- lower limit
    shift_upper DOUBLE, -- upper limit
    is_exact BOOLEAN, -- the p-value is exact: small groups without ties
    null_reason VARCHAR -- why there is no test; NULL where there is one
)
