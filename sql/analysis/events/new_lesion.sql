/* When a new lesion counts as detected, and why not where it never does.
   Why: a new lesion is progression of itself and of its patient; both read the day from here.
   How: the first day on which it was found (staging.lesion_detection). A lesion that was equivocal first and certain
   later counts from the day of the first finding, as RECIST asks; one that stayed equivocal never does, nor does one
   that no scan found, or that TU also calls benign. A lesion found on day 0 or before was there before treatment and
   is not new.
   Caveats: a new lesion that TU identifies and TR never speaks of is taken as certain.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.3.5.
   Grain: one row per lesion_id
   Key: lesion_id
*/
WITH lesion AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        coalesce(lesion.reader, '') AS reader,
        lesion.first_day,
        time_point_day.time_point_id,
        CASE
            WHEN lesion.first_day <= 0 THEN 'detected_before_treatment'
            WHEN lesion.detection = 'undated' THEN 'detection_day_unknown'
            WHEN lesion.detection <> 'certain' THEN lesion.detection
        END AS not_counted_because
    FROM core.lesion AS lesion
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
    CASE WHEN not_counted_because IS NULL THEN first_day END AS detected_day, -- day it counts from
    CASE WHEN not_counted_because IS NULL THEN time_point_id END AS time_point_id, -- its assessment
    not_counted_because -- why it does not count, as a word of core.lesion.detection; NULL where it does
FROM lesion
