/* One box of a box plot: a variable of lesions or patients in one group.
   Why: how far groups lie apart, beside the tests of analysis.group_comparison.
   Caveats: whiskers at the 10th and 90th percentile, as in the paper. Lesions of one patient are not independent.
   Reference: Zhou et al. 2021, Fig. 2B, 2G, 2H, 3C to 3F, 4C to 4F and 5.
   Grain: one row per subset, variable, grouping and group_name
   Key: subset, variable, grouping, group_name
   Tags: figure
*/
WITH organ AS (
    SELECT
        pooled_organ,
        min(display_name) AS display_name
    FROM analysis.pooled_organ
    GROUP BY pooled_organ
)

SELECT
    summary.subset, -- which patients and, after a semicolon, whose lesions
    summary.variable, -- what is compared
    summary.grouping, -- by what
    summary.group_name, -- the group
    summary.group_order, -- order of the groups
    coalesce(organ.display_name, summary.group_name) AS display_name, -- name for figures
    summary.level, -- what is counted: patient or lesion
    summary.n, -- values
    summary.mean, -- mean
    summary.percentile_10, -- lower whisker
    summary.first_quartile, -- lower end of the box
    summary.median, -- line in the box
    summary.third_quartile, -- upper end of the box
    summary.percentile_90, -- upper whisker
    summary.median_lower, -- lower limit of the median
    summary.median_upper -- upper limit of the median
FROM analysis.group_summary AS summary
LEFT JOIN organ ON summary.grouping IN ('organ', 'pooled organ') AND summary.group_name = organ.pooled_organ
