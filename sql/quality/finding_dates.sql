/* Dates and study days that cannot be right as they are written: time.1e, 2b, 2e and 2l of quality.defect.
   Why: growth, response and survival are all counted in days from the first dose.
   Caveats: partial dates, and dates before 1950, are looked for where the warehouse needs a day: not in the medical
   history that AE and PR also hold. In PR and CM a partial date is named where a day was imputed. A row with a partial
   date and no study day is in quality.quarantine instead.
   Grain: one row per defect found
   Key: finding_id
*/
WITH setting AS (
    SELECT value AS rule
    FROM meta.setting
    WHERE name = 'dates.partial'
),

-- place: DM tells of a subject's calendar before the other tables do.
dated AS (
    SELECT
        1 AS place,
        'dm' AS domain,
        'rfstdtc' AS date_column,
        rfstdtc AS date_text,
        NULL AS day_column,
        CAST(NULL AS VARCHAR) AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.dm
    UNION ALL
    SELECT
        2 AS place,
        'dm' AS domain,
        'rfxstdtc' AS date_column,
        rfxstdtc AS date_text,
        NULL AS day_column,
        CAST(NULL AS VARCHAR) AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.dm
    UNION ALL
    SELECT
        3 AS place,
        'dm' AS domain,
        'dthdtc' AS date_column,
        dthdtc AS date_text,
        'dthdy' AS day_column,
        dthdy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.dm
    UNION ALL
    SELECT
        4 AS place,
        'tr' AS domain,
        'trdtc' AS date_column,
        trdtc AS date_text,
        'trdy' AS day_column,
        trdy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        coalesce(reader_name(treval, trevalid), '') AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.tr
    UNION ALL
    SELECT
        5 AS place,
        'tu' AS domain,
        'tudtc' AS date_column,
        tudtc AS date_text,
        'tudy' AS day_column,
        tudy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        coalesce(reader_name(tueval, tuevalid), '') AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.tu
    UNION ALL
    SELECT
        6 AS place,
        'rs' AS domain,
        'rsdtc' AS date_column,
        rsdtc AS date_text,
        'rsdy' AS day_column,
        rsdy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        coalesce(reader_name(rseval, rsevalid), '') AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.rs
    UNION ALL
    SELECT
        7 AS place,
        'ex' AS domain,
        'exstdtc' AS date_column,
        exstdtc AS date_text,
        'exstdy' AS day_column,
        exstdy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ex
    UNION ALL
    SELECT
        8 AS place,
        'ex' AS domain,
        'exendtc' AS date_column,
        exendtc AS date_text,
        'exendy' AS day_column,
        exendy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ex
    UNION ALL
    SELECT
        9 AS place,
        'ds' AS domain,
        'dsstdtc' AS date_column,
        dsstdtc AS date_text,
        'dsstdy' AS day_column,
        dsstdy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ds
    UNION ALL
    SELECT
        10 AS place,
        'ss' AS domain,
        'ssdtc' AS date_column,
        ssdtc AS date_text,
        'ssdy' AS day_column,
        ssdy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ss
    UNION ALL
    SELECT
        11 AS place,
        'dd' AS domain,
        'dddtc' AS date_column,
        dddtc AS date_text,
        'dddy' AS day_column,
        dddy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.dd
    UNION ALL
    SELECT
        12 AS place,
        'lb' AS domain,
        'lbdtc' AS date_column,
        lbdtc AS date_text,
        'lbdy' AS day_column,
        lbdy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.lb
    UNION ALL
    SELECT
        13 AS place,
        'ae' AS domain,
        'aestdtc' AS date_column,
        CAST(NULL AS VARCHAR) AS date_text,
        'aestdy' AS day_column,
        aestdy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ae
    UNION ALL
    SELECT
        14 AS place,
        'ae' AS domain,
        'aeendtc' AS date_column,
        CASE WHEN upper(trim(aesdth)) = 'Y' OR upper(trim(aeout)) = 'FATAL' THEN aeendtc END AS date_text,
        'aeendy' AS day_column,
        aeendy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ae
    UNION ALL
    SELECT
        15 AS place,
        'pr' AS domain,
        'prstdtc' AS date_column,
        CASE WHEN partial_period(prstdtc) IS NOT NULL THEN prstdtc END AS date_text,
        'prstdy' AS day_column,
        prstdy AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.pr
    UNION ALL
    SELECT
        16 AS place,
        'cm' AS domain,
        'cmstdtc' AS date_column,
        CASE WHEN partial_period(cmstdtc) IS NOT NULL THEN cmstdtc END AS date_text,
        'cmstdy' AS day_column,
        CAST(NULL AS VARCHAR) AS day_text,
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        NULL AS reader,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.cm
    WHERE whole_day(clean_text(cmstdy)) IS NULL
),

