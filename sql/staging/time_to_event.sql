/* One time to an event that the source's own analysis data set states (ADaM ADTTE).
   Why: where the trial's statisticians already settled a date of death or progression, theirs is taken.
   How: one convention for all times: the first dose is day 0. ADaM mostly counts AVAL = ADT - STARTDT + 1, so that the
   first day is 1. Where the row has the date of the event or of censoring (ADT), that date is the day; else STARTDT and
   AVAL give it; else AVAL alone (dated_by). What AVAL calls its first day, 0 or 1, is taken from those rows of the
   study that have dates too; else 0 where one AVAL is 0 days; else as the study's day_convention says: sdtm 1,
   zero_based 0 (first_day_number, first_day_from).
   Overall and progression-free survival, times to progression, response and next treatment count from the first dose,
   whatever STARTDT is (randomization); a duration counts from its own STARTDT. start_day and stated_days keep what the
   source says; findings time.5a to time.5c name the differences.
   Caveats: a month is 30.4375 days. CNSR 0 is an event, anything greater is censored. Dates that are not written as
   dates (SAS numbers in a text file) are none. Rows that repeat are one row (n_source_rows).
   Of a patient's several times for one endpoint, as by investigator and by independent review, one counts
   (is_counted): the first of the setting endpoints.stated_parameters; that of the first reader in study.yml, by role
   (staging.reader_role_word); the one whose PARAMCD is the endpoint's own; else the first by PARAMCD, PARAM, day and
   kind. The order of rows plays no part; findings time.5d and time.5e name the others.
   Reference: CDISC, ADaM Basic Data Structure for Time-to-Event Analyses 1.0; pharmaverse/admiral,
   derive_vars_duration(add_one = TRUE).
   Grain: one row per subject and distinct ADTTE content
   Key: time_to_event_id
*/
WITH preferred_parameter AS (
    SELECT
        upper(trim(named.wanted)) AS parameter,
        min(named.place) AS place
    FROM (
        SELECT
            unnest(string_split(value, ',')) AS wanted,
            generate_subscripts(string_split(value, ','), 1) AS place
        FROM meta.setting
        WHERE name = 'endpoints.stated_parameters'
    ) AS named
    WHERE trim(named.wanted) <> ''
    GROUP BY ALL
),

-- The places that the study's order of readers gives to roles.
preferred_role AS (
    SELECT
        reader.study_id,
        word.role,
        min(reader.priority) AS place
    FROM raw.study_reader AS reader
    INNER JOIN staging.reader_role_word AS word
        ON regexp_matches(plain_words(reader.reader), word.text_pattern)
    GROUP BY ALL
),

adtte AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        subject.first_dose_date,
        coalesce(subject.day_convention, 'sdtm') AS day_convention,
        upper(clean_text(adtte.paramcd)) AS parameter,
        clean_text(adtte.param) AS parameter_text,
        clean_text(adtte.aval) AS time_text,
        clean_text(adtte.avalu) AS time_unit,
        clean_text(adtte.cnsr) AS censor_text,
        clean_text(adtte.adt) AS end_text,
        clean_text(adtte.startdt) AS start_text,
        adtte._source_file AS source_file,
        adtte._source_row AS source_row
    FROM raw.adtte AS adtte
    INNER JOIN staging.subject_key AS subject_key
        ON adtte._study_id = subject_key.study_id AND clean_text(adtte.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        first_dose_date,
        day_convention,
        parameter,
        parameter_text,
        time_text,
        time_unit,
        censor_text,
        end_text,
        start_text,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM adtte
    GROUP BY ALL
),

-- PFSINV and PFSIRC without the reader are PFS; PFS2 is the time to the progression after the next one.
assessor AS (
    SELECT
        stated.parameter,
        stated.parameter_text,
        coalesce(by_code.role, by_text.role) AS role,
        regexp_replace(stated.parameter, coalesce(by_code.code_pattern, '$'), '') AS plain_parameter
    FROM (
        SELECT DISTINCT
            distinct_row.parameter,
            distinct_row.parameter_text
        FROM distinct_row
    ) AS stated
    LEFT JOIN staging.reader_role_word AS by_code ON regexp_matches(stated.parameter, by_code.code_pattern)
    LEFT JOIN staging.reader_role_word AS by_text
        ON regexp_matches(plain_words(stated.parameter_text), by_text.text_pattern)
    QUALIFY row_number() OVER (
        PARTITION BY stated.parameter, stated.parameter_text
        ORDER BY by_code.priority NULLS LAST, by_text.priority NULLS LAST
    ) = 1
),

