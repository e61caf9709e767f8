/* Scans on days that do not suit them: under treatment, after death, after the next therapy, or of two days at once:
   time.1d, 1f, 1g, 2i and 2j of quality.defect.
   Why: a baseline under treatment hides the response; a scan after death says that one of the two dates is wrong.
   Caveats: the warehouse takes the study day where one is given. Here, for 2i and 2j, a full date takes precedence, so
   that a planned day is not read as a scan after death. The day of death is DM's, else DD's, else DS's.
   Grain: one row per defect found
   Key: finding_id
*/
WITH setting AS (
    SELECT CAST(value AS DOUBLE) AS latest_baseline_day
    FROM meta.setting
    WHERE name = 'baseline.latest_day'
),

part_of_another AS (
    SELECT DISTINCT lesion_id
    FROM core.lesion_lineage
    WHERE relation IN ('split', 'merged')
),

late_baseline AS (
    SELECT
        'time.1d' AS defect_id,
        lesion.study_id,
        lesion.patient_id,
        lesion.lesion_id,
        lesion.reader,
        measurement.day,
        measurement.source_file,
        measurement.source_row,
        'tr' AS domain,
        'trdtc' AS column_name,
        CAST(measurement.day AS VARCHAR) AS value,
        printf('The first size of the target lesion is of day %d: it has no baseline, is in no sum.', measurement.day)
            AS message
    FROM core.lesion AS lesion
    INNER JOIN core.measurement AS measurement
        ON lesion.lesion_id = measurement.lesion_id AND lesion.first_measured_day = measurement.day
    INNER JOIN core.study AS study ON lesion.study_id = study.study_id AND study.is_day_zero_treatment
    CROSS JOIN setting
    LEFT JOIN part_of_another ON lesion.lesion_id = part_of_another.lesion_id
    WHERE
        lesion.lesion_type = 'target'
        AND measurement.day > setting.latest_baseline_day
        AND part_of_another.lesion_id IS NULL
),

late_nontarget AS (
    SELECT
        'time.1g' AS defect_id,
        lesion.study_id,
        lesion.patient_id,
        lesion.lesion_id,
        lesion.reader,
        lesion.first_day AS day,
        lesion.source_file,
        lesion.source_row,
        CASE WHEN lesion.is_identified THEN 'tu' ELSE 'tr' END AS domain,
        CASE WHEN lesion.is_identified THEN 'tudtc' ELSE 'trdtc' END AS column_name,
        CAST(lesion.first_day AS VARCHAR) AS value,
        printf('The non-target lesion is first known on day %d: it counts from then on.', lesion.first_day) AS message
    FROM core.lesion AS lesion
    INNER JOIN core.study AS study ON lesion.study_id = study.study_id AND study.is_day_zero_treatment
    CROSS JOIN setting
    LEFT JOIN part_of_another ON lesion.lesion_id = part_of_another.lesion_id
    WHERE
        lesion.lesion_type = 'non-target'
        AND lesion.first_day > setting.latest_baseline_day
        AND part_of_another.lesion_id IS NULL
),

dated_death AS (
    SELECT
        death.patient_id,
        death.source,
        CASE death.source WHEN 'dm' THEN 1 WHEN 'dd' THEN 2 ELSE 3 END AS place,
        CASE
            WHEN death.source = 'dm'
                THEN coalesce(
                    CAST(date_diff('day', subject.first_dose_date, full_date(subject.death_date_text)) AS INTEGER),
                    death.day
                )
            ELSE death.day
        END AS day
    FROM staging.death AS death
    INNER JOIN staging.subject AS subject ON death.patient_id = subject.patient_id
    WHERE death.source IN ('dm', 'dd', 'ds') AND death.day IS NOT NULL
),

death_day AS (
    SELECT
        patient_id,
        min_by(day, place) AS day,
        min_by(source, place) AS source
    FROM dated_death
    GROUP BY patient_id
),

next_therapy AS (
    SELECT
        patient_id,
        min(day) AS day
    FROM staging.procedure
    WHERE upper(category) LIKE '%SUBSEQUENT%'
    GROUP BY patient_id
    HAVING min(day) IS NOT NULL
),

assessment AS (
    SELECT
        'tr' AS domain,
        study_id,
        patient_id,
        tr_row,
        coalesce(reader, '') AS reader,
        coalesce(date_day, day) AS day,
        source_file,
        source_row
    FROM staging.tumor_result_screen
    WHERE disposition = 'kept' AND result_kind <> 'not_done'
    UNION ALL
    SELECT
        'rs' AS domain,
        screen.study_id,
        screen.patient_id,
        NULL AS tr_row,
        screen.reader,
        coalesce(
            CAST(date_diff('day', subject.first_dose_date, full_date(screen.date_text)) AS INTEGER), screen.day
        ) AS day,
        screen.source_file,
        screen.source_row
    FROM staging.disease_response_screen AS screen
    INNER JOIN staging.subject AS subject ON screen.patient_id = subject.patient_id
    WHERE
        screen.disposition = 'kept'
        AND screen.test_code <> 'BESTRESP'
        AND screen.result_kind NOT IN ('not_done', 'blank')
),

judged AS (
    SELECT
        assessment.*,
        death_day.day AS day_of_death,
        death_day.source AS death_source,
        next_therapy.day AS next_therapy_day
    FROM assessment
    LEFT JOIN death_day ON assessment.patient_id = death_day.patient_id
    LEFT JOIN next_therapy ON assessment.patient_id = next_therapy.patient_id
    WHERE
        assessment.day > death_day.day
        OR (assessment.domain = 'tr' AND assessment.day > next_therapy.day)
),

