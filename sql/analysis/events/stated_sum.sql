/* The sum of diameters that a source states for a patient at one time point.
   Why: some sources give no lesions, only their sum; such patients still have a course.
   How: sums of the patient's analysis reader where the patient has one, else of the reader who gave most, the first by
   name among equals. Of two sums at one time point the larger counts, as in core.response. A sum without a day of its
   own has the last scan's of its time point.
   Caveats: the source's own sums, not compared with the lesions here; analysis.sum_of_diameters adds lesions up.
   Grain: one row per patient_id and time_point_id
   Key: patient_id, time_point_id
   Tags: public
*/
WITH stated AS (
    SELECT
        patient_id,
        coalesce(reader, '') AS reader,
        time_point_id,
        max(day) AS day,
        max(sum_mm) AS sum_mm
    FROM staging.tumor_result
    WHERE
        result_kind = 'sum'
        AND test_code = 'SUMDIAM'
        AND patient_id IS NOT NULL
        AND time_point_id IS NOT NULL
        AND sum_mm IS NOT NULL
    GROUP BY patient_id, coalesce(reader, ''), time_point_id
),

tally AS (
    SELECT
        patient_id,
        reader,
        count(*) AS n_days
    FROM stated
    GROUP BY patient_id, reader
),

chosen AS (
    SELECT
        tally.patient_id,
        tally.reader,
        row_number() OVER (
            PARTITION BY tally.patient_id
            ORDER BY analysis_reader.reader IS NULL, tally.n_days DESC, tally.reader ASC
        ) AS place
    FROM tally
    LEFT JOIN staging.analysis_reader AS analysis_reader
        ON tally.patient_id = analysis_reader.patient_id AND tally.reader = analysis_reader.reader
)

SELECT
    stated.patient_id, -- text id of the patient
    stated.time_point_id, -- text id of the time point
    coalesce(stated.day, time_point.last_day) AS day, -- day of the sum, from first dose
    stated.reader, -- whose sum; empty text where the source names none
    CAST(stated.sum_mm AS DOUBLE) AS sum_of_diameters_mm -- sum of diameters as stated, mm
FROM stated
INNER JOIN chosen
    ON
        stated.patient_id = chosen.patient_id
        AND stated.reader = chosen.reader
        AND chosen.place = 1
INNER JOIN core.time_point AS time_point ON stated.time_point_id = time_point.time_point_id
