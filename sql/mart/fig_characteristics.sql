/* One line of the table of patients' characteristics.
   Why: Zhou 2023, Table 1; the first table of every clinical report.
   How: counted variables have a row per level, with n and percent of the analysed patients; measured variables
   have one row with level 'all'. What is not known is a level of its own, 'unknown'.
   Caveats: analysed patients only. Quartiles are interpolated. Times observed are those of who had the event and of
   who was censored, as in the paper's table, and no estimate of survival: that is analysis.survival_summary.
   Grain: one row per variable and level
   Key: variable, level
   Tags: figure
*/
WITH variable (variable_order, variable, kind) AS (
    VALUES
    (1, 'Age, years', 'measured'),
    (2, 'Sex', 'counted'),
    (3, 'Race', 'counted'),
    (4, 'Body mass index, kg/m2', 'measured'),
    (5, 'Primary site', 'counted'),
    (6, 'Prior surgery', 'counted'),
    (7, 'Liver metastases resected before', 'counted'),
    (8, 'Lung metastases resected before', 'counted'),
    (9, 'Lymph node metastases resected before', 'counted'),
    (10, 'Prior radiation', 'counted'),
    (11, 'Organs with lesions at baseline', 'counted'),
    (12, 'Lesions per patient', 'measured'),
    (13, 'Measurements per target lesion', 'measured'),
    (14, 'KRAS status', 'counted'),
    (15, 'Best overall response', 'counted'),
    (16, 'Treatment', 'counted'),
    (17, 'Observed to progression, death or censoring, days', 'measured'),
    (18, 'Observed to death or censoring, days', 'measured')
),

lesion_count AS (
    SELECT
        patient_id,
        count(*) AS n_lesions,
        count(DISTINCT organ) FILTER (WHERE lesion_type <> 'new') AS n_organs
    FROM core.lesion
    WHERE is_analysed AND patient_id IS NOT NULL
    GROUP BY patient_id
),

patient AS (
    SELECT
        patient.patient_id,
        patient.age_years,
        patient.sex,
        patient.race,
        patient.bmi_kg_m2,
        patient.primary_site,
        patient.prior_surgery,
        patient.prior_surgery_liver,
        patient.prior_surgery_lung,
        patient.prior_surgery_ln,
        patient.prior_radiation,
        patient.kras_status,
        patient.best_overall_response,
        patient.treatment,
        progression_free.time_days AS pfs_days,
        patient.os_days,
        lesion_count.n_lesions,
        lesion_count.n_organs
    FROM core.patient AS patient
    LEFT JOIN lesion_count ON patient.patient_id = lesion_count.patient_id
    LEFT JOIN analysis.patient_endpoint AS progression_free
        ON
            patient.patient_id = progression_free.patient_id
            AND progression_free.endpoint = 'PFS'
            AND progression_free.is_counted
    WHERE patient.is_analysed
),

counted_value AS (
    SELECT
        variable.variable_order,
        variable.variable,
        CASE variable.variable
            WHEN 'Sex' THEN patient.sex
            WHEN 'Race' THEN patient.race
            WHEN 'Primary site' THEN patient.primary_site
            WHEN 'Prior surgery' THEN CASE patient.prior_surgery WHEN TRUE THEN 'yes' WHEN FALSE THEN 'no' END
            WHEN 'Liver metastases resected before'
                THEN CASE patient.prior_surgery_liver WHEN TRUE THEN 'yes' WHEN FALSE THEN 'no' END
            WHEN 'Lung metastases resected before'
                THEN CASE patient.prior_surgery_lung WHEN TRUE THEN 'yes' WHEN FALSE THEN 'no' END
            WHEN 'Lymph node metastases resected before'
                THEN CASE patient.prior_surgery_ln WHEN TRUE THEN 'yes' WHEN FALSE THEN 'no' END
            WHEN 'Prior radiation' THEN CASE patient.prior_radiation WHEN TRUE THEN 'yes' WHEN FALSE THEN 'no' END
            WHEN 'Organs with lesions at baseline'
                THEN CASE WHEN patient.n_organs >= 4 THEN '4 or more' ELSE CAST(patient.n_organs AS VARCHAR) END
            WHEN 'KRAS status' THEN patient.kras_status
            WHEN 'Best overall response' THEN patient.best_overall_response
            WHEN 'Treatment' THEN patient.treatment
        END AS level
    FROM patient
    CROSS JOIN variable
    WHERE variable.kind = 'counted'
),