judged_lesion AS (
    SELECT
        judged.*,
        tumor_result.lesion_id
    FROM judged
    LEFT JOIN staging.tumor_result AS tumor_result ON judged.tr_row = tumor_result.tr_row
),

after_death AS (
    SELECT
        'time.2i' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        domain,
        domain || 'dtc' AS column_name,
        CAST(day AS VARCHAR) AS value,
        printf('Assessed on day %d; %s has the death on day %d.', day, upper(death_source), day_of_death) AS message
    FROM judged_lesion
    WHERE day > day_of_death
),

after_next_therapy AS (
    SELECT
        'time.2j' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        domain,
        'trdtc' AS column_name,
        CAST(day AS VARCHAR) AS value,
        printf('Assessed on day %d; the next therapy began on day %d.', day, next_therapy_day) AS message
    FROM judged_lesion
    WHERE domain = 'tr' AND day > next_therapy_day
),

scan_day AS (
    SELECT
        'tr' AS domain,
        study_id,
        patient_id,
        coalesce(reader, '') AS reader,
        day AS stated_day,
        date_day,
        stated_day AS day_text,
        source_file,
        source_row
    FROM staging.tumor_result_screen
    WHERE whole_day(stated_day) IS NOT NULL AND date_day IS NOT NULL
    UNION ALL
    SELECT
        'tu' AS domain,
        screen.study_id,
        screen.patient_id,
        coalesce(screen.reader, '') AS reader,
        screen.day AS stated_day,
        CAST(date_diff('day', subject.first_dose_date, full_date(screen.date_text)) AS INTEGER) AS date_day,
        screen.stated_day AS day_text,
        screen.source_file,
        screen.source_row
    FROM staging.tumor_identification_screen AS screen
    INNER JOIN staging.subject AS subject ON screen.patient_id = subject.patient_id
    WHERE whole_day(screen.stated_day) IS NOT NULL
    UNION ALL
    SELECT
        'rs' AS domain,
        screen.study_id,
        screen.patient_id,
        screen.reader,
        screen.day AS stated_day,
        CAST(date_diff('day', subject.first_dose_date, full_date(screen.date_text)) AS INTEGER) AS date_day,
        screen.stated_day AS day_text,
        screen.source_file,
        screen.source_row
    FROM staging.disease_response_screen AS screen
    INNER JOIN staging.subject AS subject ON screen.patient_id = subject.patient_id
    WHERE whole_day(screen.stated_day) IS NOT NULL
),

agreement AS (
    SELECT
        study_id,
        domain,
        count(*) AS n_rows,
        count(*) FILTER (WHERE stated_day <> date_day) AS n_rows_off,
        count(DISTINCT patient_id) FILTER (WHERE stated_day <> date_day) AS n_subjects_off,
        max(abs(stated_day - date_day)) AS most_days_off,
        min(struct_pack(file := source_file, row := source_row, day_text := day_text)) FILTER (
            WHERE stated_day <> date_day
        ) AS first_row
    FROM scan_day
    WHERE date_day IS NOT NULL
    GROUP BY study_id, domain
    HAVING count(*) FILTER (WHERE stated_day <> date_day) > 0
),

-- More than one row in 20: not slips, but days that were planned, or counted from elsewhere.
days_throughout AS (
    SELECT
        'time.1f' AS defect_id,
        study_id,
        CAST(NULL AS VARCHAR) AS patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        CAST(NULL AS INTEGER) AS day,
        first_row.file AS source_file,
        first_row.row AS source_row,
        domain,
        domain || 'dy' AS column_name,
        first_row.day_text AS value,
        printf(
            'Study day and date disagree on %d of %d rows, of %d subjects, by up to %d days.',
            n_rows_off, n_rows, n_subjects_off, most_days_off
        ) AS message
    FROM agreement
    WHERE n_rows_off * 20 > n_rows
),

single_day AS (
    SELECT
        'time.1f' AS defect_id,
        scan_day.study_id,
        scan_day.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        scan_day.reader,
        scan_day.stated_day AS day,
        scan_day.source_file,
        scan_day.source_row,
        scan_day.domain,
        scan_day.domain || 'dy' AS column_name,
        scan_day.day_text AS value,
        printf(
            'By its study day this row is of day %d from the first dose, by its date of day %d.',
            scan_day.stated_day, scan_day.date_day
        ) AS message
    FROM scan_day
    INNER JOIN agreement ON scan_day.study_id = agreement.study_id AND scan_day.domain = agreement.domain
    WHERE scan_day.stated_day <> scan_day.date_day AND agreement.n_rows_off * 20 <= agreement.n_rows
),

found AS (
    SELECT * FROM late_baseline
    UNION ALL
    SELECT * FROM late_nontarget
    UNION ALL
    SELECT * FROM days_throughout
    UNION ALL
    SELECT * FROM single_day
    UNION ALL
    SELECT * FROM after_death
    UNION ALL
    SELECT * FROM after_next_therapy
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id
        ORDER BY study_id, domain, source_file, source_row, column_name, patient_id, lesion_id, reader, day
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    lesion_id, -- text id of the lesion; NULL where it is no single lesion's
    reader, -- who read the scan, '' where the source names no reader; NULL where it is no reader's
    day, -- day from first dose; NULL when not known
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found, or the day that it means; NULL when blank
    message -- what is odd about it
FROM found
