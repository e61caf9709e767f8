/* The day of a row of TU, TR or RS that bears neither a full date nor a study day, as far as others tell it.
   Why: a response without a date is one of its visit, and a scan of 'June 2014' is that of the visit of June 2014.
   How: the days of the patient's dated rows of the same link group, else of the same visit number, else of the same
   label; of the same reader where they have any, else of the others. A size or a lesion with a partial date takes
   the day of its period that most of those rows bear (the first of several); a response the last day of the scans,
   else of the responses. Where no visit tells, a partial date is imputed by the setting dates.partial (first of the
   month or year, or its middle), after the visits with a lower number and before those with a higher one.
   Caveats: sizes without any date, best overall responses and tests not done get no day here. A response whose visit
   has days more than time_point.visit_days apart gets none either: the label stands for two assessments. Nor is a date
   imputed that the visits around it contradict.
   Reference: CDISC SDTMIG 3.4, TR and RS; ADaMIG 1.3, section 3.1.3, date imputation flags.
   Grain: one row per domain and domain_row whose day was found
   Key: domain, domain_row
*/
WITH setting AS (
    SELECT
        max(value) FILTER (WHERE name = 'dates.partial') AS rule,
        CAST(max(value) FILTER (WHERE name = 'time_point.visit_days') AS INTEGER) AS visit_days
    FROM meta.setting
    WHERE name = 'dates.partial' OR name = 'time_point.visit_days'
),

any_row AS (
    SELECT
        'tr' AS domain,
        row_number() OVER () AS domain_row,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        usubjid,
        coalesce(reader_name(treval, trevalid), '') AS reader,
        trlnkgrp AS link_group,
        visit,
        visitnum AS visit_number,
        clean_text(trdtc) AS date_text,
        clean_text(trdy) AS stated_day,
        FALSE AS is_response
    FROM raw.tr
    UNION ALL
    SELECT
        'tu' AS domain,
        row_number() OVER () AS domain_row,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        usubjid,
        coalesce(reader_name(tueval, tuevalid), '') AS reader,
        tulnkgrp AS link_group,
        visit,
        visitnum AS visit_number,
        clean_text(tudtc) AS date_text,
        clean_text(tudy) AS stated_day,
        FALSE AS is_response
    FROM raw.tu
    UNION ALL
    SELECT
        'rs' AS domain,
        row_number() OVER () AS domain_row,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        usubjid,
        coalesce(reader_name(rseval, rsevalid), '') AS reader,
        rslnkgrp AS link_group,
        visit,
        visitnum AS visit_number,
        clean_text(rsdtc) AS date_text,
        clean_text(rsdy) AS stated_day,
        coalesce(upper(clean_text(rstestcd)) <> 'BESTRESP', TRUE) AS is_response
    FROM raw.rs
),

