/* Kaplan-Meier curves with what they answer: one step of one curve.
   Why: survival figures are drawn from one table.
   Caveats: steps; survival stays as it is until the next row.
   Reference: Zhou et al. 2021, Fig. 2, 3, 4 and 6.
   Grain: one row per subset, grouping, group_name, endpoint and time_days
   Key: subset, grouping, group_name, endpoint, time_days
   Tags: figure
*/
SELECT
    curve.subset, -- in which patients
    curve.grouping, -- by what they are grouped
    curve.group_name, -- name of the group
    curve.endpoint, -- OS, PFS or PPS
    curve.time_days, -- days; from the landmark where there is one
    summary.group_order, -- order of the groups
    summary.is_guarantee_time_free, -- the groups were known when the clock started
    summary.landmark_days, -- day from the first dose from which time_days counts; NULL where the endpoint says it
    curve.survival, -- share still without event
    curve.ci_lower, -- lower confidence limit
    curve.ci_upper, -- upper confidence limit
    curve.n_at_risk, -- patients at risk just before the day
    curve.n_censored > 0 AS is_censoring, -- someone was censored on the day: a tick on the curve
    summary.n_patients, -- patients in the group
    summary.median_days, -- median survival of the group, days
    summary.median_lower, -- its lower confidence limit, days
    summary.median_upper, -- its upper confidence limit, days
    rmst.horizon_days AS rmst_horizon_days, -- horizon of the restricted mean, survival.rmst_days
    rmst.mean_days AS rmst_days, -- mean days without event up to the horizon; NULL where not followed so far
    rmst.ci_lower AS rmst_lower, -- its lower confidence limit, days
    rmst.ci_upper AS rmst_upper, -- its upper confidence limit, days
    test.p_value AS log_rank_p_value -- log-rank test of all groups
FROM analysis.survival_curve AS curve
INNER JOIN analysis.survival_summary AS summary
    ON
        curve.subset = summary.subset
        AND curve.grouping = summary.grouping
        AND curve.group_name = summary.group_name
        AND curve.endpoint = summary.endpoint
INNER JOIN analysis.survival_rmst AS rmst
    ON
        curve.subset = rmst.subset
        AND curve.grouping = rmst.grouping
        AND curve.group_name = rmst.group_name
        AND curve.endpoint = rmst.endpoint
LEFT JOIN analysis.survival_test AS test
    ON
        curve.subset = test.subset
        AND curve.grouping = test.grouping
        AND curve.endpoint = test.endpoint
        AND test.test = 'log-rank'
        AND test.group_a = 'all'
