/* Ids of subjects and lesions that look wrong: section 'identity' of quality.defect, one CTE per defect.
   Why: a subject that is two, or a lesion that is two or none, falsifies all that is counted from it.
   Caveats: an id that differs between tables is reported once per table, with its first row there.
   Grain: one row per defect found
   Key: finding_id
*/
WITH study_with_dm AS (
    SELECT DISTINCT study_id
    FROM staging.demographics_screen
    WHERE usubjid_raw IS NOT NULL
),

-- Spellings that DM does not have, whether or not DM has the subject under another one.
odd_spelling AS (
    SELECT
        subject_key.study_id,
        subject_key.usubjid_raw,
        subject_key.usubjid,
        subject_key.patient_id,
        subject.is_in_demographics
    FROM staging.subject_key AS subject_key
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    INNER JOIN study_with_dm ON subject_key.study_id = study_with_dm.study_id
    WHERE subject_key.is_respelled OR NOT subject.is_in_demographics
),

not_in_dm AS (
    SELECT
        CASE
            WHEN NOT odd_spelling.is_in_demographics THEN 'identity.4b'
            WHEN regexp_matches(odd_spelling.usubjid_raw || '|' || odd_spelling.usubjid, '[0-9]\.0+(\||$)')
                THEN 'identity.1d'
            ELSE 'identity.1c'
        END AS defect_id,
        odd_spelling.study_id,
        odd_spelling.patient_id,
        NULL AS lesion_id,
        NULL AS reader,
        CAST(NULL AS INTEGER) AS day,
        record.source_file,
        record.source_row,
        record.domain,
        'usubjid' AS column_name,
        odd_spelling.usubjid_raw AS value,
        CASE
            WHEN odd_spelling.is_in_demographics
                THEN
                    printf(
                        'DM writes this id as %s; %d rows of %s.', odd_spelling.usubjid, record.n_rows, record.domain
                    )
            ELSE printf('DM does not have this subject; %d rows of %s.', record.n_rows, record.domain)
        END AS message
    FROM odd_spelling
    INNER JOIN staging.subject_record AS record
        ON odd_spelling.study_id = record.study_id AND odd_spelling.usubjid_raw = record.usubjid_raw
    WHERE record.domain <> 'dm'
),

label_of_two_types AS (
    SELECT
        study_id,
        coalesce(patient_id, '') AS subject,
        reader,
        lesion_label
    FROM staging.lesion
    GROUP BY study_id, coalesce(patient_id, ''), reader, lesion_label
    HAVING count(*) > 1
),

sharing_lesion AS (
    SELECT
        lesion.study_id,
        lesion.patient_id,
        lesion.lesion_id,
        lesion.reader,
        lesion.lesion_label,
        lesion.first_day,
        lesion.is_identified,
        lesion.source_file,
        lesion.source_row,
        string_agg(lesion.lesion_type, ', ' ORDER BY lesion.lesion_type) OVER same_label AS lesion_types,
        row_number() OVER (
            PARTITION BY lesion.study_id, lesion.patient_id, lesion.reader, lesion.lesion_label
            ORDER BY lesion.source_file DESC, lesion.source_row DESC, lesion.lesion_id DESC
        ) AS place_from_last
    FROM staging.lesion AS lesion
    INNER JOIN label_of_two_types
        ON
            lesion.study_id = label_of_two_types.study_id
            AND coalesce(lesion.patient_id, '') = label_of_two_types.subject
            AND lesion.reader = label_of_two_types.reader
            AND lesion.lesion_label = label_of_two_types.lesion_label
    WINDOW same_label AS (PARTITION BY lesion.study_id, lesion.patient_id, lesion.reader, lesion.lesion_label)
),

shared_link_id AS (
    SELECT
        'identity.1f' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        first_day AS day,
        source_file,
        source_row,
        CASE WHEN is_identified THEN 'tu' ELSE 'tr' END AS domain,
        CASE WHEN is_identified THEN 'tulnkid' ELSE 'trlnkid' END AS column_name,
        lesion_label AS value,
        'One link id for lesions of several types: ' || lesion_types || '.' AS message
    FROM sharing_lesion
    WHERE place_from_last = 1
),

identified AS (
    SELECT
        study_id,
        patient_id,
        coalesce(reader, '') AS reader,
        lesion_label,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM staging.tumor_identification_screen
    WHERE test_code = 'TUMIDENT' AND patient_id IS NOT NULL AND lesion_label IS NOT NULL
    GROUP BY study_id, patient_id, coalesce(reader, ''), lesion_label
),

numbered AS (
    SELECT
        identified.*,
        regexp_extract(lesion_label, '^(.*?)[0-9]+$', 1) AS prefix,
        try_cast(regexp_extract(lesion_label, '[0-9]+$') AS INTEGER) AS lesion_number
    FROM identified
),

