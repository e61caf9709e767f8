/* One day on which a reader saw anything of a patient: a size, a status or a new lesion.
   Why: the days of assessment are the only days on which an event can be seen; the one before bounds it from
   below.
   Caveats: assessments of one visit on two days are two scans. Lesions without a known patient have no scans.
   Grain: one row per patient_id, reader and day
   Key: patient_id, reader, day
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

measured AS (
    SELECT
        lesion.patient_id,
        lesion.reader,
        measurement.day,
        min(measurement.visit) AS visit
    FROM core.measurement AS measurement
    INNER JOIN lesion ON measurement.lesion_id = lesion.lesion_id
    GROUP BY lesion.patient_id, lesion.reader, measurement.day
),

judged AS (
    SELECT DISTINCT
        lesion.patient_id,
        lesion.reader,
        assessment.day
    FROM core.lesion_assessment AS assessment
    INNER JOIN lesion ON assessment.lesion_id = lesion.lesion_id
),

detected AS (
    SELECT DISTINCT
        patient_id,
        reader,
        first_day AS day
    FROM lesion
    WHERE lesion_type = 'new' AND first_day IS NOT NULL
),

any_day AS (
    SELECT
        patient_id,
        reader,
        day,
        visit
    FROM measured
    UNION ALL
    SELECT
        patient_id,
        reader,
        day,
        NULL AS visit
    FROM judged
    UNION ALL
    SELECT
        patient_id,
        reader,
        day,
        NULL AS visit
    FROM detected
),

scan AS (
    SELECT
        patient_id,
        reader,
        day,
        min(visit) AS visit
    FROM any_day
    WHERE day IS NOT NULL
    GROUP BY patient_id, reader, day
)

SELECT
    patient_id, -- text id of the patient
    reader, -- who read the scan; empty text where the source names none
    day, -- day from first dose
    visit, -- the source's label of the visit; NULL where it gives none
    lag(day) OVER (PARTITION BY patient_id, reader ORDER BY day) AS previous_day -- the scan before it
FROM scan
