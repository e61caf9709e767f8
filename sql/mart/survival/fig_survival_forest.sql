/* Hazard ratios of survival with their intervals: one line of a forest plot.
   Why: groups and numbers side by side on one scale.
   Caveats: an association of what was seen during follow-up with survival, no prediction from it. A hazard ratio of
   0 or infinity (a group without event) has no place on a log axis: analysis.survival_cox has its one limit.
   Reference: Zhou et al. 2021, Fig. 2D.
   Grain: one row per subset, model, endpoint, term and level
   Key: subset, model, endpoint, term, level
   Tags: figure
*/
SELECT
    subset, -- in which patients
    model, -- grouping, or name of the model
    endpoint, -- OS, PFS or PPS
    term, -- grouping or covariate
    level, -- group, or unit of the covariate
    reference, -- group compared with; NULL for numbers
    hazard_ratio, -- hazard ratio
    ci_lower, -- lower limit
    ci_upper, -- upper limit
    p_value, -- two-sided
    is_guarantee_time_free, -- the groups were known when the clock started
    landmark_days, -- day from the first dose from which survival counts; NULL where the endpoint says it
    n_patients, -- patients in the model
    n_events, -- events in the model
    term || CASE WHEN reference IS NULL THEN ', ' ELSE ': ' END || level
    || coalesce(' against ' || reference, '') AS label -- text beside the line
FROM analysis.survival_cox
WHERE hazard_ratio IS NOT NULL AND NOT is_separated
