/* One row of TR that was kept: one result of one lesion on one day by one reader, with its unit settled.
   Why: the one place that measurements, assessments and sums are taken from.
   Caveats: also holds what is no size of a lesion (not_done, sum, other), so that every row is accounted for.
   Grain: one row per kept raw.tr row
   Key: tr_row
*/
WITH tr AS (
    SELECT
        tr_row,
        study_id,
        usubjid,
        patient_id,
        is_patient_unknown,
        sequence_number,
        reader,
        lesion_label,
        lesion_base_id,
        test_code,
        test_kind,
        quantity,
        preference,
        result_kind,
        size_mm,
        volume_mm3,
        sum_mm,
        state_word,
        is_too_small,
        is_unit_assumed,
        value_raw,
        unit_raw,
        method,
        is_accepted,
        visit,
        day,
        is_date_partial,
        date_flag,
        stated_baseline_volume_mm3,
        source_file,
        source_row,
        lesion_type
    FROM staging.tumor_result_screen
    WHERE disposition = 'kept'
)

SELECT
    tr.tr_row, -- position of the row in raw.tr
    tr.study_id, -- text id of the study
    tr.usubjid, -- subject's id; NULL when the source names no patients
    tr.patient_id, -- text id of the patient; NULL when the source names no patients
    tr.is_patient_unknown, -- the source names no patients
    tr.sequence_number, -- TRSEQ, as text
    coalesce(tr.reader, '') AS reader, -- who read the scan; '' where the source names none
    tr.lesion_label, -- the source's link id of the lesion; NULL for sums
    CASE
        WHEN NOT label.is_shared THEN tr.lesion_base_id
        WHEN tr.lesion_type IS NOT NULL THEN tr.lesion_base_id || ':' || tr.lesion_type
        WHEN tr.test_kind = 'state' THEN tr.lesion_base_id || ':non-target'
        ELSE tr.lesion_base_id || ':target'
    END AS lesion_id, -- text id of the lesion; NULL for sums
    coalesce(label.identified_type, tr.lesion_type) AS lesion_type, -- as TU says, else as the row's group says
    tr.lesion_type AS group_type, -- target, non-target or new, as the row's group says; NULL when it does not
    tr.test_code, -- LDIAM, LPERP, VOLUME, TUMSTATE, SUMDIAM or another
    tr.test_kind, -- what the code is for: size, state, sum, derived or other
    CASE WHEN tr.quantity = 'viable' THEN 'long' ELSE tr.quantity END AS quantity, -- of a size: long, short or volume
    tr.preference, -- order among codes of one quantity, 1 first
    CASE
        -- A viable diameter stands for the long axis of a lesion that has no other one.
        WHEN
            tr.result_kind = 'size' AND tr.quantity = 'viable'
            AND bool_or(tr.result_kind = 'size' AND tr.quantity = 'long') OVER (PARTITION BY tr.lesion_base_id)
            THEN 'other'
        ELSE tr.result_kind
    END AS result_kind, -- size, state, unknown_state, sum, derived, not_done or other
    tr.size_mm, -- size, mm
    tr.volume_mm3, -- volume, mm3
    tr.sum_mm, -- stated sum of diameters, mm
    tr.state_word, -- tumor state, upper case
    tr.is_too_small, -- too small to measure: the size is imputed
    tr.is_unit_assumed, -- the source gives no unit: mm (mm3) taken
    tr.value_raw, -- the result as written
    tr.unit_raw, -- the unit as written, upper case; '' when none is given
    tr.method, -- method of imaging
    tr.is_accepted, -- the accepted record of several readers
    tr.visit, -- the source's label of the visit
    time_point.time_point_id, -- assessment that the row belongs to; NULL where it has no day and no visit tells
    tr.day, -- day from first dose; NULL for sums and tests not done that bear none
    tr.is_date_partial, -- the date is partial and the stated day was used
    tr.date_flag, -- imputed part of the date, as ADaM's DTF: D day, M month and day; NULL where none is
    tr.stated_baseline_volume_mm3, -- baseline volume that the source states, mm3
    tr.source_file, -- file of the row
    tr.source_row -- row in the file
FROM tr
LEFT JOIN staging.lesion_label_type AS label ON tr.lesion_base_id = label.lesion_base_id
LEFT JOIN staging.time_point_row AS time_point ON time_point.domain = 'tr' AND tr.tr_row = time_point.domain_row
