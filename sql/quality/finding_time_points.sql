/* What was decided about the scans of one assessment: time.4 of quality.defect.
   Why: rows of several days are put together, or taken apart; whoever reads a sum must be able to see where.
   Caveats: see staging.scan_day for the rules.
   Grain: one row per defect found
   Key: finding_id
*/
WITH labelled AS (
    SELECT
        scan_day.subject,
        scan_day.reader,
        scan_day.kind,
        scan_day.group_key,
        scan_day.group_day,
        min(scan_day.day) AS first_day,
        max(scan_day.day) AS last_day
    FROM staging.scan_day AS scan_day
    WHERE scan_day.kind < 3
    GROUP BY scan_day.subject, scan_day.reader, scan_day.kind, scan_day.group_key, scan_day.group_day
),

split_label AS (
    SELECT
        subject,
        reader,
        kind,
        group_key,
        string_agg(
            CASE WHEN first_day = last_day THEN 'day ' || first_day ELSE 'days ' || first_day || ' to ' || last_day END,
            ', ' ORDER BY first_day
        ) AS days,
        max(first_day) AS last_first_day
    FROM labelled
    GROUP BY subject, reader, kind, group_key
    HAVING count(*) > 1
),

scan_row AS (
    SELECT
        assessment.subject,
        assessment.reader,
        assessment.day,
        min(struct_pack(file := result.source_file, row := result.source_row)) AS source
    FROM staging.assessment_row AS assessment
    INNER JOIN staging.tumor_result AS result ON assessment.domain_row = result.tr_row
    WHERE assessment.domain = 'tr' AND assessment.is_scan
    GROUP BY assessment.subject, assessment.reader, assessment.day
),

subject AS (
    SELECT DISTINCT
        subject,
        study_id,
        patient_id
    FROM staging.assessment_row
),

one_label AS (
    SELECT
        'time.4a' AS defect_id,
        subject.study_id,
        subject.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        split_label.reader,
        split_label.last_first_day AS day,
        scan_row.source.file AS source_file,
        scan_row.source.row AS source_row,
        CASE split_label.kind WHEN 1 THEN 'trlnkgrp' ELSE 'visit' END AS column_name,
        split_label.group_key AS value,
        split_label.group_key || ' stands for assessments of ' || split_label.days || '.' AS message
    FROM split_label
    INNER JOIN subject ON split_label.subject = subject.subject
    LEFT JOIN scan_row
        ON
            split_label.subject = scan_row.subject
            AND split_label.reader = scan_row.reader
            AND split_label.last_first_day = scan_row.day
),

measured_again AS (
    SELECT
        'time.4b' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        'trdy' AS column_name,
        value_raw AS value,
        'The lesion was measured on ' || n_days || ' days of ' || coalesce(visit, 'one assessment') || '; that of day '
        || day || ' counts.' AS message
    FROM core.measurement
    WHERE n_days > 1
),

unplaced AS (
    SELECT
        'time.4c' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        'trdtc' AS column_name,
        value_raw AS value,
        'The sum has no date, and ' || coalesce(visit, 'its visit') || ' is not that of one assessment.' AS message
    FROM staging.tumor_result
    WHERE result_kind = 'sum' AND time_point_id IS NULL AND patient_id IS NOT NULL
),

found AS (
    SELECT * FROM one_label
    UNION ALL
    SELECT * FROM measured_again
    UNION ALL
    SELECT * FROM unplaced
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id
        ORDER BY study_id, source_file, source_row, patient_id, reader, lesion_id, day, value, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    lesion_id, -- text id of the lesion; NULL where it is no single lesion's
    reader, -- who read the scan; '' where the source names no reader
    day, -- day from first dose; NULL when not known
    source_file, -- file of the row
    source_row, -- row in the file
    'tr' AS domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found; NULL when blank
    message -- what is odd about it
FROM found