assessed AS (
    SELECT
        distinct_row.*,
        assessor.role,
        assessor.plain_parameter
    FROM distinct_row
    INNER JOIN assessor
        ON
            distinct_row.parameter IS NOT DISTINCT FROM assessor.parameter
            AND distinct_row.parameter_text IS NOT DISTINCT FROM assessor.parameter_text
),

named AS (
    SELECT
        *,
        CASE
            WHEN plain_parameter IN ('OS', 'OVRSURV', 'DEATH') THEN 'OS'
            WHEN plain_parameter LIKE 'PFS%' AND plain_parameter NOT LIKE 'PFS2%' THEN 'PFS'
            WHEN plain_parameter IN ('RSD', 'DURRSP', 'RSPDUR') THEN 'DOR'
            ELSE plain_parameter
        END AS endpoint,
        full_date(end_text) AS end_date,
        full_date(start_text) AS start_date,
        -- To the millionth of a day: 382 days that a source writes as months with nine digits are 382 days again.
        round(finite_number(time_text) * days_in_unit(time_unit), 6) AS stated_days,
        0.5 * days_in_unit(time_unit)
        * power(10, -length(coalesce(regexp_extract(time_text, '^[^.]*[.]([0-9]+)$', 1), ''))) AS rounding_days
    FROM assessed
),

started AS (
    SELECT
        named.*,
        coalesce(endpoint.starts_at, 'first_dose') AS starts_at,
        date_diff('day', named.first_dose_date, named.start_date) AS start_day,
        date_diff(
            'day',
            CASE
                WHEN coalesce(endpoint.starts_at, 'first_dose') = 'first_dose'
                    THEN coalesce(named.start_date, named.first_dose_date)
                ELSE named.start_date
            END,
            named.end_date
        ) AS elapsed_days
    FROM named
    LEFT JOIN staging.endpoint AS endpoint ON named.endpoint = endpoint.endpoint
),

-- 0 or 1 where the dates and AVAL of a row say which it is; rounding of months can leave it open.
counted AS (
    SELECT
        *,
        abs(stated_days - elapsed_days) <= rounding_days + 1e-5 AS is_from_0,
        abs(stated_days - elapsed_days - 1) <= rounding_days + 1e-5 AS is_from_1
    FROM started
),

study AS (
    SELECT
        study_id,
        CASE
            WHEN count(*) FILTER (WHERE is_from_0 <> is_from_1) > 0
                THEN
                    CASE
                        WHEN
                            count(*) FILTER (WHERE is_from_0 AND NOT is_from_1)
                            > count(*) FILTER (WHERE is_from_1 AND NOT is_from_0) THEN 0
                        ELSE 1
                    END
        END AS by_dates,
        coalesce(bool_or(stated_days >= 0 AND stated_days + rounding_days < 1 AND end_date IS NULL), FALSE)
            AS has_day_0,
        any_value(day_convention) AS day_convention
    FROM counted
    GROUP BY study_id
),

dated AS (
    SELECT
        counted.*,
        CASE
            WHEN study.by_dates IS NOT NULL THEN 'dates of the study'
            WHEN study.has_day_0 THEN 'a time of 0 days'
            ELSE 'day_convention'
        END AS first_day_from,
        coalesce(study.by_dates, CASE WHEN study.has_day_0 OR study.day_convention = 'zero_based' THEN 0 ELSE 1 END)
            AS first_day_number,
        CASE
            WHEN counted.elapsed_days IS NOT NULL THEN 'adt'
            WHEN counted.start_day IS NOT NULL THEN 'startdt and aval'
            ELSE 'aval'
        END AS dated_by
    FROM counted
    INNER JOIN study ON counted.study_id = study.study_id
),

