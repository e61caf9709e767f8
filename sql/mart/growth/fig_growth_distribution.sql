/* How the growth parameters of single lesions are distributed: one bar of a histogram.
   Why: what the population's mean and spread look like among lesions, and where estimates pile up (shrinkage).
   Caveats: rates on the scale of their decimal logarithm, the share f as it is.
   Grain: one row per fit_id, estimate_kind, parameter and bin_lower
   Key: fit_id, estimate_kind, parameter, bin_lower
   Tags: figure
*/
WITH parameter AS (
    SELECT
        fit_id,
        subset,
        estimate_kind,
        unnest(['kg_per_day', 'kd_per_day', 'f']) AS parameter,
        unnest([log10(kg_per_day), log10(kd_per_day), f]) AS amount,
        unnest([10, 10, 20]) AS bins_per_unit
    FROM analysis.growth_lesion
),

binned AS (
    SELECT
        fit_id,
        subset,
        estimate_kind,
        parameter,
        bins_per_unit,
        least(floor(amount * bins_per_unit), CASE parameter WHEN 'f' THEN 19 ELSE 1000 END) AS bin
    FROM parameter
    WHERE amount IS NOT NULL AND isfinite(amount)
)

SELECT
    fit_id, -- id of the fit
    subset, -- lesions that were fitted together, or all
    estimate_kind, -- conditional_mode or conditional_mean
    parameter, -- kg_per_day, kd_per_day (decimal logarithm) or f
    bin / bins_per_unit AS bin_lower, -- lower end of the bar
    (bin + 1) / bins_per_unit AS bin_upper, -- upper end of the bar
    count(*) AS n_lesions -- lesions in the bar
FROM binned
GROUP BY fit_id, subset, estimate_kind, parameter, bin, bins_per_unit
