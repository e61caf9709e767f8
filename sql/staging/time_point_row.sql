/* The time point of each row of TU, TR and RS that has one.
   Why: sizes, states, sums and responses of one assessment are put together by it, whatever day each one bears.
   How: scans by their day, through staging.scan_day. Other rows (responses, stated sums, tests not done) belong to the
   time point of their link group, else to the one with a scan on their own day, else to that of their visit, else,
   where they have no visit, to one at most time_point.window_days away; the nearest where several fit, and none more
   than time_point.visit_days away. A row without a day belongs to its link group's or visit's time point where there is
   one only. Rows with a day that fit nowhere form time points of their own, by link group, visit or day, apart where
   more than time_point.visit_days lie between two.
   Caveats: a row without a day that fits nowhere is not here.
   Grain: one row per domain and domain_row
   Key: domain, domain_row
*/
WITH setting AS (
    SELECT
        max(CAST(value AS INTEGER)) FILTER (WHERE name = 'time_point.visit_days') AS visit_days,
        max(CAST(value AS INTEGER)) FILTER (WHERE name = 'time_point.window_days') AS window_days
    FROM meta.setting
    WHERE name LIKE 'time_point.%'
),

assessment AS (
    SELECT
        domain,
        domain_row,
        patient_id,
        subject,
        reader,
        link_group,
        visit_key,
        visit,
        day,
        is_scan
    FROM staging.assessment_row
),

scan_row AS (
    SELECT
        assessment.domain,
        assessment.domain_row,
        scan_day.kind,
        scan_day.group_key,
        scan_day.group_day,
        FALSE AS is_without_scan
    FROM assessment
    INNER JOIN staging.scan_day AS scan_day
        ON
            assessment.subject = scan_day.subject
            AND assessment.reader = scan_day.reader
            AND assessment.day = scan_day.day
    WHERE assessment.is_scan
),

-- What the groups of scans answer to: their days, link groups and visits.
answered AS (
    SELECT DISTINCT
        assessment.subject,
        assessment.reader,
        assessment.link_group,
        assessment.visit_key,
        scan_row.kind,
        scan_row.group_key,
        scan_row.group_day
    FROM scan_row
    INNER JOIN assessment
        ON scan_row.domain = assessment.domain AND scan_row.domain_row = assessment.domain_row
),

span AS (
    SELECT
        subject,
        reader,
        kind,
        group_key,
        group_day,
        min(day) AS first_day,
        max(day) AS last_day
    FROM staging.scan_day
    GROUP BY subject, reader, kind, group_key, group_day
),

-- The other rows, once for each combination of what they say of their time.
asked AS (
    SELECT DISTINCT
        subject,
        reader,
        link_group,
        visit_key,
        day
    FROM assessment
    WHERE NOT is_scan OR day IS NULL
),

fitting AS (
    SELECT
        asked.*,
        1 AS manner,
        answered.kind,
        answered.group_key,
        answered.group_day
    FROM asked
    INNER JOIN answered
        ON
            asked.subject = answered.subject
            AND asked.reader = answered.reader
            AND asked.link_group = answered.link_group
    UNION
    SELECT
        asked.*,
        2 AS manner,
        scan_day.kind,
        scan_day.group_key,
        scan_day.group_day
    FROM asked
    INNER JOIN staging.scan_day AS scan_day
        ON asked.subject = scan_day.subject AND asked.reader = scan_day.reader AND asked.day = scan_day.day
    UNION
    SELECT
        asked.*,
        3 AS manner,
        answered.kind,
        answered.group_key,
        answered.group_day
    FROM asked
    INNER JOIN answered
        ON
            asked.subject = answered.subject
            AND asked.reader = answered.reader
            AND asked.visit_key = answered.visit_key
    UNION
    SELECT
        asked.*,
        4 AS manner,
        span.kind,
        span.group_key,
        span.group_day
    FROM asked
    CROSS JOIN setting
    INNER JOIN span
        ON
            asked.subject = span.subject
            AND asked.reader = span.reader
            AND asked.day BETWEEN span.first_day - setting.window_days AND span.last_day + setting.window_days
    WHERE asked.visit_key IS NULL AND asked.link_group IS NULL
),

measured AS (
    SELECT
        fitting.*,
        greatest(span.first_day - fitting.day, fitting.day - span.last_day, 0) AS distance_days,
        count(*) OVER (
            PARTITION BY
                fitting.subject, fitting.reader, fitting.link_group, fitting.visit_key, fitting.day, fitting.manner
        ) AS n_fitting
    FROM fitting
    INNER JOIN span
        ON
            fitting.subject = span.subject
            AND fitting.reader = span.reader
            AND fitting.kind = span.kind
            AND fitting.group_key = span.group_key
            AND fitting.group_day = span.group_day
),

fitted AS (
    SELECT measured.*
    FROM measured
    CROSS JOIN setting
    WHERE
        CASE
            WHEN measured.day IS NULL THEN measured.n_fitting = 1
            ELSE measured.distance_days <= setting.visit_days
        END
    QUALIFY row_number() OVER (
        PARTITION BY measured.subject, measured.reader, measured.link_group, measured.visit_key, measured.day
        ORDER BY
            measured.manner, measured.distance_days, measured.group_day, measured.kind, measured.group_key
    ) = 1
),