counted_level AS (
    SELECT
        variable_order,
        variable,
        coalesce(level, 'unknown') AS level,
        count(*) AS n
    FROM counted_value
    GROUP BY variable_order, variable, coalesce(level, 'unknown')
),

measured_value AS (
    SELECT
        variable.variable_order,
        variable.variable,
        patient.patient_id AS item_id,
        CASE variable.variable
            WHEN 'Age, years' THEN CAST(patient.age_years AS DOUBLE)
            WHEN 'Body mass index, kg/m2' THEN CAST(patient.bmi_kg_m2 AS DOUBLE)
            WHEN 'Lesions per patient' THEN CAST(patient.n_lesions AS DOUBLE)
            WHEN 'Observed to progression, death or censoring, days' THEN CAST(patient.pfs_days AS DOUBLE)
            WHEN 'Observed to death or censoring, days' THEN CAST(patient.os_days AS DOUBLE)
        END AS amount
    FROM patient
    CROSS JOIN variable
    WHERE variable.kind = 'measured' AND variable.variable <> 'Measurements per target lesion'
    UNION ALL
    SELECT
        variable.variable_order,
        variable.variable,
        lesion.lesion_id AS item_id,
        CAST(lesion.n_measurements AS DOUBLE) AS amount
    FROM core.lesion AS lesion
    INNER JOIN variable ON variable.variable = 'Measurements per target lesion'
    WHERE lesion.is_analysed AND lesion.lesion_type = 'target' AND lesion.patient_id IS NOT NULL
),

line AS (
    SELECT
        variable_order,
        variable,
        level,
        n,
        100 * n / CAST(sum(n) OVER (PARTITION BY variable) AS DOUBLE) AS percent,
        CAST(NULL AS DOUBLE) AS mean,
        CAST(NULL AS DOUBLE) AS sd,
        CAST(NULL AS DOUBLE) AS median,
        CAST(NULL AS DOUBLE) AS q1,
        CAST(NULL AS DOUBLE) AS q3
    FROM counted_level
    UNION ALL
    SELECT
        variable_order,
        variable,
        'all' AS level,
        count(amount) AS n,
        100 * count(amount) / count(*) AS percent,
        avg(amount ORDER BY item_id) AS mean,
        stddev_samp(amount ORDER BY item_id) AS sd,
        quantile_cont(amount, 0.5) AS median,
        quantile_cont(amount, 0.25) AS q1,
        quantile_cont(amount, 0.75) AS q3
    FROM measured_value
    GROUP BY variable_order, variable
)

SELECT
    variable, -- name of the variable, with its unit
    level, -- level of a counted variable; all for a measured one
    variable_order, -- order of the variables in the table
    row_number() OVER (
        PARTITION BY variable
        ORDER BY
            level = 'unknown' ASC,
            CASE WHEN variable = 'Organs with lesions at baseline' THEN 0 ELSE -n END ASC,
            level ASC
    ) AS level_order, -- order of the levels: the most frequent first (organs: by number), unknown last
    n, -- patients of the level; of a measured variable, those (or the target lesions) with a value
    percent, -- n in percent of all analysed patients (or target lesions)
    mean, -- arithmetic mean
    sd, -- standard deviation
    median, -- median
    q1, -- first quartile
    q3 -- third quartile
FROM line