odd AS (
    SELECT
        dated.place,
        dated.domain,
        dated.date_column,
        trim(dated.date_text) AS date_text,
        dated.day_column,
        dated.day_text,
        dated.study_id,
        subject_key.patient_id,
        dated.reader,
        dated.source_file,
        dated.source_row
    FROM dated
    LEFT JOIN staging.subject_key AS subject_key
        ON dated.study_id = subject_key.study_id AND dated.usubjid_raw = subject_key.usubjid_raw
    WHERE
        length(trim(dated.date_text)) < 10
        OR left(trim(dated.date_text), 4) < '1950'
        OR try_cast(dated.day_text AS DOUBLE) = 0
        OR full_date(dated.date_text) IS NULL
),

sdtm_day_zero AS (
    SELECT
        'time.1e' AS defect_id,
        odd.study_id,
        odd.patient_id,
        odd.reader,
        odd.source_file,
        odd.source_row,
        odd.domain,
        odd.day_column AS column_name,
        odd.day_text AS value,
        'Study day 0, which SDTM does not have: taken as the first dose, like day 1.' AS message
    FROM odd
    INNER JOIN raw.study AS study ON odd.study_id = study.study_id
    WHERE study.day_convention = 'sdtm' AND try_cast(odd.day_text AS DOUBLE) = 0
),

-- A row of a wide table may stand for several results.
undated AS (
    SELECT
        study_id,
        domain,
        source_file,
        source_row,
        min(dated_by) AS dated_by,
        min(day) AS day
    FROM staging.undated_row
    GROUP BY study_id, domain, source_file, source_row
),

-- The day that was taken for a partial date of treatment, procedure, disposition or death.
imputed AS (
    SELECT
        odd.study_id,
        odd.domain,
        odd.date_column,
        odd.source_file,
        odd.source_row,
        CASE
            WHEN odd.date_column = 'dthdtc' THEN death.day
            WHEN odd.domain IN ('ex', 'ds', 'pr', 'cm')
                THEN coalesce(exposure.end_day, imputed_day(odd.date_text, subject.first_dose_date, setting.rule))
        END AS day
    FROM odd
    INNER JOIN staging.subject AS subject ON odd.patient_id = subject.patient_id
    CROSS JOIN setting
    LEFT JOIN staging.death AS death
        ON
            odd.patient_id = death.patient_id
            AND death.source = 'dm'
            AND death.date_flag IS NOT NULL
            AND odd.date_column = 'dthdtc'
    LEFT JOIN staging.exposure AS exposure
        ON
            odd.patient_id = exposure.patient_id
            AND odd.date_column = 'exendtc'
            AND odd.source_file = exposure.source_file
            AND odd.source_row = exposure.source_row
    WHERE whole_day(clean_text(odd.day_text)) IS NULL
),

