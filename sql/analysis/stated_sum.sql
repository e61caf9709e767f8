/* The sum of diameters that a source states for a patient on one day.
   Why: some sources give no lesions, only their sum; such patients still have a course.
   How: sums of the patient's analysis reader where the patient has one, else of the reader who gave most, the first by
   name among equals. Of two sums on one day the larger counts, as in core.response.
   Caveats: the source's own sums, not compared with the lesions here; analysis.sum_of_diameters adds lesions up.
   Grain: one row per patient_id and day
   Key: patient_id, day
   Tags: public
*/
WITH stated AS (
    SELECT
        patient_id,
        coalesce(reader, '') AS reader,
        day,
        max(sum_mm) AS sum_mm
    FROM staging.tumor_result
    WHERE
        result_kind = 'sum'
        AND test_code = 'SUMDIAM'
        AND patient_id IS NOT NULL
        AND day IS NOT NULL
        AND sum_mm IS NOT NULL
    GROUP BY patient_id, coalesce(reader, ''), day
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
    stated.day, -- day from first dose
    stated.reader, -- whose sum; empty text where the source names none
    CAST(stated.sum_mm AS DOUBLE) AS sum_of_diameters_mm -- sum of diameters as stated, mm
FROM stated
INNER JOIN chosen
    ON
        stated.patient_id = chosen.patient_id
        AND stated.reader = chosen.reader
        AND chosen.place = 1
