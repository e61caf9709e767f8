/* Measured against fitted volumes: how many sizes fall in one cell of a grid of both.
   Why: goodness of fit at a glance, for tens of thousands of sizes.
   Caveats: each lesion's own curve, so close by construction; sizes below the limit of quantification stand at that
   limit. Baselines are left out: the curve starts from them. Cells are a tenth of a decade wide.
   Grain: one row per fit_id, bin_predicted and bin_observed
   Key: fit_id, bin_predicted, bin_observed
   Tags: figure
*/
WITH quantification AS (
    SELECT CAST(value AS DOUBLE) AS limit_mm3
    FROM meta.setting
    WHERE name = 'volume.limit_of_quantification_mm3'
),

pair AS (
    SELECT
        curve.fit_id,
        curve.subset,
        log10(greatest(curve.volume_mm3, 0.1)) AS log_predicted,
        log10(greatest(measurement.volume_mm3, quantification.limit_mm3)) AS log_observed,
        measurement.is_below_limit
    FROM analysis.growth_curve AS curve
    INNER JOIN core.measurement AS measurement
        ON curve.lesion_id = measurement.lesion_id AND curve.day = measurement.day
    CROSS JOIN quantification
    WHERE curve.is_scan_day AND NOT measurement.is_baseline AND measurement.volume_mm3 IS NOT NULL
)

SELECT
    fit_id, -- id of the fit
    subset, -- lesions that were fitted together, or all
    floor(log_predicted * 10) / 10 AS bin_predicted, -- lower end of the cell: log10 of the fitted volume in mm3
    floor(log_observed * 10) / 10 AS bin_observed, -- lower end of the cell: log10 of the measured volume in mm3
    count(*) AS n_observations, -- sizes in the cell
    count(*) FILTER (WHERE is_below_limit) AS n_below_limit -- of them below the limit of quantification
FROM pair
GROUP BY fit_id, subset, bin_predicted, bin_observed
