/* The time point that a reader's day belongs to.
   Why: what bears a day only, such as the day on which a new lesion was detected, finds its assessment here.
   Caveats: days with a scan; a day with other rows only belongs to the time point of the first of them by name.
   Grain: one row per subject, reader and day
   Key: subject, reader, day
*/
SELECT
    subject, -- text id of the patient, or of the lesion when the source names no patients
    reader, -- who read the scans; '' where the source names none
    day, -- day from first dose
    min(struct_pack(is_other := NOT is_scan, id := time_point_id)).id AS time_point_id -- text id of the time point
FROM staging.time_point_row
WHERE day IS NOT NULL
GROUP BY subject, reader, day
