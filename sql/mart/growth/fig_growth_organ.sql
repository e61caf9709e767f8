/* How fast lesions of an organ grow and shrink: median, quartiles, 10th and 90th percentile of
   one parameter.
   Why: Zhou 2023, Fig. 2b.
   Caveats: medians of single lesions' estimates are drawn together by shrinkage; the second p-value, from draws of
   the lesions' distributions, is not.
   Grain: one row per fit_id, parameter and organ
   Key: fit_id, parameter, organ
   Tags: figure
*/
SELECT
    by_organ.fit_id, -- id of the fit
    by_organ.subset, -- lesions that were fitted together, or all
    by_organ.parameter, -- kg_per_day, kd_per_day or f; of other models their own names
    by_organ.organ, -- id of the organ
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    by_organ.n_lesions, -- lesions
    by_organ.median, -- median of the lesions' estimates
    by_organ.percentile_10, -- 10th percentile: the lower whisker
    by_organ.lower_quartile, -- first quartile
    by_organ.upper_quartile, -- third quartile
    by_organ.percentile_90, -- 90th percentile: the upper whisker
    by_organ.kruskal_wallis_p, -- Kruskal-Wallis test over the organs, on the estimates
    by_organ.kruskal_wallis_p_draws -- the same on draws of the lesions' distributions
FROM analysis.growth_by_organ AS by_organ
LEFT JOIN core.organ AS organ ON by_organ.organ = organ.organ
