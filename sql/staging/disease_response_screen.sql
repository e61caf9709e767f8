/* Every row of RS with the verdict on it.
   Why: the responses that the trial's readers gave, in one vocabulary.
   Caveats: best overall response needs no day. Tests other than TRGRESP, NTRGRESP, NEWLIND, NEWLPROG, OVRLRESP and
   BESTRESP are kept as 'other'. Exact repeats are collapsed.
   Grain: one row per raw.rs row
   Key: rs_row
*/
WITH rs AS (
    SELECT
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        row_number() OVER () AS rs_row,
        clean_text(usubjid) AS usubjid_raw,
        reader_name(rseval, rsevalid) AS reader,
        known_id(rslnkid) AS lesion_label,
        clean_text(rslnkgrp) AS link_group,
        upper(clean_text(rstestcd)) AS test_code,
        clean_text(rscat) AS category,
        nullif(upper(coalesce(clean_text(rsstresc), clean_text(rsorres))), '.') AS result_word,
        upper(clean_text(rsstat)) AS completion_status,
        upper(coalesce(clean_text(rsacptfl), '')) = 'Y' AS is_accepted,
        clean_text(visit) AS visit,
        clean_text(visitnum) AS visit_number,
        clean_text(rsdtc) AS date_text,
        clean_text(rsdy) AS stated_day,
        hash(
            usubjid, rslnkid, rstestcd, rscat, rsorres, rsstresc, rsstat, rseval, rsevalid, rsacptfl, visitnum, visit,
            rsdtc, rsdy
        ) AS content
    FROM raw.rs
),

-- Rows that are there more than once, all values but the sequence number: the first one counts.
repeated AS (
    SELECT
        _study_id AS study_id,
        hash(
            usubjid, rslnkid, rstestcd, rscat, rsorres, rsstresc, rsstat, rseval, rsevalid, rsacptfl, visitnum, visit,
            rsdtc, rsdy
        ) AS content,
        min(struct_pack(file := _source_file, row := _source_row)) AS first_source
    FROM raw.rs
    GROUP BY ALL
    HAVING count(*) > 1
),

typed AS (
    SELECT
        rs.*,
        coalesce(study.patients = 'unknown', FALSE) AS is_patient_unknown,
        subject.usubjid,
        subject.patient_id,
        response_word.response,
        CASE
            WHEN rs.completion_status = 'NOT DONE' THEN 'not_done'
            WHEN rs.result_word IS NULL THEN 'blank'
            WHEN rs.test_code IN ('TRGRESP', 'NTRGRESP', 'OVRLRESP', 'BESTRESP') THEN 'response'
            WHEN rs.test_code IN ('NEWLIND', 'NEWLPROG') THEN 'new_lesion'
            ELSE 'other'
        END AS result_kind,
        day_from_first_dose(
            rs.stated_day, rs.date_text, subject.first_dose_date, study.day_convention, subject.reference_shift_days
        ) AS day,
        repeated.first_source IS NOT NULL
        AND struct_pack(file := rs.source_file, row := rs.source_row) > repeated.first_source AS is_repeat
    FROM rs
    LEFT JOIN repeated ON rs.study_id = repeated.study_id AND rs.content = repeated.content
    LEFT JOIN raw.study AS study ON rs.study_id = study.study_id
    LEFT JOIN staging.subject_key AS subject_key
        ON rs.study_id = subject_key.study_id AND rs.usubjid_raw = subject_key.usubjid_raw
    LEFT JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    LEFT JOIN staging.response_word AS response_word ON rs.result_word = response_word.word
),

judged AS (
    SELECT
        typed.*,
        CASE
            WHEN typed.usubjid IS NULL THEN 'no_subject'
            WHEN typed.is_repeat THEN 'exact_duplicate'
            WHEN typed.result_kind NOT IN ('response', 'new_lesion') THEN 'kept'
            WHEN typed.result_kind = 'response' AND typed.response IS NULL THEN 'unknown_response'
            WHEN typed.test_code = 'BESTRESP' OR typed.day IS NOT NULL THEN 'kept'
            WHEN typed.stated_day IS NOT NULL AND whole_day(typed.stated_day) IS NULL AND typed.date_text IS NULL
                THEN 'bad_day'
            WHEN typed.date_text IS NULL THEN 'no_day'
            WHEN full_date(typed.date_text) IS NOT NULL THEN 'no_reference_date'
            WHEN regexp_matches(typed.date_text, '^[0-9]{4}(-[0-9]{2})?$') THEN 'partial_date'
            ELSE 'bad_date'
        END AS reason_id
    FROM typed
)

SELECT
    rs_row, -- position of the row in raw.rs
    study_id, -- text id of the study
    usubjid_raw, -- subject's id as RS writes it
    usubjid, -- subject's id in this warehouse
    patient_id, -- text id of the patient
    coalesce(reader, '') AS reader, -- who gave the response; '' where the source names none
    test_code, -- TRGRESP, NTRGRESP, NEWLIND, NEWLPROG, OVRLRESP, BESTRESP or another
    category, -- criteria as the source names them
    result_kind, -- response, new_lesion, not_done, blank or other
    result_word, -- the result as written, upper case
    CASE WHEN result_kind = 'response' THEN response END AS response, -- CR, PR, SD, NON-CR/NON-PD, PD or NE
    CASE
        WHEN result_kind = 'new_lesion'
            THEN coalesce(yes_no(result_word), result_word IN ('UNEQUIVOCAL', 'NEW', 'PRESENT'))
    END
        AS has_new_lesion, -- an unequivocal new lesion at this visit
    is_accepted, -- the accepted record of several readers
    link_group, -- RSLNKGRP as written
    visit, -- the source's label of the visit
    visit_number, -- the source's number of the visit, as text
    date_text, -- date as written
    stated_day, -- study day as written
    day, -- day from first dose
    whole_day(stated_day) IS NOT NULL AND date_text IS NOT NULL AND full_date(date_text) IS NULL
        AS is_date_partial, -- the date is partial and the stated day was used
    CASE
        WHEN reason_id = 'kept' THEN 'kept'
        WHEN reason_id = 'exact_duplicate' THEN 'collapsed'
        ELSE 'quarantined'
    END AS disposition, -- kept, collapsed or quarantined
    reason_id, -- why, as a word; 'kept' when kept
    source_file, -- file of the row
    source_row -- row in the file
FROM judged
