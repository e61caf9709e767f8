/* One row of TU that was kept: a lesion as one reader identified it.
   Why: TU says which lesions there are, where, and of which type.
   Caveats: the same lesion may be identified at several visits. Where a link id serves two types, the type is part of
   the lesion's id.
   Grain: one row per kept raw.tu row
   Key: tu_row
*/
WITH tu AS (
    SELECT
        tu_row,
        study_id,
        usubjid,
        patient_id,
        is_patient_unknown,
        reader,
        lesion_label,
        lesion_base_id,
        lesion_type,
        test_code,
        result,
        lesion_group,
        site_raw,
        laterality,
        method,
        is_accepted,
        visit,
        day,
        source_file,
        source_row
    FROM staging.tumor_identification_screen
    WHERE disposition = 'kept'
)

SELECT
    tu.tu_row, -- position of the row in raw.tu
    tu.study_id, -- text id of the study
    tu.usubjid, -- subject's id; NULL when the source names no patients
    tu.patient_id, -- text id of the patient; NULL when the source names no patients
    tu.is_patient_unknown, -- the source names no patients
    coalesce(tu.reader, '') AS reader, -- who identified the lesion; '' where the source names none
    tu.lesion_label, -- the source's link id of the lesion
    CASE
        WHEN NOT label.is_shared THEN tu.lesion_base_id
        ELSE tu.lesion_base_id || ':' || coalesce(tu.lesion_type, 'target')
    END AS lesion_id, -- text id of the lesion
    tu.lesion_type, -- target, non-target or new; NULL when the row does not say
    tu.test_code, -- TUMIDENT, TUSPLIT or TUMERGE
    tu.result, -- result as written
    tu.lesion_group, -- TUGRPID as written
    tu.site_raw, -- site as written
    tu.laterality, -- side as written
    tu.method, -- method of imaging
    tu.is_accepted, -- the accepted record of several readers
    tu.visit, -- the source's label of the visit
    time_point.time_point_id, -- assessment that the row belongs to; NULL where neither its day nor its visit tells
    tu.day, -- day from first dose; NULL when not known
    tu.source_file, -- file of the row
    tu.source_row -- row in the file
FROM tu
INNER JOIN staging.lesion_label_type AS label ON tu.lesion_base_id = label.lesion_base_id
LEFT JOIN staging.time_point_row AS time_point ON time_point.domain = 'tu' AND tu.tu_row = time_point.domain_row
