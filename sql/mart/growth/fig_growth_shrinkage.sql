/* How much lesions' growth parameters are drawn to the typical value, by number of scans.
   Why: a parameter of a lesion with two scans is mostly the population's; comparing such estimates compares nothing.
   Grain: one row per fit_id, parameter and n_scans
   Key: fit_id, parameter, n_scans
   Tags: figure
*/
WITH scan_count AS (
    SELECT
        fit_id,
        lesion_id,
        least(count(*), 10) AS n_scans
    FROM analysis.growth_residual
    GROUP BY fit_id, lesion_id
)

SELECT
    estimate.fit_id, -- analysis.growth_fit
    estimate.subset, -- lesions that were fitted together, or all
    estimate.parameter, -- growth parameter
    scan_count.n_scans, -- scans evaluated, the baseline only with growth.count_baseline; 10 stands for more
    count(*) AS n_lesions, -- lesions
    quantile_cont(estimate.shrinkage, 0.25) AS lower_quartile, -- lower quartile of the shrinkage
    median(estimate.shrinkage) AS median, -- median: 0 none, 1 nothing is known of the lesion itself
    quantile_cont(estimate.shrinkage, 0.75) AS upper_quartile -- upper quartile
FROM analysis.growth_lesion_parameter AS estimate
INNER JOIN scan_count ON estimate.fit_id = scan_count.fit_id AND estimate.lesion_id = scan_count.lesion_id
WHERE estimate.estimate_kind = 'conditional_mean'
GROUP BY estimate.fit_id, estimate.subset, estimate.parameter, scan_count.n_scans