own AS (
    SELECT
        asked.*,
        CASE WHEN asked.link_group IS NOT NULL THEN 1 WHEN asked.visit_key IS NOT NULL THEN 2 ELSE 3 END AS kind,
        coalesce(asked.link_group, asked.visit_key, '') AS group_key
    FROM asked
    ANTI JOIN fitted
        ON
            asked.subject = fitted.subject
            AND asked.reader = fitted.reader
            AND asked.link_group IS NOT DISTINCT FROM fitted.link_group
            AND asked.visit_key IS NOT DISTINCT FROM fitted.visit_key
            AND asked.day = fitted.day
    WHERE asked.day IS NOT NULL
),

own_start AS (
    SELECT
        own.*,
        own.kind = 3
        OR coalesce(
            own.day - lag(own.day) OVER (
                PARTITION BY own.subject, own.reader, own.kind, own.group_key ORDER BY own.day
            ) > setting.visit_days,
            TRUE
        ) AS is_start
    FROM own
    CROSS JOIN setting
),

answer AS (
    SELECT
        subject,
        reader,
        link_group,
        visit_key,
        day,
        kind,
        group_key,
        group_day,
        FALSE AS is_without_scan
    FROM fitted
    UNION ALL
    SELECT
        subject,
        reader,
        link_group,
        visit_key,
        day,
        kind,
        group_key,
        max(CASE WHEN is_start THEN day END) OVER (
            PARTITION BY subject, reader, kind, group_key ORDER BY day
        ) AS group_day,
        TRUE AS is_without_scan
    FROM own_start
),

grouped AS (
    SELECT * FROM scan_row
    UNION ALL
    SELECT
        assessment.domain,
        assessment.domain_row,
        answer.kind,
        answer.group_key,
        answer.group_day,
        answer.is_without_scan
    FROM assessment
    INNER JOIN answer
        ON
            assessment.subject = answer.subject
            AND assessment.reader = answer.reader
            AND assessment.link_group IS NOT DISTINCT FROM answer.link_group
            AND assessment.visit_key IS NOT DISTINCT FROM answer.visit_key
            AND assessment.day IS NOT DISTINCT FROM answer.day
    WHERE NOT assessment.is_scan OR assessment.day IS NULL
),

-- Numbered, so that what follows compares one number.
numbered AS (
    SELECT
        grouped.domain,
        grouped.domain_row,
        grouped.kind,
        grouped.group_key,
        grouped.is_without_scan,
        assessment.patient_id,
        assessment.subject,
        assessment.reader,
        assessment.link_group,
        assessment.visit,
        assessment.visit_key,
        assessment.day,
        assessment.is_scan,
        dense_rank() OVER (
            ORDER BY
                assessment.subject, assessment.reader, grouped.is_without_scan, grouped.group_day, grouped.kind,
                grouped.group_key
        ) AS group_number
    FROM grouped
    INNER JOIN assessment
        ON grouped.domain = assessment.domain AND grouped.domain_row = assessment.domain_row
),

label_count AS (
    SELECT
        group_number,
        visit,
        min(visit_key) AS visit_key,
        count(*) FILTER (WHERE is_scan) AS n_scan_rows,
        count(*) AS n_rows
    FROM numbered
    WHERE visit_key IS NOT NULL
    GROUP BY group_number, visit
),

label AS (
    SELECT
        group_number,
        coalesce(visit, visit_key) AS visit
    FROM label_count
    QUALIFY row_number() OVER (
        PARTITION BY group_number ORDER BY n_scan_rows DESC, n_rows DESC, visit ASC NULLS LAST, visit_key ASC
    ) = 1
),

described AS (
    SELECT
        numbered.group_number,
        any_value(numbered.subject) AS subject,
        any_value(numbered.patient_id) AS patient_id,
        any_value(numbered.reader) AS reader,
        min(numbered.kind) AS kind,
        any_value(numbered.group_key) AS group_key,
        coalesce(min(numbered.day) FILTER (WHERE numbered.is_scan), min(numbered.day)) AS first_day,
        coalesce(max(numbered.day) FILTER (WHERE numbered.is_scan), max(numbered.day)) AS last_day
    FROM numbered
    GROUP BY numbered.group_number
),

named AS (
    SELECT
        described.*,
        label.visit,
        coalesce(label.visit, nullif(described.group_key, ''), 'day ' || described.first_day) AS name
    FROM described
    LEFT JOIN label ON described.group_number = label.group_number
),

identified AS (
    SELECT
        *,
        subject || CASE WHEN patient_id IS NOT NULL THEN '/' || reader_code(nullif(reader, '')) ELSE '' END || '/'
        || name || CASE
            WHEN row_number() OVER (PARTITION BY subject, reader, name ORDER BY first_day, group_number) > 1
                THEN ' (day ' || first_day || ')'
            ELSE ''
        END AS time_point_id
    FROM named
)

SELECT
    numbered.domain, -- tu, tr or rs
    numbered.domain_row, -- position of the row in that raw table
    identified.time_point_id, -- text id of the time point
    numbered.patient_id, -- text id of the patient; NULL when the source names no patients
    numbered.subject, -- text id of the patient, or of the lesion when the source names no patients
    numbered.reader, -- who read the scan or gave the response; '' where the source names none
    identified.visit, -- the visit by which most of the time point's rows go; NULL where none is named
    identified.kind, -- 1 link group, 2 visit, 3 neither
    identified.first_day, -- first day with a scan, else with any row
    identified.last_day, -- last day with a scan, else with any row
    numbered.day, -- the row's own day from first dose; NULL when not known
    numbered.is_scan -- a size or a state in TR, or a lesion identified in TU
FROM numbered
INNER JOIN identified ON numbered.group_number = identified.group_number