partial_date AS (
    SELECT
        'time.2b' AS defect_id,
        odd.study_id,
        odd.patient_id,
        odd.reader,
        odd.source_file,
        odd.source_row,
        odd.domain,
        odd.date_column AS column_name,
        odd.date_text AS value,
        'The date is partial' || CASE
            WHEN undated.dated_by = 'visit' THEN printf(': day %d of its visit was taken.', undated.day)
            WHEN coalesce(undated.day, imputed.day) IS NOT NULL
                THEN printf(': day %d was imputed.', coalesce(undated.day, imputed.day))
            ELSE '.'
        END AS message
    FROM odd
    LEFT JOIN quality.quarantine AS quarantine
        ON
            odd.study_id = quarantine.study_id
            AND odd.domain = quarantine.domain
            AND odd.source_file = quarantine.source_file
            AND odd.source_row = quarantine.source_row
    LEFT JOIN undated
        ON
            odd.study_id = undated.study_id
            AND odd.domain = undated.domain
            AND odd.source_file = undated.source_file
            AND odd.source_row = undated.source_row
    LEFT JOIN imputed
        ON
            odd.study_id = imputed.study_id
            AND odd.domain = imputed.domain
            AND odd.date_column = imputed.date_column
            AND odd.source_file = imputed.source_file
            AND odd.source_row = imputed.source_row
    WHERE
        partial_period(odd.date_text) IS NOT NULL
        AND quarantine.quarantine_id IS NULL
        AND (odd.domain NOT IN ('pr', 'cm') OR imputed.day IS NOT NULL)
),

-- One finding per column, for a study may write all its dates in a way that is not known.
no_date AS (
    SELECT
        'time.2l' AS defect_id,
        study_id,
        CASE WHEN count(*) = 1 THEN min(patient_id) END AS patient_id,
        CASE WHEN count(*) = 1 THEN min(reader) END AS reader,
        min(struct_pack(file := source_file, row := source_row)).file AS source_file,
        min(struct_pack(file := source_file, row := source_row)).row AS source_row,
        domain,
        date_column AS column_name,
        min_by(date_text, struct_pack(file := source_file, row := source_row)) AS value,
        CASE WHEN count(*) = 1 THEN 'The text is no date.' ELSE printf('%d texts are no dates.', count(*)) END
        || ' A study day beside it was used, else there is none.' AS message
    FROM odd
    WHERE
        regexp_matches(date_text, '[0-9]')
        AND full_date(date_text) IS NULL
        AND partial_period(date_text) IS NULL
        -- Dates with parts that are known to be missing ('UN-JAN-2014', '2014---02') have another way to be read.
        AND NOT regexp_matches(upper(date_text), 'UN|--')
    GROUP BY study_id, domain, date_column
),

before_1950 AS (
    SELECT
        study_id,
        patient_id,
        count(*) AS n_dates,
        min(struct_pack(
            place := place, file := source_file, row := source_row, domain := domain, column_name := date_column,
            date_text := date_text
        )) AS first_date
    FROM odd
    WHERE
        regexp_matches(date_text, '^[0-9]{4}(-|$)')
        AND left(date_text, 4) < '1950'
        AND domain NOT IN ('pr', 'cm')
    GROUP BY study_id, patient_id
),

old_calendar AS (
    SELECT
        'time.2e' AS defect_id,
        study_id,
        patient_id,
        NULL AS reader,
        first_date.file AS source_file,
        first_date.row AS source_row,
        first_date.domain,
        first_date.column_name,
        first_date.date_text AS value,
        printf('%d dates of the subject are before 1950.', n_dates) AS message
    FROM before_1950
),

found AS (
    SELECT * FROM sdtm_day_zero
    UNION ALL
    SELECT * FROM partial_date
    UNION ALL
    SELECT * FROM old_calendar
    UNION ALL
    SELECT * FROM no_date
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, domain, source_file, source_row, column_name, patient_id
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    CAST(NULL AS VARCHAR) AS lesion_id, -- always NULL: it is no single lesion's
    reader, -- who read the scan, '' where the source names no reader; NULL where it is no reader's
    CAST(NULL AS INTEGER) AS day, -- always NULL: the day is what is in doubt
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found
    message -- what is odd about it
FROM found
