/* Patients at baseline by cluster, number by number (Supplementary Table 3).
   How: numbers as mean, standard deviation and quartiles, with Kruskal-Wallis over the clusters; categories as counts
   and shares of those known, with a chi-squared test (by random tables where a count below 5 is expected).
   Caveats: p-values are not corrected for the number of characteristics. mart.fig_progression_characteristic has it as
   one would print it.
   Reference: Zhou et al., Nat Commun 2023, Supplementary Table 3
   Filled by: step progression_meaning
   Grain: one row per subset, cluster_name, variable and level
   Key: subset, cluster_name, variable, level
   Tags: public
*/
CREATE TABLE analysis.progression_characteristic (
    subset VARCHAR, -- analysis.progression_cluster
    cluster_name VARCHAR, -- cluster, or all clusters
    cluster_order BIGINT, -- order of the columns of a printed table
    variable VARCHAR, -- characteristic of analysis.baseline_feature
    variable_order BIGINT, -- order of the rows of a printed table
    level VARCHAR, -- level of a category; number for a number
    n BIGINT, -- patients with the level; for a number those with a value
    n_known BIGINT, -- patients of the cluster with a value
    n_patients BIGINT, -- patients of the cluster
    share DOUBLE, -- n over n_known; NULL for a number
    mean DOUBLE, -- mean of a number
    sd DOUBLE, -- standard deviation
    first_quartile DOUBLE, -- 25th percentile
    median DOUBLE, -- median
    third_quartile DOUBLE, -- 75th percentile
    test VARCHAR, -- Kruskal-Wallis, chi-squared or permutation; NULL without
    p_value DOUBLE -- of the characteristic over the clusters
)