-- Days between start and end; a time that is rounded to before its start lies on it.
lasted AS (
    SELECT
        *,
        coalesce(
            elapsed_days,
            CASE
                WHEN stated_days < first_day_number AND stated_days + rounding_days >= first_day_number THEN 0
                ELSE stated_days - first_day_number
            END
        ) AS length_days
    FROM dated
),

timed AS (
    SELECT
        *,
        CAST(
            CASE
                WHEN starts_at = 'first_dose' THEN length_days + coalesce(start_day, 0) ELSE length_days
            END AS DOUBLE
        ) AS time_days,
        CASE WHEN finite_number(censor_text) IS NOT NULL THEN finite_number(censor_text) = 0 END AS is_event
    FROM lasted
),

-- Times of one endpoint, the one that counts first; of those that say a time.
ranked AS (
    SELECT
        timed.*,
        preferred_parameter.place AS setting_place,
        preferred_role.place AS reader_place,
        timed.time_days IS NOT NULL AND timed.is_event IS NOT NULL AS is_usable,
        rank() OVER (
            PARTITION BY timed.patient_id, timed.endpoint
            ORDER BY
                timed.time_days IS NOT NULL AND timed.is_event IS NOT NULL DESC,
                preferred_parameter.place ASC NULLS LAST, preferred_role.place ASC NULLS LAST,
                timed.parameter = timed.endpoint DESC
        ) AS choice
    FROM timed
    LEFT JOIN preferred_parameter ON timed.parameter = preferred_parameter.parameter
    LEFT JOIN preferred_role ON timed.study_id = preferred_role.study_id AND timed.role = preferred_role.role
),

chosen AS (
    SELECT
        *,
        count(*) FILTER (WHERE choice = 1) OVER (PARTITION BY patient_id, endpoint) AS n_first,
        row_number() OVER (
            PARTITION BY patient_id, endpoint
            ORDER BY
                choice ASC, parameter ASC, parameter_text ASC NULLS FIRST, time_days ASC, is_event DESC, source ASC
        ) AS place
    FROM ranked
)

SELECT
    patient_id || '/TTE' || row_number() OVER (
        PARTITION BY patient_id ORDER BY source.file, source.row
    ) AS time_to_event_id, -- text id of the time
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    endpoint, -- OS, PFS or another
    parameter, -- PARAMCD as written, upper case
    parameter_text, -- PARAM as written
    role, -- who assessed, by PARAMCD or PARAM: independent or investigator; NULL where neither says
    place = 1 AND is_usable AS is_counted, -- the patient's one time of this endpoint that counts
    CASE
        WHEN place = 1 AND is_usable
            THEN
                CASE
                    WHEN n_first > 1 THEN 'first name'
                    WHEN setting_place IS NOT NULL THEN 'setting'
                    WHEN reader_place IS NOT NULL THEN 'readers'
                    WHEN parameter = endpoint THEN 'own name'
                    ELSE 'first name'
                END
    END AS counted_by, -- setting, readers, own name or (of equals) first name; NULL where it does not count
    time_days, -- days from the first dose to the end; of a duration, from its own start; NULL when unreadable
    is_event, -- the event happened; else censored
    CAST(start_day AS INTEGER) AS start_day, -- STARTDT, from first dose; NULL where either is not known
    stated_days, -- AVAL as stated, days; NULL when unreadable
    CAST(elapsed_days AS INTEGER) AS elapsed_days, -- ADT less STARTDT (else first dose), days; NULL without dates
    CASE WHEN dated_by <> 'adt' THEN rounding_days END
        AS rounding_days, -- half of the last digit that AVAL is written with, days; NULL where a date gives the day
    dated_by, -- adt, startdt and aval, or aval: what gives the day on which the time ends
    CASE WHEN dated_by <> 'adt' THEN first_day_number END
        AS first_day_number, -- 0 or 1: what AVAL calls its first day; NULL where a date gives the day
    CASE WHEN dated_by <> 'adt' THEN first_day_from END
        AS first_day_from, -- dates of the study, a time of 0 days, or day_convention: what says so
    elapsed_days IS NULL OR is_from_0 OR is_from_1
        AS is_consistent, -- AVAL is ADT less STARTDT, or one day more; NULL where AVAL is unreadable
    n_source_rows, -- rows of ADTTE behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM chosen
