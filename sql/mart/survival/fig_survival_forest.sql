/* Hazard ratios of survival with their intervals: one line of a forest plot.
   Why: groups and numbers side by side on one scale.
   Caveats: an association of what was seen during follow-up with survival, no prediction from it. A hazard ratio of
   0 or infinity (a group without event, is_separated) has the one limit that there is.
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
    hazard_ratio, -- hazard ratio; where separated 0, or NULL for infinite
    ci_lower, -- lower limit
    ci_upper, -- upper limit; NULL where infinite
    is_separated, -- one of the two groups has no event: one limit only
    coalesce(p_value, lr_p_value) AS p_value, -- two-sided, Wald; where separated the likelihood ratio's
    is_guarantee_time_free, -- the groups were known when the clock started
    landmark_days, -- day from the first dose from which survival counts; NULL where the endpoint says it
    n_patients, -- patients in the model
    n_events, -- events in the model
    term || CASE WHEN reference IS NULL THEN ', ' ELSE ': ' END || level
    || coalesce(' against ' || reference, '') AS label -- text beside the line
FROM analysis.survival_cox
WHERE hazard_ratio IS NOT NULL OR is_separated