ordered AS (
    SELECT
        numbered.*,
        coalesce(lag(lesion_number) OVER (
            PARTITION BY patient_id, reader, prefix ORDER BY lesion_number, lesion_label
        ), 0) AS number_before
    FROM numbered
    -- Longer numbers are ids, not counts.
    WHERE lesion_number < 1000
),

-- In some studies numbers go on from subject to subject, or begin at 0.
study_that_counts AS (
    SELECT study_id
    FROM ordered
    GROUP BY study_id
    HAVING 2 * count(*) FILTER (WHERE lesion_number = 1) >= count(*) FILTER (WHERE number_before = 0)
),

gap AS (
    SELECT
        'identity.1h' AS defect_id,
        ordered.study_id,
        ordered.patient_id,
        lesion.lesion_id,
        ordered.reader,
        lesion.first_day AS day,
        ordered.source.file AS source_file,
        ordered.source.row AS source_row,
        'tu' AS domain,
        'tulnkid' AS column_name,
        ordered.lesion_label AS value,
        CASE
            WHEN ordered.number_before = 0 THEN printf('The first lesion has number %d.', ordered.lesion_number)
            ELSE printf('Lesion number %d follows number %d.', ordered.lesion_number, ordered.number_before)
        END AS message
    FROM ordered
    INNER JOIN study_that_counts ON ordered.study_id = study_that_counts.study_id
    LEFT JOIN staging.lesion AS lesion
        ON
            ordered.patient_id = lesion.patient_id
            AND ordered.reader = lesion.reader
            AND ordered.lesion_label = lesion.lesion_label
            AND ordered.source.file = lesion.source_file
            AND ordered.source.row = lesion.source_row
    WHERE ordered.lesion_number > ordered.number_before + 1
),

accepted AS (
    SELECT
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        coalesce(reader_name(treval, trevalid), '') AS reader,
        count(*) AS n_rows,
        count(*) FILTER (WHERE upper(trim(tracptfl)) = 'Y') AS n_accepted,
        count(*) FILTER (WHERE clean_text(tracptfl) IS NULL) AS n_blank,
        min(struct_pack(file := _source_file, row := _source_row)) FILTER (WHERE clean_text(tracptfl) IS NULL)
            AS first_blank
    FROM raw.tr
    GROUP BY ALL
),

partly_accepted AS (
    SELECT
        'identity.2b' AS defect_id,
        accepted.study_id,
        subject_key.patient_id,
        NULL AS lesion_id,
        accepted.reader,
        CAST(NULL AS INTEGER) AS day,
        accepted.first_blank.file AS source_file,
        accepted.first_blank.row AS source_row,
        'tr' AS domain,
        'tracptfl' AS column_name,
        CAST(NULL AS VARCHAR) AS value,
        printf('Accepted on %d of %d rows, blank on %d.', accepted.n_accepted, accepted.n_rows, accepted.n_blank)
            AS message
    FROM accepted
    INNER JOIN staging.subject_key AS subject_key
        ON accepted.study_id = subject_key.study_id AND accepted.usubjid_raw = subject_key.usubjid_raw
    WHERE accepted.n_accepted > 0 AND accepted.n_blank > 0
),

-- Among small sizes agreement is chance: lesions of 5 mm are alike.
course AS (
    SELECT
        lesion_id,
        count(*) AS n_days,
        list(struct_pack(day := day, mm := long_axis_mm) ORDER BY day) AS sizes
    FROM core.measurement
    GROUP BY lesion_id
    HAVING
        count(*) FILTER (WHERE long_axis_mm >= 10) >= 5
        AND count(DISTINCT long_axis_mm) FILTER (WHERE long_axis_mm >= 10) >= 3
),

same_course AS (
    SELECT
        lesion.study_id,
        lesion.patient_id,
        lesion.lesion_id,
        lesion.reader,
        lesion.lesion_label,
        lesion.first_day,
        lesion.source_file,
        lesion.source_row,
        course.n_days,
        first_value(lesion.lesion_label) OVER twins AS first_label,
        row_number() OVER twins AS place
    FROM course
    INNER JOIN staging.lesion AS lesion ON course.lesion_id = lesion.lesion_id
    WHERE lesion.lesion_type = 'target' AND lesion.patient_id IS NOT NULL AND lesion.site_raw IS NOT NULL
    WINDOW
        twins AS (
            PARTITION BY lesion.patient_id, lesion.reader, upper(lesion.site_raw), course.sizes
            ORDER BY lesion.source_file, lesion.source_row, lesion.lesion_id
        )
),

marked_twice AS (
    SELECT
        'identity.3c' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        first_day AS day,
        source_file,
        source_row,
        'tu' AS domain,
        'tulnkid' AS column_name,
        lesion_label AS value,
        printf('Its sizes on %d days are those of lesion %s.', n_days, first_label) AS message
    FROM same_course
    WHERE place > 1
),

study_with_results AS (
    SELECT DISTINCT study_id
    FROM staging.tumor_result_screen
),

