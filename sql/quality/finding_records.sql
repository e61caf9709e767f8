/* Measurements that contradict each other or what the source says elsewhere: rows.1, 5g and 5h of quality.defect.
   Why: of two sizes of one lesion and day only one can be used, and the choice is seen here.
   Caveats: exact repeats were collapsed, and of different sizes one was chosen, as core.measurement says.
   Grain: one row per defect found
   Key: finding_id
*/
WITH repeated_row AS (
    SELECT
        'tr' AS domain,
        study_id,
        patient_id,
        coalesce(reader, '') AS reader,
        day,
        source_file,
        source_row,
        value_raw AS value
    FROM staging.tumor_result_screen
    WHERE disposition = 'collapsed'
    UNION ALL
    SELECT
        'tu' AS domain,
        study_id,
        patient_id,
        coalesce(reader, '') AS reader,
        day,
        source_file,
        source_row,
        lesion_label AS value
    FROM staging.tumor_identification_screen
    WHERE disposition = 'collapsed'
    UNION ALL
    SELECT
        'rs' AS domain,
        study_id,
        patient_id,
        reader,
        day,
        source_file,
        source_row,
        result_word AS value
    FROM staging.disease_response_screen
    WHERE disposition = 'collapsed'
    UNION ALL
    SELECT
        'dm' AS domain,
        study_id,
        patient_id,
        NULL AS reader,
        NULL AS day,
        source_file,
        source_row,
        usubjid_raw AS value
    FROM staging.demographics_screen
    WHERE disposition = 'collapsed'
),

exact_repeat AS (
    SELECT
        'rows.1a' AS defect_id,
        study_id,
        patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        reader,
        day,
        source_file,
        source_row,
        domain,
        CASE domain WHEN 'tu' THEN 'tulnkid' WHEN 'dm' THEN 'usubjid' ELSE domain || 'orres' END AS column_name,
        value,
        'The row repeats an earlier one in all but the sequence number.' AS message
    FROM repeated_row
),

lesion_day AS (
    SELECT
        lesion_id,
        day,
        min(size_mm) FILTER (WHERE quantity = 'long' AND preference <> 2) AS least_long_mm,
        max(size_mm) FILTER (WHERE quantity = 'long' AND preference <> 2) AS long_mm,
        min(size_mm) FILTER (WHERE quantity = 'short') AS least_short_mm,
        max(size_mm) FILTER (WHERE quantity = 'short') AS short_mm,
        min(size_mm) FILTER (WHERE quantity = 'long' AND preference = 2) AS least_diameter_mm,
        max(size_mm) FILTER (WHERE quantity = 'long' AND preference = 2) AS diameter_mm,
        min(volume_mm3) AS least_volume_mm3,
        max(volume_mm3) AS volume_mm3
    FROM staging.tumor_result
    WHERE result_kind = 'size'
    GROUP BY lesion_id, day
    HAVING count(*) > 1
),

conflict_day AS (
    SELECT
        lesion_id,
        day
    FROM lesion_day
    WHERE
        least_long_mm < long_mm
        OR least_short_mm < short_mm
        OR least_diameter_mm < diameter_mm
        OR least_volume_mm3 < volume_mm3
        -- DIAMETER is the axis that counts: the long one, and the short one of lymph nodes.
        OR (diameter_mm <> long_mm AND diameter_mm IS DISTINCT FROM short_mm)
),

conflicting_row AS (
    SELECT
        size_row.study_id,
        size_row.patient_id,
        size_row.lesion_id,
        size_row.reader,
        size_row.day,
        size_row.test_code || ' ' || size_row.value_raw AS written,
        struct_pack(file := size_row.source_file, row := size_row.source_row, test := size_row.test_code) AS source
    FROM staging.tumor_result AS size_row
    INNER JOIN conflict_day
        ON size_row.lesion_id = conflict_day.lesion_id AND size_row.day = conflict_day.day
    WHERE size_row.result_kind = 'size'
),

two_sizes AS (
    SELECT
        'rows.1b' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        max(source).file AS source_file,
        max(source).row AS source_row,
        'tr' AS domain,
        'trorres' AS column_name,
        string_agg(written, ', ' ORDER BY source) AS value,
        'The lesion has different sizes on one day.' AS message
    FROM conflicting_row
    GROUP BY study_id, patient_id, lesion_id, reader, day
),

