/* How many of the patients of a treatment are in each cluster.
   Why: whether treatment changes the pattern of progression (Fig. 5b, S10b).
   Caveats: shares are of the patients with a progression; level 0 is given beside, as a share of all.
   Reference: Zhou et al., Nat Commun 2023, Fig. 5b
   Filled by: step progression_meaning
   Grain: one row per subset, treatment_class and cluster_name
   Key: subset, treatment_class, cluster_name
   Tags: public
*/
CREATE TABLE analysis.progression_proportion (
    subset VARCHAR, -- analysis.progression_cluster
    treatment_class VARCHAR, -- chemotherapy, antibody plus chemotherapy or another
    cluster_name VARCHAR, -- cluster, or No progression
    n BIGINT, -- patients of the treatment in it
    n_of BIGINT, -- patients of the treatment with a progression; for No progression all
    share DOUBLE, -- n over n_of
    ci_lower DOUBLE, -- Wilson's lower 95 % limit
    ci_upper DOUBLE -- upper limit
)
