/* One box of the CONSORT diagram: who was loaded, who left and why, who was analysed.
   Why: Zhou 2023, Fig. 1a: what a reader asks first.
   How: the middle rows count what leaves at that step, each patient, lesion and measurement once, at its first
   reason, so that the first row less the middle rows is the last row. A lesion that leaves alone takes no patient
   with it.
   Caveats: lesions of an unknown patient count as lesions, not as patients.
   Reference: Moher et al. 2010, CONSORT 2010 statement.
   Grain: one row per step_order
   Key: step_order
   Tags: figure
*/
WITH left_why AS (
    SELECT
        lesion.lesion_id,
        CASE
            WHEN NOT patient.is_analysed THEN 'patient'
            WHEN NOT lesion.is_analysed THEN 'lesion'
        END AS level,
        CASE
            WHEN NOT patient.is_analysed THEN coalesce(patient.exclusion_reason, 'not stated')
            WHEN NOT lesion.is_analysed THEN coalesce(lesion.exclusion_reason, 'not stated')
        END AS reason
    FROM core.lesion AS lesion
    LEFT JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
),

lesion_count AS (
    SELECT
        level,
        reason,
        count(*) AS n_lesions
    FROM left_why
    GROUP BY level, reason
),

measurement_count AS (
    SELECT
        left_why.level,
        left_why.reason,
        count(*) AS n_measurements
    FROM core.measurement AS measurement
    INNER JOIN left_why ON measurement.lesion_id = left_why.lesion_id
    GROUP BY left_why.level, left_why.reason
),

patient_count AS (
    SELECT
        CASE WHEN NOT is_analysed THEN 'patient' END AS level,
        CASE WHEN NOT is_analysed THEN coalesce(exclusion_reason, 'not stated') END AS reason,
        count(*) AS n_patients
    FROM core.patient
    GROUP BY ALL
),

box AS (
    SELECT
        level,
        reason,
        n_patients,
        0 AS n_lesions,
        0 AS n_measurements
    FROM patient_count
    UNION ALL
    SELECT
        level,
        reason,
        0 AS n_patients,
        n_lesions,
        0 AS n_measurements
    FROM lesion_count
    UNION ALL
    SELECT
        level,
        reason,
        0 AS n_patients,
        0 AS n_lesions,
        n_measurements
    FROM measurement_count
),

step AS (
    SELECT
        1 AS place,
        'loaded' AS step,
        CAST(NULL AS VARCHAR) AS reason,
        coalesce(sum(n_patients), 0) AS n_patients,
        coalesce(sum(n_lesions), 0) AS n_lesions,
        coalesce(sum(n_measurements), 0) AS n_measurements
    FROM box
    UNION ALL
    SELECT
        CASE level WHEN 'patient' THEN 2 ELSE 3 END AS place,
        level || ' excluded' AS step,
        reason,
        sum(n_patients) AS n_patients,
        sum(n_lesions) AS n_lesions,
        sum(n_measurements) AS n_measurements
    FROM box
    WHERE level IS NOT NULL
    GROUP BY level, reason
    UNION ALL
    SELECT
        4 AS place,
        'analysed' AS step,
        CAST(NULL AS VARCHAR) AS reason,
        coalesce(sum(n_patients), 0) AS n_patients,
        coalesce(sum(n_lesions), 0) AS n_lesions,
        coalesce(sum(n_measurements), 0) AS n_measurements
    FROM box
    WHERE level IS NULL
),

reason_order AS (
    SELECT
        level,
        reason,
        min(exclusion_order) AS exclusion_order
    FROM core.exclusion
    GROUP BY level, reason
)

SELECT
    row_number() OVER (
        ORDER BY step.place, reason_order.exclusion_order, step.reason
    ) AS step_order, -- order of the boxes
    step.step, -- loaded, patient excluded, lesion excluded, analysed
    step.reason, -- why excluded; NULL for the first and the last box
    CAST(step.n_patients AS BIGINT) AS n_patients, -- patients in the box; for an exclusion, those who leave
    CAST(step.n_lesions AS BIGINT) AS n_lesions, -- lesions in the box; for an exclusion, those that leave
    CAST(step.n_measurements AS BIGINT) AS n_measurements -- measurements in the box, or that leave
FROM step
LEFT JOIN reason_order ON step.reason = reason_order.reason AND step.step = reason_order.level || ' excluded'
