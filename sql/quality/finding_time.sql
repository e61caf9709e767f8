/* Scans at a time that does not suit them: before treatment none, after death, after the next therapy: time.1d, 2i
   and 2j of quality.defect.
   Why: a baseline under treatment hides the response; a scan after death dates one of the two wrong.
   Caveats: the day of death is DM's, else DD's, else DS's. Dates that are wrong as such are in quality.finding_dates.
   Grain: one row per defect found
   Key: finding_id
*/
WITH setting AS (
    SELECT CAST(value AS DOUBLE) AS latest_baseline_day
    FROM meta.setting
    WHERE name = 'baseline.latest_day'
),

-- Where day 0 is something else than the start of treatment, a first scan after it means nothing.
study_from_first_dose AS (
    SELECT study_id
    FROM raw.study
    WHERE day_zero_rule IS NULL OR regexp_matches(upper(day_zero_rule), 'DOSE|TREATMENT|RANDOMI')
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
        printf('The first size of the target lesion is of day %d after the first dose.', measurement.day) AS message
    FROM core.lesion AS lesion
    INNER JOIN core.measurement AS measurement
        ON lesion.lesion_id = measurement.lesion_id AND lesion.first_measured_day = measurement.day
    INNER JOIN study_from_first_dose ON lesion.study_id = study_from_first_dose.study_id
    CROSS JOIN setting
    LEFT JOIN part_of_another ON lesion.lesion_id = part_of_another.lesion_id
    WHERE
        lesion.lesion_type = 'target'
        AND lesion.is_identified
        AND measurement.day > setting.latest_baseline_day
        AND part_of_another.lesion_id IS NULL
),

death_day AS (
    SELECT
        patient_id,
        min_by(day, precedence_here) AS day,
        min_by(source, precedence_here) AS source
    FROM (
        SELECT
            patient_id,
            day,
            source,
            CASE source WHEN 'dm' THEN 1 WHEN 'dd' THEN 2 ELSE 3 END AS precedence_here
        FROM staging.death
        WHERE source IN ('dm', 'dd', 'ds') AND day IS NOT NULL
    ) AS dated_death
    GROUP BY patient_id
),

assessment AS (
    SELECT
        'tr' AS domain,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row
    FROM staging.tumor_result
    WHERE result_kind NOT IN ('not_done', 'blank')
    UNION ALL
    SELECT
        'rs' AS domain,
        study_id,
        patient_id,
        NULL AS lesion_id,
        reader,
        day,
        source_file,
        source_row
    FROM staging.disease_response
    WHERE test_code <> 'BESTRESP' AND result_kind NOT IN ('not_done', 'blank')
),

after_death AS (
    SELECT
        'time.2i' AS defect_id,
        assessment.study_id,
        assessment.patient_id,
        assessment.lesion_id,
        assessment.reader,
        assessment.day,
        assessment.source_file,
        assessment.source_row,
        assessment.domain,
        assessment.domain || 'dtc' AS column_name,
        CAST(assessment.day AS VARCHAR) AS value,
        printf(
            'Assessed on day %d, %d days after the death in %s.',
            assessment.day, assessment.day - death_day.day, upper(death_day.source)
        ) AS message
    FROM assessment
    INNER JOIN death_day ON assessment.patient_id = death_day.patient_id
    WHERE assessment.day > death_day.day
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

after_next_therapy AS (
    SELECT
        'time.2j' AS defect_id,
        assessment.study_id,
        assessment.patient_id,
        assessment.lesion_id,
        assessment.reader,
        assessment.day,
        assessment.source_file,
        assessment.source_row,
        assessment.domain,
        'trdtc' AS column_name,
        CAST(assessment.day AS VARCHAR) AS value,
        printf(
            'Assessed on day %d; the next therapy began on day %d.', assessment.day, next_therapy.day
        ) AS message
    FROM assessment
    INNER JOIN next_therapy ON assessment.patient_id = next_therapy.patient_id
    WHERE assessment.domain = 'tr' AND assessment.day > next_therapy.day
),

found AS (
    SELECT * FROM late_baseline
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