followed AS (
    SELECT DISTINCT
        study_id,
        coalesce(patient_id, '') AS subject,
        coalesce(reader, '') AS reader,
        lesion_label
    FROM staging.tumor_result_screen
    WHERE lesion_label IS NOT NULL
),

never_measured AS (
    SELECT
        'identity.4a' AS defect_id,
        lesion.study_id,
        lesion.patient_id,
        lesion.lesion_id,
        lesion.reader,
        lesion.first_day AS day,
        lesion.source_file,
        lesion.source_row,
        'tu' AS domain,
        'tulnkid' AS column_name,
        lesion.lesion_label AS value,
        'The ' || lesion.lesion_type || ' lesion has no row in TR.' AS message
    FROM staging.lesion AS lesion
    INNER JOIN study_with_results ON lesion.study_id = study_with_results.study_id
    LEFT JOIN followed
        ON
            lesion.study_id = followed.study_id
            AND coalesce(lesion.patient_id, '') = followed.subject
            AND lesion.reader = followed.reader
            AND lesion.lesion_label = followed.lesion_label
    WHERE
        lesion.is_identified AND NOT lesion.has_results
        -- A new lesion is an event by being there; many trials do not follow it.
        AND lesion.lesion_type <> 'new'
        AND followed.lesion_label IS NULL
),

part_of_another AS (
    SELECT DISTINCT lesion_id
    FROM core.lesion_lineage
    WHERE relation IN ('split', 'merged')
),

setting AS (
    SELECT CAST(value AS DOUBLE) AS latest_baseline_day
    FROM meta.setting
    WHERE name = 'baseline.latest_day'
),

changed_id AS (
    SELECT
        'identity.1j' AS defect_id,
        lesion.study_id,
        lesion.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        lesion.reader,
        min(lesion.first_measured_day) FILTER (WHERE lesion.first_measured_day > setting.latest_baseline_day) AS day,
        min(struct_pack(file := lesion.source_file, row := lesion.source_row)) AS source,
        string_agg(lesion.lesion_label, ', ' ORDER BY lesion.lesion_label) FILTER (
            WHERE lesion.last_measured_day <= setting.latest_baseline_day
        ) AS lost_labels,
        string_agg(lesion.lesion_label, ', ' ORDER BY lesion.lesion_label) FILTER (
            WHERE lesion.first_measured_day > setting.latest_baseline_day
        ) AS late_labels
    FROM core.lesion AS lesion
    INNER JOIN core.study AS study ON lesion.study_id = study.study_id AND study.is_day_zero_treatment
    CROSS JOIN setting
    LEFT JOIN part_of_another ON lesion.lesion_id = part_of_another.lesion_id
    WHERE lesion.lesion_type = 'target' AND lesion.patient_id IS NOT NULL AND part_of_another.lesion_id IS NULL
    GROUP BY lesion.study_id, lesion.patient_id, lesion.reader
    HAVING lost_labels IS NOT NULL AND late_labels IS NOT NULL
),

spelled_apart AS (
    SELECT
        'identity.1k' AS defect_id,
        study_id,
        patient_id,
        reader,
        min(first_day) AS day,
        min(struct_pack(file := source_file, row := source_row)) AS source,
        string_agg(DISTINCT lesion_label, ', ' ORDER BY lesion_label) AS labels
    FROM staging.lesion
    WHERE patient_id IS NOT NULL
    GROUP BY
        study_id, patient_id, reader,
        regexp_replace(upper(trim(lesion_label)), '(^|[^0-9])0+([0-9])', '\1\2', 'g')
    HAVING count(DISTINCT lesion_label) > 1
),

found AS (
    SELECT
        defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source.file AS source_file,
        source.row AS source_row,
        'tu' AS domain,
        'tulnkid' AS column_name,
        late_labels AS value,
        printf(
            'Targets measured up to the first dose and never again: %s; targets that begin after it: %s.',
            lost_labels, late_labels
        ) AS message
    FROM changed_id
    UNION ALL
    SELECT
        defect_id,
        study_id,
        patient_id,
        NULL AS lesion_id,
        reader,
        day,
        source.file AS source_file,
        source.row AS source_row,
        'tu' AS domain,
        'tulnkid' AS column_name,
        labels AS value,
        printf('%s are one id but for case and leading zeros, and stand for lesions of their own.', labels) AS message
    FROM spelled_apart
    UNION ALL
    SELECT * FROM not_in_dm
    UNION ALL
    SELECT * FROM shared_link_id
    UNION ALL
    SELECT * FROM gap
    UNION ALL
    SELECT * FROM partly_accepted
    UNION ALL
    SELECT * FROM marked_twice
    UNION ALL
    SELECT * FROM never_measured
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id
        ORDER BY study_id, domain, source_file, source_row, patient_id, reader, value, lesion_id
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    lesion_id, -- text id of the lesion; NULL where it is no single lesion's
    reader, -- who followed the lesion, '' where the source names no reader; NULL where it is no reader's
    day, -- day from first dose; NULL when not known
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found; NULL when blank
    message -- what is odd about it
FROM found
