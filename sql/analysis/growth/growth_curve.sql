/* The fitted curve of one lesion.
   How: at the conditional mode, on the lesion's scan days and on every 30th day (more apart in large projects) up to
   its last scan. The band is that of the curve, not of measurements.
   Filled by: step growth
   Grain: one row per fit_id, lesion_id and day
   Key: fit_id, lesion_id, day
   Tags: public
*/
CREATE TABLE analysis.growth_curve (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    lesion_id VARCHAR, -- core.lesion
    day DOUBLE, -- day from first dose
    volume_mm3 DOUBLE, -- volume at the conditional mode, mm3
    lower DOUBLE, -- 5 % quantile over draws, mm3
    upper DOUBLE, -- 95 % quantile over draws, mm3
    is_scan_day BOOLEAN -- the lesion was measured on that day
)
