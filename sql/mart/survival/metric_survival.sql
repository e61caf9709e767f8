/* Survival of one group of patients at the end of each month, read off its Kaplan-Meier curve.
   Why: charts of several curves need them at common times; mart.fig_survival_curve has each at its own.
   Caveats: months of 30.4375 days. A curve ends with the group's longest time; its confidence limits and numbers at
   risk are in mart.fig_survival_curve.
   Grain: one row per subset, grouping, group_name, endpoint and month
   Key: subset, grouping, group_name, endpoint, month
   Tags: public, view
*/
WITH curve AS (
    SELECT
        subset,
        grouping,
        group_name,
        endpoint,
        min(group_order) AS group_order,
        max(time_days) AS longest_days
    FROM mart.fig_survival_curve
    GROUP BY subset, grouping, group_name, endpoint
),

grid AS (
    SELECT
        subset,
        grouping,
        group_name,
        endpoint,
        group_order,
        unnest(generate_series(0, CAST(floor(longest_days / CAST(30.4375 AS DOUBLE)) AS BIGINT))) AS month
    FROM curve
)

SELECT
    grid.subset, -- in which patients
    grid.grouping, -- by what they are grouped
    grid.group_name, -- name of the group
    grid.endpoint, -- OS, PFS or PPS
    CAST(grid.month AS INTEGER) AS month, -- months
    grid.group_order, -- order of the groups
    coalesce(min(step.survival), CAST(1.0 AS DOUBLE)) AS survival -- share still without event at the end of the month
FROM grid
LEFT JOIN mart.fig_survival_curve AS step
    ON
        grid.subset = step.subset
        AND grid.grouping = step.grouping
        AND grid.group_name = step.group_name
        AND grid.endpoint = step.endpoint
        AND step.time_days <= grid.month * CAST(30.4375 AS DOUBLE)
GROUP BY grid.subset, grid.grouping, grid.group_name, grid.endpoint, grid.month, grid.group_order
