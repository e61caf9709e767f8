/* What speaks for each number of clusters of progression sequences, by either encoding.
   Why: how many clusters there are is a choice; the figures that it rests on stand here.
   How: timed compares which organs had progressed by when, time discounted by half every progression.half_life_days
   (k-medoids); published is the one-hot and softmax encoding of Zhou 2023's code (k-means). is_chosen by
   progression.k or progression.k_rule.
   Caveats: concordance is of the same patients' survival from the first dose, which groups of a later progression look
   better in than they are (guarantee time): it is given because the paper chose by it; analysis.progression_landmark
   does without. stability_ari says whether the same clusters come again, not that there are groups:
   silhouette_by_chance is what random sequences reach.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4a, S7 and S9; Hubert and Arabie, J Classif 1985
   Filled by: step progression_cluster
   Grain: one row per subset, encoding and k
   Key: subset, encoding, k
   Tags: public
*/
CREATE TABLE analysis.progression_cluster_choice (
    subset VARCHAR, -- all; where there are several tumor types, each by itself; and of each the second round,
    -- hetero-organ: patients of its Hetero-Organ clusters, or without such with many organs
    encoding VARCHAR, -- timed or published: the setting progression.encoding
    k BIGINT, -- clusters
    n_patients BIGINT, -- patients clustered
    n_distinct BIGINT, -- distinct sequences among them
    inertia DOUBLE, -- sum of squared distances to the means (published), or distances to the medoids
    elbow DOUBLE, -- how far the inertia lies below the line from k = 1 to the last k; largest at the elbow
    silhouette DOUBLE, -- mean silhouette, -1 to 1; NULL for one cluster
    silhouette_by_chance DOUBLE, -- highest of sequences with organs drawn at random
    aic DOUBLE, -- Akaike's criterion of the organs at each place, given the cluster
    bic DOUBLE, -- Bayes' criterion of the same
    concordance DOUBLE, -- Harrell's concordance of overall survival with the clusters
    stability_ari DOUBLE, -- mean adjusted Rand index with clusters of bootstrap samples: 1 alike
    stability_ari_lower DOUBLE, -- its 5 % quantile over the samples
    is_stable BOOLEAN, -- the mean is at least 0.8
    is_beyond_chance BOOLEAN, -- the silhouette is more than 0.05 above that of random sequences
    is_chosen BOOLEAN, -- this number of clusters is used
    null_reason VARCHAR -- why there are no clusters; NULL where there are
)
