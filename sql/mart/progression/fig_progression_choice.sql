/* What speaks for each number of clusters.
   Why: Fig. S7 of Zhou 2023: elbow, silhouette, AIC, BIC, and what the paper lacks: stability and chance.
   Reference: Zhou et al. 2023, Fig. S7.
   Grain: one row per subset, encoding, k and criterion
   Key: subset, encoding, k, criterion
   Tags: figure
*/
WITH spread AS (
    SELECT
        subset,
        encoding,
        k,
        is_chosen,
        unnest([
            'inertia', 'elbow', 'silhouette', 'silhouette_by_chance', 'aic', 'bic', 'concordance', 'stability_ari'
        ]) AS criterion,
        unnest([inertia, elbow, silhouette, silhouette_by_chance, aic, bic, concordance, stability_ari])
            AS criterion_value
    FROM analysis.progression_cluster_choice
    WHERE null_reason IS NULL
)

SELECT
    subset, -- analysis.progression_cluster_choice
    encoding, -- timed or published
    k, -- clusters
    criterion, -- inertia, elbow, silhouette, silhouette_by_chance, aic, bic, concordance or stability_ari
    criterion_value, -- its value
    is_chosen -- this number of clusters is used
FROM spread
WHERE criterion_value IS NOT NULL
