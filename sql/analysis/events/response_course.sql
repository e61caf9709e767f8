/* One overall response of a patient on one day: worked out from the lesions, or as the source states it.
   Why: best responses and endpoints follow from a course of overall responses by the same rules, wherever the course
   comes from; both kinds stand here in one shape.
   How: derived ones are those of analysis.visit_response after baseline, stated ones those of core.response after the
   day of the first dose, by the one criterion of the study that counts (staging.study_criterion). One reader of each
   kind counts: the analysis reader; where that one stated nothing, the one who stated most.
   Caveats: the source row is the first of the day's rows, for a response rests on all of them.
   Grain: one row per patient_id, basis, reader and day
   Key: patient_id, basis, reader, day
*/
WITH scan_row AS (
    SELECT
        lesion.patient_id,
        coalesce(lesion.reader, '') AS reader,
        measurement.day,
        measurement.source_file,
        measurement.source_row
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    UNION ALL
    SELECT
        lesion.patient_id,
        coalesce(lesion.reader, '') AS reader,
        assessment.day,
        assessment.source_file,
        assessment.source_row
    FROM core.lesion_assessment AS assessment
    INNER JOIN core.lesion AS lesion ON assessment.lesion_id = lesion.lesion_id
    UNION ALL
    SELECT
        patient_id,
        coalesce(reader, '') AS reader,
        first_day AS day,
        source_file,
        source_row
    FROM core.lesion
    WHERE lesion_type = 'new'
),

first_scan_row AS (
    SELECT
        patient_id,
        reader,
        day,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM scan_row
    GROUP BY patient_id, reader, day
),

stated_row AS (
    SELECT
        patient_id,
        coalesce(reader, '') AS reader,
        day,
        coalesce(
            min(struct_pack(file := source_file, row := source_row)) FILTER (WHERE test_code = 'OVRLRESP'),
            min(struct_pack(file := source_file, row := source_row))
        ) AS source
    FROM staging.disease_response
    WHERE
        is_analysis_response
        AND (
            (test_code IN ('OVRLRESP', 'TRGRESP', 'NTRGRESP') AND response IS NOT NULL)
            OR test_code IN ('NEWLIND', 'NEWLPROG')
        )
    GROUP BY patient_id, coalesce(reader, ''), day
),

stated AS (
    SELECT
        response.patient_id,
        coalesce(response.reader, '') AS reader,
        response.day,
        response.time_point_id,
        response.overall_response,
        stated_row.source,
        reader.patient_id IS NOT NULL AS is_analysis_reader,
        count(*) OVER (PARTITION BY response.patient_id, coalesce(response.reader, '')) AS n_days
    FROM core.response AS response
    LEFT JOIN staging.analysis_reader AS reader
        ON response.patient_id = reader.patient_id AND coalesce(response.reader, '') = coalesce(reader.reader, '')
    LEFT JOIN stated_row
        ON
            response.patient_id = stated_row.patient_id
            AND coalesce(response.reader, '') = stated_row.reader
            AND response.day = stated_row.day
    WHERE
        response.patient_id IS NOT NULL
        AND response.overall_response IS NOT NULL
        AND response.day > 0
        AND response.is_analysis_criterion
),

combined AS (
    SELECT
        visit.patient_id,
        'derived' AS basis,
        visit.reader,
        visit.day,
        visit.time_point_id,
        visit.overall_response,
        visit.is_analysis_reader AS is_counted_reader,
        first_scan_row.source
    FROM analysis.visit_response AS visit
    LEFT JOIN first_scan_row
        ON
            visit.patient_id = first_scan_row.patient_id
            AND visit.reader = first_scan_row.reader
            AND visit.day = first_scan_row.day
    WHERE NOT visit.is_baseline AND visit.overall_response IS NOT NULL
    UNION ALL
    SELECT
        patient_id,
        'stated' AS basis,
        reader,
        day,
        time_point_id,
        overall_response,
        reader = first_value(reader) OVER (
            PARTITION BY patient_id ORDER BY is_analysis_reader DESC, n_days DESC, reader ASC
        ) AS is_counted_reader,
        source
    FROM stated
)

SELECT
    patient_id, -- text id of the patient
    basis, -- derived from the lesions, or stated by the source (RS)
    reader, -- who read the scans; empty text where the source names none
    day, -- day from first dose
    time_point_id, -- text id of the assessment (core.time_point)
    overall_response, -- CR, PR, SD, NON-CR/NON-PD, PD or NE
    is_counted_reader, -- the one reader of the patient whose responses make endpoints
    source.file AS source_file, -- source file of the day's first row
    source.row AS source_row -- that row
FROM combined
