/* Tests of intervals between progressions, between clusters and between treatments within a cluster.
   How: two groups Mann-Whitney; more Kruskal-Wallis and Dunn's test of each pair (comparisons.correction).
   Caveats: a second interval is there only for patients in whom a second organ was seen to progress while scans were
   made, so intervals are those of the quick; analysis.organ_incidence takes the others into account.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4c, 5f to h, S9c, S10; Dunn, Technometrics 1964
   Filled by: step progression_meaning
   Grain: one row per subset, variable, grouping, group_a, group_b and test
   Key: subset, variable, grouping, group_a, group_b, test
   Tags: public
*/
CREATE TABLE analysis.progression_comparison (
    subset VARCHAR, -- analysis.progression_cluster, and after a semicolon the cluster within which treatments are
    -- compared
    variable VARCHAR, -- first_days, second_interval_days, third_interval_days, fourth_interval_days, mean_interval_days
    -- or mean_time_days of analysis.progression_patient
    grouping VARCHAR, -- progression cluster or treatment class
    group_a VARCHAR, -- one group; all where all groups are compared together
    group_b VARCHAR, -- the other; all where all groups are compared together
    test VARCHAR, -- Mann-Whitney, Kruskal-Wallis or Dunn
    level VARCHAR, -- what is counted: patient or lesion
    patient_subset VARCHAR, -- subset of analysis.progression_cluster
    organ VARCHAR, -- always NULL: patients are compared
    statistic DOUBLE, -- U of group_a (Mann-Whitney), H (Kruskal-Wallis) or z (Dunn)
    p_value DOUBLE, -- two-sided
    p_adjusted DOUBLE, -- corrected for the pairs of this comparison
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
