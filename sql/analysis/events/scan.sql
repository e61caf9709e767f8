/* One time point at which a reader saw anything of a patient: a size, a status or a new lesion.
   Why: assessments are the only times at which an event can be seen; the one before bounds it from below.
   Caveats: the days are those of scans that count. Lesions without a known patient have no scans.
   Grain: one row per patient_id, reader and time_point_id
   Key: patient_id, reader, time_point_id
*/
WITH lesion AS (
    SELECT
        lesion_id,
        patient_id,
        coalesce(reader, '') AS reader,
        lesion_type,
        first_day
    FROM core.lesion
    WHERE patient_id IS NOT NULL
),

any_day AS (
    SELECT
        lesion.patient_id,
        lesion.reader,
        measurement.time_point_id,
        measurement.day
    FROM core.measurement AS measurement
    INNER JOIN lesion ON measurement.lesion_id = lesion.lesion_id
    UNION ALL
    SELECT
        lesion.patient_id,
        lesion.reader,
        assessment.time_point_id,
        assessment.day
    FROM core.lesion_assessment AS assessment
    INNER JOIN lesion ON assessment.lesion_id = lesion.lesion_id
    UNION ALL
    SELECT
        lesion.patient_id,
        lesion.reader,
        time_point_day.time_point_id,
        lesion.first_day AS day
    FROM lesion
    INNER JOIN staging.time_point_day AS time_point_day
        ON
            lesion.patient_id = time_point_day.subject
            AND lesion.reader = time_point_day.reader
            AND lesion.first_day = time_point_day.day
    WHERE lesion.lesion_type = 'new'
),

scan AS (
    SELECT
        patient_id,
        reader,
        time_point_id,
        min(day) AS first_day,
        max(day) AS last_day
    FROM any_day
    GROUP BY patient_id, reader, time_point_id
),

ended_before AS (
    SELECT
        scan.patient_id,
        scan.reader,
        scan.time_point_id,
        max(earlier.last_day) AS last_day
    FROM scan
    INNER JOIN scan AS earlier
        ON
            scan.patient_id = earlier.patient_id
            AND scan.reader = earlier.reader
            AND scan.first_day > earlier.last_day
    GROUP BY scan.patient_id, scan.reader, scan.time_point_id
)

SELECT
    scan.patient_id, -- text id of the patient
    scan.reader, -- who read the scan; empty text where the source names none
    scan.time_point_id, -- text id of the time point
    scan.first_day, -- first day of its scans, from first dose
    scan.last_day, -- last day of its scans, from first dose
    time_point.visit, -- the source's label of the visit; NULL where it gives none
    ended_before.last_day AS previous_day -- last day of the time point before it, which ended before this one began
FROM scan
LEFT JOIN core.time_point AS time_point ON scan.time_point_id = time_point.time_point_id
LEFT JOIN ended_before
    ON
        scan.patient_id = ended_before.patient_id
        AND scan.reader = ended_before.reader
        AND scan.time_point_id = ended_before.time_point_id
