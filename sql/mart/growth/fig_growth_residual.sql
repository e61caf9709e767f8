/* Residuals of the growth model in bins of time and of predicted volume.
   Why: a trend of the mean, or a spread other than 1, says where the model is wrong.
   How: twenty bins of equal numbers of measurements. The mean of a right model lies within 1.96 / sqrt(n_rows).
   Caveats: individual residuals at the mode are too small (shrinkage).
   Grain: one row per fit_id, quantity, axis and bin
   Key: fit_id, quantity, axis, bin
   Tags: figure
*/
WITH place AS (
    SELECT
        fit_id,
        subset,
        lesion_id,
        day,
        population_mm3,
        npde,
        population_residual,
        individual_residual,
        individual_residual_draw,
        ntile(20) OVER (PARTITION BY fit_id ORDER BY day, lesion_id) AS day_bin,
        ntile(20) OVER (PARTITION BY fit_id ORDER BY population_mm3, lesion_id, day) AS volume_bin
    FROM analysis.growth_residual
),

axis AS (
    SELECT unnest(['day', 'population_mm3']) AS axis
),

quantity AS (
    SELECT unnest(['npde', 'population_residual', 'individual_residual', 'individual_residual_draw']) AS quantity
),

score AS (
    SELECT
        place.fit_id,
        place.subset,
        place.lesion_id,
        place.day,
        axis.axis,
        quantity.quantity,
        CASE axis.axis WHEN 'day' THEN place.day ELSE place.population_mm3 END AS axis_value,
        CASE axis.axis WHEN 'day' THEN place.day_bin ELSE place.volume_bin END AS bin,
        CASE quantity.quantity
            WHEN 'npde' THEN place.npde
            WHEN 'population_residual' THEN place.population_residual
            WHEN 'individual_residual' THEN place.individual_residual
            ELSE place.individual_residual_draw
        END AS score
    FROM place
    CROSS JOIN axis
    CROSS JOIN quantity
)

SELECT
    fit_id, -- analysis.growth_fit
    subset, -- lesions that were fitted together, or all
    quantity, -- column of analysis.growth_residual
    axis, -- day, or population_mm3: the volume foreseen for a typical lesion
    bin, -- number of the bin, from 1
    median(axis_value) AS axis_middle, -- median of the axis in the bin
    count(*) AS n_rows, -- measurements
    avg(score ORDER BY lesion_id, day) AS mean, -- mean
    stddev_samp(score ORDER BY lesion_id, day) AS sd, -- standard deviation
    quantile_cont(score, 0.05) AS p05, -- 5th percentile; -1.64 if normal
    quantile_cont(score, 0.5) AS p50, -- median
    quantile_cont(score, 0.95) AS p95, -- 95th percentile
    1.959963984540054 / sqrt(count(*)) AS mean_limit -- 95 % limit of the mean of a right model, both ways
FROM score
GROUP BY fit_id, subset, quantity, axis, bin
