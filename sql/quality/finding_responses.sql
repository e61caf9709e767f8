/* Responses whose word, criterion or time is not as it should be: rows.7 of quality.defect.
   Why: a response that reaches no endpoint, or is taken for another than the one written, is said to be so.
   Caveats: history and other criteria are right as they are: they are named with their counts, once per study. A
   progression among the trial's own scans is no history (plausibility.2c).
   Grain: one row per defect found
   Key: finding_id
*/
WITH response AS (
    SELECT *
    FROM staging.disease_response
    WHERE result_kind IN ('response', 'new_lesion')
),

word AS (
    SELECT
        CASE word_use WHEN 'unknown' THEN 'rows.7a' ELSE 'rows.7b' END AS defect_id,
        study_id,
        patient_id,
        reader,
        day,
        source_file,
        source_row,
        'rsstresc' AS column_name,
        value_raw AS value,
        CASE
            WHEN word_use = 'unknown'
                THEN value_raw || ' is no known word of ' || criterion || ' for ' || test_code || '.'
            WHEN response IS NULL
                THEN value_raw || ' is no ' || test_code || ' of ' || criterion || ': kept as written.'
            ELSE
                value_raw || ' is no ' || test_code || ' of ' || criterion || ': taken as ' || response_term || '.'
        END AS message
    FROM response
    WHERE word_use <> 'used'
),

history AS (
    SELECT
        'rows.7c' AS defect_id,
        study_id,
        source_file,
        min(source_row) AS source_row,
        'rscat' AS column_name,
        criterion AS value,
        printf(
            '%d rows of %d subjects by %s are of %s.',
            count(*), count(DISTINCT patient_id), criterion,
            CASE response_period WHEN 'before' THEN 'prior therapy' ELSE 'follow-up after the next therapy' END
        ) AS message
    FROM response
    WHERE
        response_period <> 'on study'
        AND NOT EXISTS (
            SELECT 1
            FROM quality.finding_plausible_courses AS named
            WHERE
                named.defect_id = 'plausibility.2c'
                AND named.study_id = response.study_id
                AND named.source_file = response.source_file
                AND named.source_row = response.source_row
        )
    GROUP BY study_id, source_file, criterion, response_period
),

contradiction AS (
    SELECT
        'rows.7g' AS defect_id,
        study_id,
        patient_id,
        reader,
        day,
        source_file,
        source_row,
        'rsdy' AS column_name,
        CAST(day AS VARCHAR) AS value,
        printf('By %s it lies %s the trial, and its day is %d.', period_rule_id, response_period, day) AS message
    FROM response
    WHERE (response_period = 'before' AND day >= 0) OR (response_period = 'after' AND day < 0)
),

on_study AS (
    SELECT
        response.study_id,
        response.criterion,
        response.criterion_family,
        response.source_file,
        min(response.source_row) AS source_row,
        count(*) AS n_rows,
        count(DISTINCT response.patient_id) AS n_patients,
        bool_or(response.is_analysis_response) AS is_analysis_criterion,
        bool_or(named.criterion IS NULL) AS is_unlisted
    FROM response
    LEFT JOIN staging.response_criterion AS named ON response.criterion = named.criterion
    WHERE response.response_period = 'on study'
    GROUP BY response.study_id, response.criterion, response.criterion_family, response.source_file
),

chosen AS (
    SELECT
        study_id,
        max(criterion) FILTER (WHERE is_analysis_criterion) AS criterion,
        string_agg(criterion, ', ' ORDER BY criterion) AS criteria,
        count(*) AS n_criteria
    FROM staging.study_criterion
    WHERE n_rows > n_rows_before + n_rows_after
    GROUP BY study_id
),

other_criterion AS (
    SELECT
        CASE WHEN chosen.criterion IS NULL THEN 'rows.7e' ELSE 'rows.7d' END AS defect_id,
        on_study.study_id,
        on_study.source_file,
        on_study.source_row,
        'rscat' AS column_name,
        on_study.criterion AS value,
        printf(
            '%d rows of %d subjects are by %s; %s.', on_study.n_rows, on_study.n_patients, on_study.criterion,
            coalesce('endpoints follow ' || chosen.criterion, 'of ' || chosen.criteria || ' none counts')
        ) AS message
    FROM on_study
    INNER JOIN chosen ON on_study.study_id = chosen.study_id
    WHERE NOT on_study.is_analysis_criterion
),

unlisted AS (
    SELECT
        'rows.7f' AS defect_id,
        on_study.study_id,
        on_study.source_file,
        on_study.source_row,
        'rscat' AS column_name,
        on_study.criterion AS value,
        printf('%d rows are by %s, which names no known criterion.', on_study.n_rows, on_study.criterion) AS message
    FROM on_study
    INNER JOIN chosen ON on_study.study_id = chosen.study_id
    WHERE on_study.is_unlisted OR (on_study.criterion_family = 'unspecified' AND chosen.n_criteria > 1)
),

