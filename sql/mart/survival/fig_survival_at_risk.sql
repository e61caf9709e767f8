/* Numbers at risk under a survival curve, every half year.
   Why: how many patients each part of a curve rests on.
   Caveats: at risk just before the day; 0 after the longest time of the group.
   Grain: one row per subset, grouping, group_name, endpoint and day
   Key: subset, grouping, group_name, endpoint, day
   Tags: figure
*/
WITH grid AS (
    SELECT
        summary.subset,
        summary.grouping,
        summary.group_name,
        summary.endpoint,
        summary.group_order,
        unnest(generate_series(0, CAST(ceil(summary.longest_days / 180) AS BIGINT))) * 180 AS day
    FROM analysis.survival_summary AS summary
    WHERE summary.longest_days IS NOT NULL
)

SELECT
    grid.subset, -- in which patients
    grid.grouping, -- by what they are grouped
    grid.group_name, -- name of the group
    grid.endpoint, -- OS, PFS or PPS
    grid.day, -- days
    grid.group_order, -- order of the groups
    coalesce(max(curve.n_at_risk), 0) AS n_at_risk -- patients at risk just before the day
FROM grid
LEFT JOIN analysis.survival_curve AS curve
    ON
        grid.subset = curve.subset
        AND grid.grouping = curve.grouping
        AND grid.group_name = curve.group_name
        AND grid.endpoint = curve.endpoint
        AND grid.day <= curve.time_days
GROUP BY grid.subset, grid.grouping, grid.group_name, grid.endpoint, grid.day, grid.group_order
