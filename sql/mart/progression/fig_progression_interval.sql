/* Intervals between progressions as box plots: by cluster, and by treatment within a cluster.
   Why: Fig. 4c and 5f to h of Zhou 2023.
   Caveats: whiskers of the paper are the 10th and 90th percentile. A second interval is there only for patients in whom
   a second organ was seen to progress.
   Reference: Zhou et al. 2023, Fig. 4c, 5f to h, S9c, S10.
   Grain: one row per subset, variable, grouping and group_name
   Key: subset, variable, grouping, group_name
   Tags: figure
*/
WITH overall AS (
    SELECT
        subset,
        variable,
        grouping,
        min(test) AS test,
        min(p_value) AS p_value
    FROM analysis.progression_comparison
    WHERE test IN ('Kruskal-Wallis', 'Mann-Whitney')
    GROUP BY subset, variable, grouping
)

SELECT
    box.subset, -- analysis.progression_cluster, and after a semicolon a cluster
    box.variable, -- first_days, second_interval_days ... mean_time_days
    CASE box.variable
        WHEN 'first_days' THEN '1st'
        WHEN 'second_interval_days' THEN '2nd - 1st'
        WHEN 'third_interval_days' THEN '3rd - 2nd'
        WHEN 'fourth_interval_days' THEN '4th - 3rd'
        WHEN 'mean_interval_days' THEN 'mean interval'
        ELSE 'mean time'
    END AS interval_name, -- as it is shown
    box.grouping, -- progression cluster or treatment class
    box.group_name, -- box
    box.group_order, -- order of the boxes
    box.n, -- patients
    box.percentile_10, -- lower whisker, days
    box.first_quartile, -- lower edge, days
    box.median, -- line, days
    box.third_quartile, -- upper edge, days
    box.percentile_90, -- upper whisker, days
    overall.test, -- Kruskal-Wallis, or Mann-Whitney of two groups
    overall.p_value -- of all boxes of the picture
FROM analysis.progression_interval AS box
LEFT JOIN overall
    ON
        box.subset = overall.subset
        AND box.variable = overall.variable
        AND box.grouping = overall.grouping
