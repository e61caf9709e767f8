/* Organs by the baseline volume and a growth parameter of their lesions, with the line through them.
   Why: Zhou 2023, Fig. 2d: whether tumor burden at baseline goes with growth.
   How: means over draws of the lesions' distributions.
   Caveats: the correlation over organs is ecological and says nothing of single lesions, whose own stands beside it.
   Reference: Zhou et al. 2023, Fig. 2d.
   Grain: one row per fit_id, parameter and organ
   Key: fit_id, parameter, organ
   Tags: figure
*/
WITH correlation AS (
    SELECT
        fit_id,
        parameter,
        max(n_organs) AS n_organs,
        max(r) FILTER (WHERE level = 'organ') AS r,
        max(ci_lower) FILTER (WHERE level = 'organ') AS r_lower,
        max(ci_upper) FILTER (WHERE level = 'organ') AS r_upper,
        max(p_value) FILTER (WHERE level = 'organ') AS p_value,
        max(r) FILTER (WHERE level = 'lesion') AS r_of_lesions,
        max(ci_lower) FILTER (WHERE level = 'lesion') AS r_of_lesions_lower,
        max(ci_upper) FILTER (WHERE level = 'lesion') AS r_of_lesions_upper,
        max(p_value) FILTER (WHERE level = 'lesion') AS p_value_of_lesions
    FROM analysis.growth_baseline
    WHERE estimate_kind = 'draws' AND burden IN ('organ_volume', 'lesion_volume')
    GROUP BY fit_id, parameter
)

SELECT
    point.fit_id, -- analysis.growth_fit
    point.subset, -- lesions that were fitted together, or all
    point.parameter, -- growth parameter; kg and kd per day, f a share
    point.organ, -- id of the organ
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    point.n_lesions, -- lesions of the organ
    point.baseline_volume_mm3, -- geometric mean of the lesions' volumes at baseline, mm3
    point.value, -- mean parameter of the lesions
    point.fitted, -- line of least squares through the organs
    point.fitted_lower, -- lower 95 % limit of the line
    point.fitted_upper, -- upper 95 % limit
    correlation.n_organs, -- organs that were correlated
    correlation.r, -- correlation over the organs' means
    correlation.r_lower, -- lower 95 % limit
    correlation.r_upper, -- upper 95 % limit
    correlation.p_value, -- two-sided
    correlation.r_of_lesions, -- correlation over single lesions, by patient
    correlation.r_of_lesions_lower, -- lower 95 % limit
    correlation.r_of_lesions_upper, -- upper 95 % limit
    correlation.p_value_of_lesions -- two-sided
FROM analysis.growth_baseline_organ AS point
INNER JOIN correlation ON point.fit_id = correlation.fit_id AND point.parameter = correlation.parameter
LEFT JOIN core.organ AS organ ON point.organ = organ.organ
WHERE point.estimate_kind = 'draws'
