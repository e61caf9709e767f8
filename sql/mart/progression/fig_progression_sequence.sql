/* Organs by place in the progression sequence, per cluster and treatment: a heat map.
   Why: Fig. 4a of Zhou 2023 (treatment_class all), and 5c to e and S10 by treatment.
   Caveats: cells without a patient have no row. encoding and rules behind the clusters: analysis.progression_cluster.
   Reference: Zhou et al. 2023, Fig. 4a, 5c to e, S9a, S10.
   Grain: one row per subset, cluster_name, treatment_class, position and organ
   Key: subset, cluster_name, treatment_class, position, organ
   Tags: figure
*/
WITH cluster AS (
    SELECT
        subset,
        cluster_name,
        min(cluster) AS cluster
    FROM analysis.progression_cluster
    GROUP BY subset, cluster_name
)

SELECT
    place.subset, -- analysis.progression_cluster
    place.cluster_name, -- cluster
    CAST(cluster.cluster AS INTEGER) AS cluster_order, -- order of the clusters, 1 is the largest
    place.treatment_class, -- all, or one class
    place.position, -- column of the heat map: place in the sequence
    place.organ, -- row of the heat map
    coalesce(organ.display_name, place.organ) AS organ_name, -- as it is shown
    coalesce(organ.sort_order, 100) AS organ_order, -- order of the rows
    place.n_patients, -- patients with the organ at the place
    place.n_cluster, -- patients of the cluster and treatment
    place.share, -- share of them
    place.log10_n -- log10(n_patients + 1): the color
FROM analysis.progression_place AS place
INNER JOIN cluster ON place.subset = cluster.subset AND place.cluster_name = cluster.cluster_name
LEFT JOIN core.organ AS organ ON place.organ = organ.organ
