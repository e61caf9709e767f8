/* Organs in the plane of two growth parameters, with the correlation across them.
   Why: Zhou 2023, Fig. 2c and d.
   Caveats: an ecological correlation over some 18 organs: it says nothing of single lesions. Organs with fewer than
   five lesions have no point.
   Reference: Zhou et al. 2023, Fig. 2c and d.
   Grain: one row per fit_id, x, y and organ
   Key: fit_id, x, y, organ
   Tags: figure
*/
WITH point AS (
    SELECT
        fit_id,
        organ,
        n_lesions,
        CASE parameter
            WHEN 'kg_per_day' THEN 'log_kg'
            WHEN 'kd_per_day' THEN 'log_kd'
            WHEN 'f' THEN 'logit_f'
        END AS quantity,
        typical
    FROM analysis.growth_by_organ
    WHERE n_lesions >= 5 AND organ <> 'unknown'
),

pair AS (
    SELECT
        fit_id,
        x,
        y,
        any_value(subset) AS subset,
        max(n) FILTER (WHERE estimate_kind = 'draws') AS n_organs,
        max(r) FILTER (WHERE estimate_kind = 'draws') AS r,
        max(ci_lower) FILTER (WHERE estimate_kind = 'draws') AS r_lower,
        max(ci_upper) FILTER (WHERE estimate_kind = 'draws') AS r_upper,
        max(p_value) FILTER (WHERE estimate_kind = 'draws') AS p_value,
        max(r) FILTER (WHERE estimate_kind = 'conditional_mode') AS r_of_modes,
        max(r) FILTER (WHERE estimate_kind = 'covariate_model') AS r_of_effects
    FROM analysis.growth_correlation
    WHERE level = 'organ'
    GROUP BY fit_id, x, y
)

SELECT
    pair.fit_id, -- analysis.growth_fit
    pair.subset, -- lesions that were fitted together, or all
    pair.x, -- log_kg or log_kd
    pair.y, -- log_kd or logit_f
    x_point.organ, -- id of the organ
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    x_point.n_lesions, -- lesions of the organ
    x_point.typical AS x_value, -- typical value of the organ, natural scale (per day; part)
    y_point.typical AS y_value, -- typical value of the organ
    pair.n_organs, -- organs that were correlated
    pair.r, -- correlation of the organs' means, over draws
    pair.r_lower, -- lower 95 % limit
    pair.r_upper, -- upper 95 % limit
    pair.p_value, -- two-sided
    pair.r_of_modes, -- the same of conditional modes
    pair.r_of_effects -- the same of organs' fixed effects; NULL unless growth.covariates names organ
FROM pair
INNER JOIN point AS x_point ON pair.fit_id = x_point.fit_id AND pair.x = x_point.quantity
INNER JOIN point AS y_point
    ON pair.fit_id = y_point.fit_id AND pair.y = y_point.quantity AND x_point.organ = y_point.organ
LEFT JOIN core.organ AS organ ON x_point.organ = organ.organ
