/* What this warehouse has for the papers' figures of survival, in the form of mart.paper_measure.
   How: medians of each group of patients, by both kinds of grouping (characteristics, clusters of progression
   sequences); differences of the medians of two groups both ways round with the p of their log-rank test; hazard ratios
   of Cox regressions. Item names the subset of patients.
   Reference: Zhou et al., Nat Commun 2023; Zhou et al., Cancer Res 2021
   Grain: one row per item
   Key: item
*/
WITH survival_group AS (
    SELECT
        'survival' AS kind,
        subset || ': ' || grouping AS within,
        endpoint,
        subset,
        grouping,
        group_name,
        n_patients,
        median_days,
        median_lower,
        median_upper
    FROM analysis.survival_summary
    UNION ALL
    SELECT
        'cluster survival' AS kind,
        subset || ': ' || grouping AS within,
        endpoint,
        subset,
        grouping,
        group_name,
        n_patients,
        median_days,
        median_lower,
        median_upper
    FROM analysis.progression_survival_summary
),

log_rank AS (
    SELECT
        'survival' AS kind,
        subset,
        grouping,
        endpoint,
        group_a,
        group_b,
        p_value,
        n_groups
    FROM analysis.survival_test
    WHERE test = 'log-rank'
    UNION ALL
    SELECT
        'cluster survival' AS kind,
        subset,
        grouping,
        endpoint,
        group_a,
        group_b,
        p_value,
        n_groups
    FROM analysis.progression_survival_test
    WHERE test = 'log-rank'
),

survival AS (
    SELECT
        kind || ': ' || within || ': ' || group_name || ': ' || endpoint AS item,
        median_days AS value,
        median_lower AS ci_lower,
        median_upper AS ci_upper,
        CAST(NULL AS DOUBLE) AS p_value,
        n_patients AS n
    FROM survival_group
    UNION ALL
    SELECT
        a.kind || ' difference: ' || a.within || ': ' || a.group_name || ' - ' || b.group_name || ': ' || a.endpoint
            AS item,
        a.median_days - b.median_days AS value,
        CAST(NULL AS DOUBLE) AS ci_lower,
        CAST(NULL AS DOUBLE) AS ci_upper,
        log_rank.p_value,
        a.n_patients + b.n_patients AS n
    FROM survival_group AS a
    INNER JOIN survival_group AS b
        ON
            a.kind = b.kind
            AND a.subset = b.subset
            AND a.grouping = b.grouping
            AND a.endpoint = b.endpoint
            AND a.group_name <> b.group_name
    LEFT JOIN log_rank
        ON
            a.kind = log_rank.kind
            AND a.subset = log_rank.subset
            AND a.grouping = log_rank.grouping
            AND a.endpoint = log_rank.endpoint
            AND (
                (log_rank.n_groups = 2 AND log_rank.group_a = 'all')
                OR (a.group_name = log_rank.group_a AND b.group_name = log_rank.group_b)
                OR (b.group_name = log_rank.group_a AND a.group_name = log_rank.group_b)
            )
),

cox AS (
    SELECT
        'hazard ratio: ' || subset || ': ' || model || ': ' || term || ': ' || endpoint AS item,
        hazard_ratio AS value,
        ci_lower,
        ci_upper,
        p_value,
        n_patients AS n
    FROM analysis.survival_cox
    WHERE unit IS NOT NULL
),

measure AS (
    SELECT * FROM survival
    UNION ALL BY NAME
    SELECT * FROM cox
)

SELECT
    item, -- name of the number
    value, -- the number; NULL where it cannot be had
    ci_lower, -- lower limit; NULL where there is none
    ci_upper, -- upper limit
    p_value, -- two-sided p; NULL where there is no test
    n -- patients that it rests on
FROM measure