placed AS (
    SELECT
        any_row.domain,
        any_row.domain_row,
        any_row.study_id,
        any_row.source_file,
        any_row.source_row,
        subject.patient_id,
        subject.first_dose_date,
        any_row.reader,
        partial_period(any_row.date_text) AS period,
        day_from_first_dose(
            any_row.stated_day, any_row.date_text, subject.first_dose_date, study.day_convention,
            subject.reference_shift_days
        ) AS day,
        CASE WHEN NOT is_unscheduled_visit(any_row.visit) THEN try_cast(any_row.visit_number AS DOUBLE) END
            AS visit_order,
        [
            struct_pack(place := 1, name := clean_text(any_row.link_group)),
            struct_pack(
                place := 2,
                name := CASE
                    WHEN NOT is_unscheduled_visit(any_row.visit) THEN visit_number_key(any_row.visit_number)
                END
            ),
            struct_pack(
                place := 3,
                name := CASE WHEN NOT is_unscheduled_visit(any_row.visit) THEN upper(clean_text(any_row.visit)) END
            )
        ] AS visit_names,
        coalesce(any_row.date_text, any_row.stated_day) IS NULL AND any_row.is_response AS is_undated_response
    FROM any_row
    INNER JOIN staging.subject_key AS subject_key
        ON any_row.study_id = subject_key.study_id AND clean_text(any_row.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    LEFT JOIN raw.study AS study ON any_row.study_id = study.study_id
),

undated AS (
    SELECT * FROM placed
    WHERE
        day IS NULL
        AND (is_undated_response OR (period IS NOT NULL AND first_dose_date IS NOT NULL))
),

dated AS (
    SELECT placed.*
    FROM placed
    SEMI JOIN undated ON placed.patient_id = undated.patient_id
    WHERE placed.day IS NOT NULL
),

undated_name AS (
    SELECT
        domain,
        domain_row,
        patient_id,
        reader,
        date_diff('day', first_dose_date, period.first_date) AS first_possible_day,
        date_diff('day', first_dose_date, period.last_date) AS last_possible_day,
        unnest(visit_names) AS visit_name
    FROM undated
),

-- How many rows of the same visit bear each day.
dated_name AS (
    SELECT
        patient_id,
        reader,
        visit_name,
        day,
        count(*) AS n_rows,
        count(*) FILTER (WHERE domain <> 'rs') AS n_scan_rows
    FROM (
        SELECT
            patient_id,
            reader,
            day,
            domain,
            unnest(visit_names) AS visit_name
        FROM dated
    ) AS named
    WHERE visit_name.name IS NOT NULL
    GROUP BY patient_id, reader, visit_name, day
),

candidate AS (
    SELECT
        undated_name.domain,
        undated_name.domain_row,
        dated_name.day,
        dated_name.n_rows,
        dated_name.n_scan_rows > 0 AS has_scan,
        dense_rank() OVER (
            PARTITION BY undated_name.domain, undated_name.domain_row
            ORDER BY dated_name.reader <> undated_name.reader, undated_name.visit_name.place
        ) AS preference
    FROM undated_name
    INNER JOIN dated_name
        ON
            undated_name.patient_id = dated_name.patient_id
            AND undated_name.visit_name = dated_name.visit_name
            AND dated_name.day >= coalesce(undated_name.first_possible_day, dated_name.day)
            AND dated_name.day <= coalesce(undated_name.last_possible_day, dated_name.day)
),

of_visit AS (
    SELECT
        domain,
        domain_row,
        CASE
            WHEN domain = 'rs' THEN coalesce(max(day) FILTER (WHERE has_scan), max(day))
            ELSE min_by(day, struct_pack(few := -n_rows, day := day))
        END AS day,
        max(day) - min(day) AS days_apart
    FROM candidate
    WHERE preference = 1
    GROUP BY domain, domain_row
),

neighbour AS (
    SELECT
        undated.domain,
        undated.domain_row,
        max(dated.day) FILTER (WHERE dated.visit_order < undated.visit_order) AS day_before,
        min(dated.day) FILTER (WHERE dated.visit_order > undated.visit_order) AS day_after
    FROM undated
    INNER JOIN dated ON undated.patient_id = dated.patient_id AND undated.reader = dated.reader
    WHERE undated.period IS NOT NULL
    GROUP BY undated.domain, undated.domain_row
),

bounded AS (
    SELECT
        undated.domain,
        undated.domain_row,
        date_diff(
            'day', undated.first_dose_date,
            CASE setting.rule
                WHEN 'first' THEN undated.period.first_date
                WHEN 'middle' THEN undated.period.middle_date
            END
        ) AS rule_day,
        greatest(
            date_diff('day', undated.first_dose_date, undated.period.first_date), neighbour.day_before + 1
        ) AS earliest_day,
        least(date_diff('day', undated.first_dose_date, undated.period.last_date), neighbour.day_after - 1)
            AS latest_day
    FROM undated
    CROSS JOIN setting
    LEFT JOIN neighbour
        ON
            undated.domain = neighbour.domain
            AND undated.domain_row = neighbour.domain_row
    WHERE undated.period IS NOT NULL
),

found AS (
    SELECT
        undated.domain,
        undated.domain_row,
        CASE WHEN of_visit.days_apart <= setting.visit_days THEN of_visit.day END AS visit_day,
        CASE
            WHEN bounded.earliest_day <= bounded.latest_day
                THEN least(greatest(bounded.rule_day, bounded.earliest_day), bounded.latest_day)
        END AS imputed_day,
        coalesce(undated.period.flag, 'Y') AS date_flag,
        undated.study_id,
        undated.source_file,
        undated.source_row
    FROM undated
    CROSS JOIN setting
    LEFT JOIN of_visit
        ON
            undated.domain = of_visit.domain
            AND undated.domain_row = of_visit.domain_row
    LEFT JOIN bounded
        ON
            undated.domain = bounded.domain
            AND undated.domain_row = bounded.domain_row
            AND bounded.rule_day IS NOT NULL
)

SELECT
    domain, -- tu, tr or rs
    domain_row, -- position of the row in that raw table
    CAST(coalesce(visit_day, imputed_day) AS INTEGER) AS day, -- day from first dose
    CASE WHEN visit_day IS NOT NULL THEN 'visit' ELSE 'imputed' END AS dated_by, -- visit, or imputed by dates.partial
    date_flag, -- what of the date was imputed, as ADaM's DTF: D the day, M month and day, Y all of it
    study_id, -- text id of the study
    source_file, -- file of the row
    source_row -- row in the file
FROM found
WHERE coalesce(visit_day, imputed_day) IS NOT NULL