-- RECIST without its edition, and no criterion: the study's, or one by itself.
without_edition AS (
    SELECT
        response.study_id,
        response.source_file,
        response.named_criterion,
        response.criterion,
        min(response.source_row) AS source_row,
        count(*) AS n_rows,
        count(DISTINCT response.patient_id) AS n_patients
    FROM response
    WHERE response.response_period = 'on study'
    GROUP BY response.study_id, response.source_file, response.named_criterion, response.criterion
),

edition AS (
    SELECT
        CASE WHEN without_edition.criterion = without_edition.named_criterion THEN 'rows.7i' ELSE 'rows.7h' END
            AS defect_id,
        without_edition.study_id,
        without_edition.source_file,
        without_edition.source_row,
        'rscat' AS column_name,
        without_edition.named_criterion AS value,
        printf(
            '%d rows of %d subjects name %s: ', without_edition.n_rows, without_edition.n_patients,
            CASE without_edition.named_criterion
                WHEN 'unspecified' THEN 'no criterion' ELSE without_edition.named_criterion || ' without its edition'
            END
        )
        || CASE
            WHEN without_edition.criterion <> without_edition.named_criterion
                THEN 'taken as ' || without_edition.criterion || ', the only one that the study names.'
            ELSE
                'a criterion by itself, for the study names others, or the same readers judge by ' || chosen.criterion
                || ' on the same day; endpoints follow ' || chosen.criterion || '.'
        END AS message
    FROM without_edition
    INNER JOIN chosen ON without_edition.study_id = chosen.study_id
    WHERE
        without_edition.criterion <> without_edition.named_criterion
        OR (
            without_edition.named_criterion IN (
                SELECT listed.edition_of
                FROM staging.response_criterion AS listed
                WHERE listed.edition_of IS NOT NULL
            )
            AND without_edition.criterion <> chosen.criterion
        )
),

-- Patients whose every response is by a criterion that does not count.
no_counted AS (
    SELECT
        'rows.7j' AS defect_id,
        told.study_id,
        told.source_file,
        min(told.source_row) AS source_row,
        'rscat' AS column_name,
        told.criterion AS value,
        printf(
            '%d subjects have responses by %s and none by %s, which endpoints follow: none of theirs counts.',
            count(DISTINCT told.patient_id), told.criterion, min(chosen.criterion)
        ) AS message
    FROM response AS told
    INNER JOIN chosen ON told.study_id = chosen.study_id AND told.criterion <> chosen.criterion
    WHERE
        told.response_period = 'on study'
        AND told.test_code IN ('OVRLRESP', 'BESTRESP')
        AND NOT EXISTS (
            SELECT 1
            FROM response AS counted
            WHERE counted.patient_id = told.patient_id AND counted.is_analysis_response
        )
    GROUP BY told.study_id, told.source_file, told.criterion
),

-- Progression that no day is known of: quarantined, and endpoints end before it, or with the death.
undated_progression AS (
    SELECT
        'rows.7m' AS defect_id,
        study_id,
        patient_id,
        reader,
        CAST(NULL AS INTEGER) AS day,
        source_file,
        source_row,
        'rsdtc' AS column_name,
        coalesce(date_text, stated_day) AS value,
        printf(
            'Progression by %s is stated on a day that is not known%s: endpoints end before it, or with the death.',
            criterion,
            coalesce(' (' || coalesce(date_text, stated_day) || ')', '')
        ) AS message
    FROM staging.undated_progression
),

-- Of a study, not of one patient.
of_study AS (
    SELECT * FROM history
    UNION ALL
    SELECT * FROM other_criterion
    UNION ALL
    SELECT * FROM unlisted
    UNION ALL
    SELECT * FROM edition
    UNION ALL
    SELECT * FROM no_counted
),

found AS (
    SELECT * FROM word
    UNION ALL
    SELECT * FROM undated_progression
    UNION ALL
    SELECT * FROM contradiction
    UNION ALL
    SELECT
        defect_id,
        study_id,
        NULL AS patient_id,
        NULL AS reader,
        NULL AS day,
        source_file,
        source_row,
        column_name,
        value,
        message
    FROM of_study
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, source_file, source_row, patient_id, reader, day, value, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL where several are meant
    CAST(NULL AS VARCHAR) AS lesion_id, -- always NULL: it is no single lesion's
    reader, -- who gave the response; NULL where several are meant
    day, -- day from first dose; NULL when not known, or where several rows are meant
    source_file, -- file of the (first) row
    source_row, -- row in the file
    'rs' AS domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found
    message -- what is odd about it
FROM found
