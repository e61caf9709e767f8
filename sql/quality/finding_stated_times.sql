/* How the times that ADTTE states were read, where that is an assumption or a correction: time.5 of quality.defect.
   Why: a day more or less, or another start, moves every median: whoever compares with the trial's own tables must see
   what was done.
   Caveats: all but time.5b are one finding per study and parameter, with counts; time.5b is one per row.
   Grain: one row per defect found
   Key: finding_id
*/
WITH stated AS (
    SELECT
        stated.*,
        coalesce(endpoint.starts_at, 'first_dose') = 'first_dose' AS is_from_first_dose
    FROM staging.time_to_event AS stated
    LEFT JOIN staging.endpoint AS endpoint ON stated.endpoint = endpoint.endpoint
),

other_start AS (
    SELECT
        'time.5a' AS defect_id,
        study_id,
        CAST(NULL AS VARCHAR) AS patient_id,
        source_file,
        min(source_row) AS source_row,
        'startdt' AS column_name,
        parameter AS value,
        printf(
            '%s of %d subjects counts from a day other than the first dose (days %d to %d); here it counts from the '
            || 'first dose.', parameter, count(DISTINCT patient_id), min(start_day), max(start_day)
        ) AS message
    FROM stated
    WHERE is_from_first_dose AND start_day <> 0
    GROUP BY study_id, parameter, source_file
),

contradiction AS (
    SELECT
        'time.5b' AS defect_id,
        study_id,
        patient_id,
        source_file,
        source_row,
        'aval' AS column_name,
        CAST(stated_days AS VARCHAR) AS value,
        printf('%s is stated as %g days, and its dates make it %d.', parameter, stated_days, elapsed_days) AS message
    FROM stated
    WHERE NOT is_consistent
),

no_date AS (
    SELECT
        'time.5c' AS defect_id,
        study_id,
        CAST(NULL AS VARCHAR) AS patient_id,
        source_file,
        min(source_row) AS source_row,
        'adt' AS column_name,
        parameter AS value,
        printf(
            '%d rows of %s have no date of their end: their first day was taken for day %d, by %s.',
            count(*), parameter, first_day_number, first_day_from
        ) AS message
    FROM stated
    WHERE dated_by <> 'adt' AND time_days IS NOT NULL
    GROUP BY study_id, parameter, source_file, first_day_number, first_day_from
),

-- Several times of one endpoint: which counts, and why; the others by name.
several AS (
    SELECT
        counted.study_id,
        counted.patient_id,
        counted.endpoint,
        counted.parameter,
        counted.counted_by,
        counted.source_file,
        counted.source_row,
        string_agg(DISTINCT other.parameter, ', ' ORDER BY other.parameter) AS others,
        bool_or(other.parameter = counted.parameter) AS is_same_parameter
    FROM stated AS counted
    INNER JOIN stated AS other
        ON
            counted.patient_id = other.patient_id
            AND counted.endpoint = other.endpoint
            AND NOT other.is_counted
    INNER JOIN staging.endpoint AS endpoint ON counted.endpoint = endpoint.endpoint
    WHERE counted.is_counted
    GROUP BY ALL
),

not_counted AS (
    SELECT
        CASE WHEN counted_by = 'first name' THEN 'time.5e' ELSE 'time.5d' END AS defect_id,
        study_id,
        CAST(NULL AS VARCHAR) AS patient_id,
        source_file,
        min(source_row) AS source_row,
        'paramcd' AS column_name,
        parameter AS value,
        printf(
            '%s of %d subjects is stated several times: %s counts, %s; %s does not.', endpoint,
            count(DISTINCT patient_id), parameter,
            CASE counted_by
                WHEN 'setting' THEN 'by endpoints.stated_parameters'
                WHEN 'readers' THEN 'by the order of readers'
                WHEN 'own name' THEN 'by its name'
                ELSE 'as the first of their names'
            END,
            CASE WHEN is_same_parameter THEN 'another time of ' ELSE '' END || others
        ) AS message
    FROM several
    GROUP BY study_id, source_file, endpoint, parameter, counted_by, others, is_same_parameter
),

found AS (
    SELECT * FROM other_start
    UNION ALL
    SELECT * FROM contradiction
    UNION ALL
    SELECT * FROM no_date
    UNION ALL
    SELECT * FROM not_counted
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, source_file, source_row, patient_id, value, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL where it concerns several
    CAST(NULL AS VARCHAR) AS lesion_id, -- always NULL: it is no lesion's
    CAST(NULL AS VARCHAR) AS reader, -- always NULL: it is no reader's
    CAST(NULL AS INTEGER) AS day, -- always NULL
    source_file, -- file of the row
    source_row, -- row in the file; where several rows are meant, the first
    'adtte' AS domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found: PARAMCD, or the time in days
    message -- what is odd about it
FROM found
