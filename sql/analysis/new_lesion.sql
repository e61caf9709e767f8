/* When a new lesion counts as detected, and why not where it never does.
   Why: a new lesion is progression of itself and of its patient; both read the day from here.
   How: the day on which it was first seen. A lesion that was never called anything but equivocal (or not evaluable) is
   not counted; one that was equivocal first and certain later counts from the day on which it was first seen, as RECIST
   asks. A lesion first seen on day 0 or before was there before treatment and is not new.
   Caveats: a new lesion without any word on it is taken as certain.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.3.5.
   Grain: one row per lesion_id
   Key: lesion_id
*/
WITH word AS (
    SELECT
        lesion_id,
        bool_and(status = 'NE') AS is_equivocal
    FROM core.lesion_assessment
    GROUP BY lesion_id
),

lesion AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        coalesce(lesion.reader, '') AS reader,
        lesion.first_day,
        time_point_day.time_point_id,
        coalesce(word.is_equivocal, FALSE) AS is_equivocal,
        lesion.first_day <= 0 AS is_before_treatment
    FROM core.lesion AS lesion
    LEFT JOIN word ON lesion.lesion_id = word.lesion_id
    LEFT JOIN staging.time_point_day AS time_point_day
        ON
            lesion.patient_id = time_point_day.subject
            AND lesion.reader = time_point_day.reader
            AND lesion.first_day = time_point_day.day
    WHERE lesion.lesion_type = 'new'
)

SELECT
    lesion_id, -- text id of the lesion
    patient_id, -- text id of the patient; NULL where the source does not say
    reader, -- who read the scans; empty text where the source names none
    CASE WHEN NOT is_equivocal AND NOT is_before_treatment THEN first_day END AS detected_day, -- day it counts from
    CASE WHEN NOT is_equivocal AND NOT is_before_treatment THEN time_point_id END AS time_point_id, -- its assessment
    CASE
        WHEN first_day IS NULL THEN 'detection_day_unknown'
        WHEN is_before_treatment THEN 'detected_before_treatment'
        WHEN is_equivocal THEN 'equivocal'
    END AS not_counted_because -- why it does not count; NULL where it does
FROM lesion
