/* Visits and responses that contradict each other or have no date: rows.5f and 5j to 5m of quality.defect.
   Why: what happened between two visits is dated by them.
   Caveats: a missing date is held against a row only where the source dates others of that table. Visits are compared
   by their numbers, with the one before.
   Reference: pharmaverse/sdtmchecks, checks of RS, TR and TU.
   Grain: one row per defect found
   Key: finding_id
*/
WITH new_lesion AS (
    SELECT
        study_id,
        patient_id,
        reader,
        criterion,
        time_point_id,
        day,
        value_raw,
        source_file,
        source_row
    FROM staging.disease_response
    WHERE
        result_kind = 'new_lesion' AND has_new_lesion AND time_point_id IS NOT NULL
        AND response_period = 'on study'
),

overall AS (
    SELECT
        patient_id,
        reader,
        criterion,
        time_point_id,
        min(response) AS response
    FROM staging.disease_response
    WHERE
        test_code = 'OVRLRESP' AND result_kind = 'response' AND response <> 'PD'
        AND response_period = 'on study'
    GROUP BY patient_id, reader, criterion, time_point_id
),

no_progression AS (
    SELECT
        'rows.5f' AS defect_id,
        new_lesion.study_id,
        new_lesion.patient_id,
        new_lesion.reader,
        new_lesion.day,
        new_lesion.source_file,
        new_lesion.source_row,
        'rs' AS domain,
        'rsstresc' AS column_name,
        new_lesion.value_raw AS value,
        'A new lesion, and the overall response is ' || overall.response || '.' AS message
    FROM new_lesion
    INNER JOIN overall
        ON
            new_lesion.patient_id = overall.patient_id
            AND new_lesion.reader = overall.reader
            AND new_lesion.time_point_id = overall.time_point_id
            AND new_lesion.criterion = overall.criterion
),

datable AS (
    SELECT
        'rows.5j' AS defect_id,
        'tu' AS domain,
        study_id,
        patient_id,
        coalesce(reader, '') AS reader,
        day,
        date_text,
        stated_day,
        lesion_label || ' ' || coalesce(result, test_code) AS name,
        source_file,
        source_row
    FROM staging.tumor_identification_screen
    WHERE disposition <> 'collapsed'
    UNION ALL
    SELECT
        'rows.5k' AS defect_id,
        'rs' AS domain,
        study_id,
        patient_id,
        reader,
        day,
        date_text,
        stated_day,
        test_code || ' ' || result_word AS name,
        source_file,
        source_row
    FROM staging.disease_response_screen
    WHERE
        disposition <> 'collapsed'
        AND test_code <> 'BESTRESP'
        AND result_kind NOT IN ('not_done', 'blank')
        AND response_period = 'on study'
),

dating AS (
    SELECT
        study_id,
        domain,
        count(date_text) > 0 AS has_dates,
        count(stated_day) > 0 AS has_days
    FROM datable
    GROUP BY study_id, domain
),

undated AS (
    SELECT
        datable.defect_id,
        datable.study_id,
        datable.patient_id,
        datable.reader,
        datable.day,
        datable.source_file,
        datable.source_row,
        datable.domain,
        datable.domain || CASE WHEN dating.has_dates THEN 'dtc' ELSE 'dy' END AS column_name,
        CAST(NULL AS VARCHAR) AS value,
        coalesce(datable.name, 'The row') || ' has no date'
        || CASE
            WHEN datable.day IS NULL THEN '.'
            WHEN datable.stated_day IS NOT NULL THEN printf(': day %d, by its study day, was taken.', datable.day)
            ELSE printf(': day %d of its visit was taken.', datable.day)
        END AS message
    FROM datable
    INNER JOIN dating ON datable.study_id = dating.study_id AND datable.domain = dating.domain
    WHERE
        datable.date_text IS NULL
        AND (dating.has_dates OR (dating.has_days AND datable.stated_day IS NULL))
),

visit_row AS (
    SELECT
        study_id,
        patient_id,
        coalesce(reader, '') AS reader,
        try_cast(visit_number AS DOUBLE) AS visit_number,
        visit,
        left(date_text, 10) AS visit_date,
        day,
        source_file,
        source_row
    FROM staging.tumor_result_screen
    WHERE
        result_kind <> 'not_done'
        AND patient_id IS NOT NULL
        AND length(date_text) >= 10
        AND try_cast(visit_number AS DOUBLE) IS NOT NULL
),

one_date AS (
    SELECT
        'rows.5l' AS defect_id,
        study_id,
        patient_id,
        reader,
        min(day) AS day,
        max_by(source_file, struct_pack(number := visit_number, file := source_file, row := -source_row))
            AS source_file,
        -max(struct_pack(number := visit_number, file := source_file, row := -source_row)).row AS source_row,
        'tr' AS domain,
        'visitnum' AS column_name,
        printf('%g', max(visit_number)) AS value,
        printf('Visits %g and %g are both of %s.', min(visit_number), max(visit_number), visit_date) AS message
    FROM visit_row
    GROUP BY study_id, patient_id, reader, visit_date
    HAVING min(visit_number) < max(visit_number)
),

visit AS (
    SELECT
        study_id,
        patient_id,
        reader,
        visit_number,
        min(visit_date) AS first_date,
        max(visit_date) AS last_date,
        min(struct_pack(date := visit_date, file := source_file, row := source_row, day := day)) AS first_row
    FROM visit_row
    -- An unscheduled visit stands between its neighbours only where its number does (9.2).
    WHERE NOT is_unscheduled_visit(visit) OR visit_number <> floor(visit_number)
    GROUP BY study_id, patient_id, reader, visit_number
),

ordered_visit AS (
    SELECT
        visit.*,
        lag(visit_number) OVER visits AS number_before,
        lag(last_date) OVER visits AS date_before
    FROM visit
    WINDOW visits AS (PARTITION BY study_id, patient_id, reader ORDER BY visit_number)
),

out_of_order AS (
    SELECT
        'rows.5m' AS defect_id,
        study_id,
        patient_id,
        reader,
        first_row.day,
        first_row.file AS source_file,
        first_row.row AS source_row,
        'tr' AS domain,
        'trdtc' AS column_name,
        first_date AS value,
        printf(
            'Visit %g is of %s, before visit %g of %s.', visit_number, first_date, number_before, date_before
        ) AS message
    FROM ordered_visit
    WHERE first_date < date_before
),

found AS (
    SELECT * FROM no_progression
    UNION ALL
    SELECT * FROM undated
    UNION ALL
    SELECT * FROM one_date
    UNION ALL
    SELECT * FROM out_of_order
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, source_file, source_row, patient_id, reader, day, value, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    CAST(NULL AS VARCHAR) AS lesion_id, -- always NULL: it is no single lesion's
    reader, -- who read the scan; '' where the source names no reader
    day, -- day from first dose; NULL when not known
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found; NULL when blank
    message -- what is odd about it
FROM found
