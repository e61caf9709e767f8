/* Every row of TU with the verdict on it.
   Why: a lesion is what a reader identified in TU; what cannot name its lesion is quarantined by a stated reason.
   Caveats: a row without a day is kept, for the lesion is there all the same. An exact repeat (same subject, reader,
   lesion, test, result, site, visit and date) is collapsed.
   Grain: one row per raw.tu row
   Key: tu_row
*/
WITH tu AS (
    SELECT
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        row_number() OVER () AS tu_row,
        clean_text(usubjid) AS usubjid_raw,
        reader_name(tueval, tuevalid) AS reader,
        known_id(tulnkid) AS lesion_label,
        upper(coalesce(clean_text(tutestcd), 'TUMIDENT')) AS test_code,
        coalesce(clean_text(tuorres), clean_text(tustresc)) AS result,
        clean_text(tustresc) AS standard_result,
        clean_text(tugrpid) AS lesion_group,
        clean_text(tulnkgrp) AS link_group,
        whole_day(tuseq) AS sequence_number,
        clean_text(tuloc) AS location,
        clean_text(tulat) AS laterality,
        clean_text(tumethod) AS method,
        upper(coalesce(clean_text(tuacptfl), '')) = 'Y' AS is_accepted,
        clean_text(visit) AS visit,
        clean_text(visitnum) AS visit_number,
        clean_text(tudtc) AS date_text,
        clean_text(tudy) AS stated_day,
        hash(
            usubjid, tugrpid, tulnkgrp, tulnkid, tutestcd, tuorres, tustresc, tuloc, tulat, tumethod, tueval, tuevalid,
            tuacptfl, visitnum, visit, tudtc, tudy
        ) AS content
    FROM raw.tu
),

-- Rows that are there more than once, all values but the sequence number: the first one counts.
repeated AS (
    SELECT
        _study_id AS study_id,
        hash(
            usubjid, tugrpid, tulnkgrp, tulnkid, tutestcd, tuorres, tustresc, tuloc, tulat, tumethod, tueval, tuevalid,
            tuacptfl, visitnum, visit, tudtc, tudy
        ) AS content,
        min(struct_pack(file := _source_file, row := _source_row)) AS first_source
    FROM raw.tu
    GROUP BY ALL
    HAVING count(*) > 1
),

typed AS (
    SELECT
        tu.*,
        study.patients = 'unknown' AS is_patient_unknown,
        subject.usubjid,
        subject.patient_id,
        nullif(concat_ws(', ', tu.location, tumor_site_detail.site_detail), '') AS site_raw,
        repeated.first_source IS NOT NULL
        AND struct_pack(file := tu.source_file, row := tu.source_row) > repeated.first_source AS is_repeat,
        no_tumor.word IS NOT NULL AS is_no_tumor,
        CASE
            WHEN no_tumor.word IS NULL
                THEN coalesce(
                    lesion_type_word(tu.result), lesion_type_word(tu.standard_result), lesion_type_word(tu.lesion_group)
                )
        END AS lesion_type,
        coalesce(
            day_from_first_dose(
                tu.stated_day, tu.date_text, subject.first_dose_date, study.day_convention, subject.reference_shift_days
            ), undated.day
        ) AS day,
        undated.date_flag
    FROM tu
    LEFT JOIN repeated ON tu.study_id = repeated.study_id AND tu.content = repeated.content
    LEFT JOIN raw.study AS study ON tu.study_id = study.study_id
    LEFT JOIN staging.subject_key AS subject_key
        ON tu.study_id = subject_key.study_id AND tu.usubjid_raw = subject_key.usubjid_raw
    LEFT JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    LEFT JOIN staging.tumor_site_detail AS tumor_site_detail
        ON
            subject_key.patient_id = tumor_site_detail.patient_id
            AND tu.sequence_number = tumor_site_detail.sequence_number
    LEFT JOIN staging.no_tumor_word AS no_tumor ON upper(tu.result) = no_tumor.word
    LEFT JOIN staging.undated_row AS undated ON undated.domain = 'tu' AND tu.tu_row = undated.domain_row
),

judged AS (
    SELECT
        typed.*,
        CASE
            WHEN typed.usubjid IS NULL AND NOT coalesce(typed.is_patient_unknown, FALSE) THEN 'no_subject'
            WHEN typed.lesion_label IS NULL THEN 'no_lesion_id'
            WHEN typed.is_repeat THEN 'exact_duplicate'
            WHEN typed.is_no_tumor THEN 'not_a_tumor'
            ELSE 'kept'
        END AS reason_id
    FROM typed
)

SELECT
    tu_row, -- position of the row in raw.tu
    study_id, -- text id of the study
    usubjid_raw, -- subject's id as TU writes it
    usubjid, -- subject's id in this warehouse
    patient_id, -- text id of the patient
    coalesce(is_patient_unknown, FALSE) AS is_patient_unknown, -- the source names no patients
    reader, -- who identified the lesion; NULL where the source names none
    lesion_label, -- the source's link id of the lesion
    coalesce(patient_id, study_id || '/?') || '/' || reader_code(reader) || '/' || lesion_label
        AS lesion_base_id, -- text id of the lesion, before a link id used for two types is told apart
    coalesce(patient_id, study_id || '/?') || '/' || reader_code(NULL) || '/' || lesion_label
        AS unread_base_id, -- the same under no reader
    lesion_type, -- target, non-target or new, as the row says; NULL when it does not
    is_no_tumor, -- the result is a word of staging.no_tumor_word
    test_code, -- TUMIDENT, TUSPLIT or TUMERGE
    result, -- result as written
    lesion_group, -- TUGRPID as written
    site_raw, -- site as written: TULOC, and SUPPTU's words on it after a comma
    laterality, -- side as written
    method, -- method of imaging
    is_accepted, -- the accepted record of several readers
    link_group, -- TULNKGRP as written
    visit, -- the source's label of the visit
    visit_number, -- the source's number of the visit, as text
    date_text, -- date as written
    stated_day, -- study day as written
    day, -- day from first dose
    date_flag, -- imputed part of the date, as ADaM's DTF: D day, M month and day; NULL where none is
    CASE
        WHEN reason_id = 'kept' THEN 'kept'
        WHEN reason_id = 'exact_duplicate' THEN 'collapsed'
        WHEN reason_id = 'not_a_tumor' THEN 'excluded'
        ELSE 'quarantined'
    END AS disposition, -- kept, collapsed, excluded or quarantined
    reason_id, -- why, as a word; 'kept' when kept
    source_file, -- file of the row
    source_row -- row in the file
FROM judged
