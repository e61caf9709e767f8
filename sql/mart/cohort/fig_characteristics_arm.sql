/* One line of the table of patients' characteristics, in one arm or class of treatment.
   Why: Table 1 by arm, with how far the arms differ.
   How: as mart.fig_characteristics, of baseline variables; percent of the group's patients, those not known among
   them. The standardised difference is of patients with a value; with more than two groups it is that of the two that
   differ most.
   Caveats: only the arms of one study can have been randomised against each other.
   Reference: Zhou et al. 2023, Table 1; Austin, Stat Med 2009, 28:3083.
   Grain: one row per grouping, subset, variable, level and group_name
   Key: grouping, subset, variable, level, group_name
   Tags: figure
*/
WITH item AS (
    SELECT
        grouped.grouping,
        grouped.subset,
        grouped.group_name,
        one.variable_order,
        one.variable,
        one.kind,
        one.level,
        one.patient_id,
        one.amount
    FROM analysis.patient_characteristic AS one
    INNER JOIN analysis.characteristic_group AS grouped ON one.patient_id = grouped.patient_id
    WHERE one.is_baseline
),

group_size AS (
    SELECT
        grouping,
        subset,
        group_name,
        count(*) AS n_group
    FROM analysis.characteristic_group
    GROUP BY grouping, subset, group_name
),

level_line AS (
    SELECT
        grouping,
        subset,
        variable_order,
        variable,
        kind,
        level,
        count(*) AS n_level
    FROM item
    GROUP BY grouping, subset, variable_order, variable, kind, level
),

described AS (
    SELECT
        grouping,
        subset,
        group_name,
        variable,
        level,
        count(*) AS n,
        avg(amount ORDER BY patient_id) AS mean,
        stddev_samp(amount ORDER BY patient_id) AS sd
    FROM item
    GROUP BY grouping, subset, group_name, variable, level
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY grouping, subset, variable
            ORDER BY abs(difference) DESC NULLS LAST, group_a ASC, group_b ASC
        ) AS place
    FROM analysis.baseline_balance
),

line AS (
    SELECT
        level_line.grouping,
        level_line.subset,
        level_line.variable_order,
        level_line.variable,
        level_line.kind,
        level_line.level,
        row_number() OVER (
            PARTITION BY level_line.grouping, level_line.subset, level_line.variable, group_size.group_name
            ORDER BY
                level_line.level = 'not collected' ASC,
                level_line.level = 'unknown' ASC,
                CASE
                    WHEN
                        level_line.variable
                        IN ('Organs with lesions at baseline', 'ECOG performance status', 'Line of therapy')
                        THEN 0
                    ELSE -level_line.n_level
                END ASC,
                level_line.level ASC
        ) AS level_order,
        group_size.group_name,
        group_size.n_group,
        coalesce(described.n, 0) AS n,
        described.mean,
        described.sd
    FROM level_line
    INNER JOIN group_size
        ON level_line.grouping = group_size.grouping AND level_line.subset = group_size.subset
    LEFT JOIN described
        ON
            level_line.grouping = described.grouping
            AND level_line.subset = described.subset
            AND level_line.variable = described.variable
            AND level_line.level = described.level
            AND group_size.group_name = described.group_name
)

SELECT
    line.grouping, -- treatment class, or arm
    line.subset, -- all, or study and its id
    line.variable, -- name of the variable, with its unit
    line.level, -- level of a counted variable; all for a measured one; unknown, or not collected
    line.variable_order, -- order of the variables in the table
    line.level_order, -- order of the levels, those not known last
    line.group_name, -- class of the treatment, or arm
    line.n_group, -- patients of the group
    line.n, -- patients of the level; of a measured variable, those with a value
    100 * line.n / CAST(line.n_group AS DOUBLE) AS percent, -- n in percent of the group's patients
    line.mean, -- arithmetic mean
    line.sd, -- standard deviation
    CASE
        WHEN line.kind = 'counted' OR line.level <> 'all'
            THEN printf('%d (%.1f %%)', line.n, 100 * line.n / CAST(line.n_group AS DOUBLE))
        WHEN line.n = 0 THEN '-'
        WHEN abs(line.mean) < 10 THEN printf('%.2f', line.mean) || coalesce(printf(' (%.2f)', line.sd), ' (-)')
        ELSE printf('%.1f', line.mean) || coalesce(printf(' (%.1f)', line.sd), ' (-)')
    END AS cell, -- as printed: n (percent), or mean (standard deviation)
    largest.group_a, -- of the two groups that differ most
    largest.group_b, -- the other
    largest.difference, -- their standardised difference, a - b; NULL where no two groups have one
    largest.ci_lower, -- lower 95 % limit
    largest.ci_upper, -- upper 95 % limit
    CASE
        WHEN line.level_order > 1 THEN ''
        ELSE coalesce(
            printf('%.2f (%.2f to %.2f)', largest.difference, largest.ci_lower, largest.ci_upper),
            'none: ' || largest.null_reason
        )
    END AS difference_text -- as printed behind a variable's first level
FROM line
INNER JOIN ranked AS largest
    ON
        line.grouping = largest.grouping
        AND line.subset = largest.subset
        AND line.variable = largest.variable
        AND largest.place = 1
