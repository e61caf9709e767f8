/* Survival curves by progression, with what they answer: one step of one curve.
   Why: Fig. 4b and 5a of Zhou 2023, and the same from landmarks on.
   Caveats: from the first dose the groups are known only later (is_guarantee_time_free false).
   Reference: Zhou et al. 2023, Fig. 4b, 5a, S8, S9b, S10a.
   Grain: one row per subset, grouping, group_name, endpoint and time_days
   Key: subset, grouping, group_name, endpoint, time_days
   Tags: figure
*/
SELECT
    curve.subset, -- analysis.progression_cluster, and after a semicolon a cluster
    curve.grouping, -- by what patients are grouped
    curve.group_name, -- name of the group
    curve.endpoint, -- OS from the first dose, or OS after a landmark
    curve.time_days, -- days from the first dose, or from the landmark
    summary.group_order, -- order of the groups
    summary.is_guarantee_time_free, -- the groups were known when the clock started
    curve.survival, -- share alive
    curve.ci_lower, -- lower confidence limit
    curve.ci_upper, -- upper confidence limit
    curve.n_at_risk, -- patients at risk just before the day
    curve.n_censored > 0 AS is_censoring, -- someone was censored on the day: a tick on the curve
    summary.n_patients, -- patients in the group
    summary.median_days, -- median survival of the group, days
    summary.median_lower, -- its lower confidence limit, days
    summary.median_upper, -- its upper confidence limit, days
    test.p_value AS log_rank_p_value -- log-rank test of all groups
FROM analysis.progression_survival_curve AS curve
INNER JOIN analysis.progression_survival_summary AS summary
    ON
        curve.subset = summary.subset
        AND curve.grouping = summary.grouping
        AND curve.group_name = summary.group_name
        AND curve.endpoint = summary.endpoint
LEFT JOIN analysis.progression_survival_test AS test
    ON
        curve.subset = test.subset
        AND curve.grouping = test.grouping
        AND curve.endpoint = test.endpoint
        AND test.test = 'log-rank'
        AND test.group_a = 'all'
