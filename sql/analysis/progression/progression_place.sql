/* How many patients of a cluster have an organ at a place of their sequence.
   Why: the heat maps of Fig. 4a, 5c to e and S10.
   Caveats: combinations that no patient has have no row.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4a
   Filled by: step progression_meaning
   Grain: one row per subset, cluster_name, treatment_class, position and organ
   Key: subset, cluster_name, treatment_class, position, organ
   Tags: public
*/
CREATE TABLE analysis.progression_place (
    subset VARCHAR, -- analysis.progression_cluster
    cluster_name VARCHAR, -- cluster
    treatment_class VARCHAR, -- all, or one class
    position BIGINT, -- place in the sequence
    organ VARCHAR, -- organ that progressed there
    n_patients BIGINT, -- patients with it
    n_cluster BIGINT, -- patients of the cluster and treatment
    share DOUBLE, -- n_patients over n_cluster
    log10_n DOUBLE, -- log10(n_patients + 1), as the paper colours it
    median_days DOUBLE -- median day of the progression, from first dose
)