other_baseline_volume AS (
    SELECT
        'rows.1c' AS defect_id,
        lesion.study_id,
        lesion.patient_id,
        lesion.lesion_id,
        lesion.reader,
        measurement.day,
        measurement.source_file,
        measurement.source_row,
        'tr' AS domain,
        'xbasevol' AS column_name,
        CAST(lesion.stated_baseline_volume_mm3 AS VARCHAR) AS value,
        printf(
            'The source states %.1f mm3; the baseline size gives %.1f mm3.',
            lesion.stated_baseline_volume_mm3, lesion.baseline_volume_mm3
        ) AS message
    FROM core.lesion AS lesion
    INNER JOIN core.measurement AS measurement
        ON lesion.lesion_id = measurement.lesion_id AND measurement.is_baseline
    WHERE lesion.is_stated_baseline_different
),

visit_row AS (
    SELECT
        lesion_base_id,
        test_code,
        coalesce(visit_number, CASE WHEN NOT is_unscheduled_visit(visit) THEN visit END) AS visit_key,
        left(date_text, 10) AS scan_date,
        tr_row
    FROM staging.tumor_result_screen
    WHERE result_kind = 'size' AND disposition = 'kept' AND length(date_text) >= 10
),

test_twice AS (
    SELECT
        lesion_base_id,
        visit_key,
        min(scan_date) AS first_date,
        max(scan_date) AS last_date,
        max(struct_pack(date := scan_date, tr_row := tr_row)) AS last_row
    FROM visit_row
    WHERE visit_key IS NOT NULL
    GROUP BY lesion_base_id, visit_key, test_code
    HAVING min(scan_date) < max(scan_date)
),

lesion_twice AS (
    SELECT
        visit_key,
        min(first_date) AS first_date,
        max(last_date) AS last_date,
        max(last_row).tr_row AS tr_row
    FROM test_twice
    GROUP BY lesion_base_id, visit_key
),

twice_at_a_visit AS (
    SELECT
        'rows.5g' AS defect_id,
        result.study_id,
        result.patient_id,
        result.lesion_id,
        result.reader,
        result.day,
        result.source_file,
        result.source_row,
        'tr' AS domain,
        'trdtc' AS column_name,
        lesion_twice.last_date AS value,
        'Sizes of one lesion at visit ' || lesion_twice.visit_key || ' are of ' || lesion_twice.first_date || ' and of '
        || lesion_twice.last_date || '.' AS message
    FROM lesion_twice
    INNER JOIN staging.tumor_result AS result ON lesion_twice.tr_row = result.tr_row
),

study_with_standard AS (
    SELECT DISTINCT study_id
    FROM staging.tumor_result_screen
    WHERE standard_number IS NOT NULL
),

no_standard AS (
    SELECT
        'rows.5h' AS defect_id,
        result.study_id,
        result.patient_id,
        result.lesion_id,
        result.reader,
        result.day,
        result.source_file,
        result.source_row,
        'tr' AS domain,
        'trstresn' AS column_name,
        CAST(NULL AS VARCHAR) AS value,
        screen.test_code || ' ' || screen.value_raw || ' has no TRSTRESN.' AS message
    FROM staging.tumor_result_screen AS screen
    INNER JOIN study_with_standard ON screen.study_id = study_with_standard.study_id
    INNER JOIN staging.tumor_result AS result ON screen.tr_row = result.tr_row
    WHERE
        screen.test_kind = 'size'
        AND screen.quantity <> 'volume'
        AND screen.disposition = 'kept'
        AND screen.standard_number IS NULL
        AND finite_number(screen.value_raw) IS NOT NULL
),

found AS (
    SELECT * FROM exact_repeat
    UNION ALL
    SELECT * FROM two_sizes
    UNION ALL
    SELECT * FROM other_baseline_volume
    UNION ALL
    SELECT * FROM twice_at_a_visit
    UNION ALL
    SELECT * FROM no_standard
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id
        ORDER BY study_id, domain, source_file, source_row, patient_id, lesion_id, reader, day, value
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    lesion_id, -- text id of the lesion; NULL for an exact repeat
    reader, -- who read the scan, '' where the source names no reader; NULL where it is no reader's
    day, -- day from first dose; NULL when not known
    source_file, -- file of the row, of several the last
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found; NULL when blank
    message -- what is odd about it
FROM found
