/* One line of the table of patients' characteristics.
   Why: Zhou 2023, Table 1; the first table of every clinical report.
   How: counted variables have a row per level, with n and percent of the analysed patients; measured variables
   have one row with level 'all' for those with a value. What is not known is a level of its own: 'unknown', or
   'not collected' in studies that have it for nobody (analysis.patient_characteristic).
   Caveats: analysed patients only. Quartiles are interpolated. Times observed are those of who had the event and of
   who was censored, as in the paper's table, and no estimate of survival: that is analysis.survival_summary.
   Grain: one row per variable and level
   Key: variable, level
   Tags: figure
*/
WITH item AS (
    SELECT
        variable_order,
        variable,
        level,
        patient_id AS item_id,
        amount
    FROM analysis.patient_characteristic
    UNION ALL
    SELECT
        20 AS variable_order,
        'Measurements per target lesion' AS variable,
        'all' AS level,
        lesion_id AS item_id,
        CAST(n_measurements AS DOUBLE) AS amount
    FROM core.lesion
    WHERE is_analysed AND lesion_type = 'target' AND patient_id IS NOT NULL
),

line AS (
    SELECT
        variable_order,
        variable,
        level,
        count(*) AS n,
        avg(amount ORDER BY item_id) AS mean,
        stddev_samp(amount ORDER BY item_id) AS sd,
        quantile_cont(amount, 0.5) AS median,
        quantile_cont(amount, 0.25) AS q1,
        quantile_cont(amount, 0.75) AS q3
    FROM item
    GROUP BY variable_order, variable, level
)

SELECT
    variable, -- name of the variable, with its unit
    level, -- level of a counted variable; all for a measured one; unknown, or not collected
    variable_order, -- order of the variables in the table
    row_number() OVER (
        PARTITION BY variable
        ORDER BY
            level = 'not collected' ASC,
            level = 'unknown' ASC,
            CASE
                WHEN variable IN ('Organs with lesions at baseline', 'ECOG performance status', 'Line of therapy')
                    THEN 0
                ELSE -n
            END ASC,
            level ASC
    ) AS level_order, -- order of the levels: the most frequent first (numbers: by number), those not known last
    n, -- patients of the level; of a measured variable, those (or the target lesions) with a value
    100 * n / CAST(sum(n) OVER (PARTITION BY variable) AS DOUBLE)
        AS percent, -- n in percent of all analysed patients (or target lesions)
    mean, -- arithmetic mean
    sd, -- standard deviation
    median, -- median
    q1, -- first quartile
    q3 -- third quartile
FROM line
