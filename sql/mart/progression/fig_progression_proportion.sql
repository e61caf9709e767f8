/* Shares of the clusters in each treatment.
   Why: Fig. 5b of Zhou 2023.
   Reference: Zhou et al. 2023, Fig. 5b, S10b.
   Grain: one row per subset, treatment_class and cluster_name
   Key: subset, treatment_class, cluster_name
   Tags: figure
*/
WITH tested AS (
    SELECT
        subset,
        variable,
        p_value,
        cramers_v
    FROM analysis.progression_association
    WHERE variable IN ('progression cluster', 'any progression')
)

SELECT
    proportion.subset, -- analysis.progression_cluster
    proportion.treatment_class, -- treatment
    proportion.cluster_name, -- cluster, or No progression
    proportion.n, -- patients
    proportion.n_of, -- patients of the treatment with a progression; for No progression all
    proportion.share, -- share
    proportion.ci_lower, -- lower limit
    proportion.ci_upper, -- upper limit
    tested.p_value, -- does treatment go with the cluster, or with having any progression
    tested.cramers_v -- how strongly, 0 to 1
FROM analysis.progression_proportion AS proportion
LEFT JOIN tested
    ON
        proportion.subset = tested.subset
        AND tested.variable = CASE
            WHEN proportion.cluster_name = 'No progression' THEN 'any progression' ELSE 'progression cluster'
        END
