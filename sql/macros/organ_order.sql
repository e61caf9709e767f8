/* The key by which the organs of a patient are put in order, smallest first: the day of the organ's first event; of
   organs with events on one scan, the earlier last scan without it; of those alike in this too, by the setting
   progression.ties: core.organ's order, or a hash of patient and organ, which favours no organ and is the same in every
   run. Every table that names a patient's first organ goes by this key.
*/
CREATE OR REPLACE MACRO organ_order(time_days, time_lower, sort_order, ties, patient_id, organ) AS
struct_pack(
    day := CAST(time_days AS DOUBLE),
    day_before := coalesce(CAST(time_lower AS DOUBLE), CAST('-infinity' AS DOUBLE)),
    tie := CASE WHEN ties = 'organ_order' THEN coalesce(sort_order, 2147483647) ELSE 0 END,
    hash := md5(patient_id || '/' || organ),
    name := organ
);
