/* How two growth parameters go together, over organs or over lesions.
   Why: Zhou 2023, Fig. 2c and d.
   Caveats: conditional modes carry shrinkage into the correlation; draws do not.
   Grain: one row per fit_id, level, estimate_kind, x and y
   Key: fit_id, level, estimate_kind, x, y
   Tags: figure
*/
SELECT
    fit_id, -- id of the fit
    subset, -- lesions that were fitted together, or all
    level, -- organ (medians of organs) or lesion
    estimate_kind, -- conditional_mode or draws
    x, -- one parameter, on the scale on which it is normal
    y, -- the other
    n, -- organs or lesions
    r, -- correlation
    ci_lower, -- lower limit
    ci_upper, -- upper limit
    p_value -- two-sided
FROM analysis.growth_correlation
