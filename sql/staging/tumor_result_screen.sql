/* Every row of TR, its size in mm or its state in words, with the verdict on it.
   Why: this is where text becomes numbers: sizes, units, words for 'too small', days. Each rule is applied once,
   here, and each row that fails one carries the reason.
   Caveats: the standard result (TRSTRESN) takes precedence over the original, but not before the words of the original:
   'TOO SMALL TO MEASURE' follows the study's or the setting's rule even where the source put its own number beside
   it. Exact repeats (all values but the sequence number) are collapsed. What a test code means, staging.study_test_code
   says; SUMDIAM and other sums are kept as 'sum' and never become a size of a lesion; they pass the same checks. NOT
   EVALUABLE, a lone point and a blank without a reason leave open what was seen, and a size or a state without a day
   stands nowhere: they go to quality.quarantine. NOT DONE is kept, and counted. It needs no day, nor does a sum that
   names its visit (the standard leaves TRDTC of sums blank). A state whose word is not known is kept, says nothing of
   the lesion and is a finding (quality.defect rows.6a).
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.4; CDISC SDTMIG TR.
   Grain: one row per raw.tr row
   Key: tr_row
*/
WITH tr AS (
    SELECT
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        row_number() OVER () AS tr_row,
        clean_text(usubjid) AS usubjid_raw,
        clean_text(trseq) AS sequence_number,
        reader_name(treval, trevalid) AS reader,
        known_id(trlnkid) AS lesion_label,
        clean_text(trgrpid) AS lesion_group,
        clean_text(trlnkgrp) AS link_group,
        upper(clean_text(trtestcd)) AS test_code,
        clean_text(trorres) AS original_result,
        upper(clean_text(trorresu)) AS original_unit,
        clean_text(trstresc) AS standard_text,
        clean_text(trstresn) AS standard_number,
        upper(clean_text(trstresu)) AS standard_unit,
        upper(clean_text(trstat)) AS completion_status,
        clean_text(trreasnd) AS reason_not_done,
        clean_text(trmethod) AS method,
        upper(coalesce(clean_text(tracptfl), '')) = 'Y' AS is_accepted,
        clean_text(visit) AS visit,
        clean_text(visitnum) AS visit_number,
        clean_text(trdtc) AS date_text,
        clean_text(trdy) AS stated_day,
        clean_text(xbasevol) AS stated_baseline_volume,
        hash(
            usubjid, trgrpid, trlnkid, trtestcd, trorres, trorresu, trstresc, trstresn, trstresu, trstat, trmethod,
            treval, trevalid, tracptfl, visitnum, visit, trdtc, trdy
        ) AS content
    FROM raw.tr
),

-- Rows that are there more than once, all values but the sequence number: the first one counts.
repeated AS (
    SELECT
        _study_id AS study_id,
        hash(
            usubjid, trgrpid, trlnkid, trtestcd, trorres, trorresu, trstresc, trstresn, trstresu, trstat, trmethod,
            treval, trevalid, tracptfl, visitnum, visit, trdtc, trdy
        ) AS content,
        min(struct_pack(file := _source_file, row := _source_row)) AS first_source
    FROM raw.tr
    GROUP BY ALL
    HAVING count(*) > 1
),

setting AS (
    SELECT
        max(CAST(value AS DOUBLE)) FILTER (WHERE name = 'too_small.default_mm') AS too_small_mm,
        max(CAST(value AS DOUBLE)) FILTER (WHERE name = 'measurement.largest_mm') AS largest_mm
    FROM meta.setting
    WHERE name IN ('too_small.default_mm', 'measurement.largest_mm')
),

study AS (
    SELECT
        study.study_id,
        study.day_convention,
        study.patients = 'unknown' AS is_patient_unknown,
        coalesce(study.too_small_mm, setting.too_small_mm) AS too_small_mm,
        setting.largest_mm
    FROM raw.study AS study
    CROSS JOIN setting
),

stated_word AS (
    SELECT
        study_id,
        unnest(too_small_values) AS word
    FROM raw.study
),

too_small_word AS (
    SELECT DISTINCT
        study_id,
        upper(trim(word)) AS word
    FROM stated_word
),

identified AS (
    SELECT
        tr.*,
        study.is_patient_unknown,
        study.too_small_mm,
        study.largest_mm,
        subject.first_dose_date,
        subject_key.usubjid,
        subject_key.patient_id,
        coalesce(
            day_from_first_dose(
                tr.stated_day, tr.date_text, subject.first_dose_date, study.day_convention, subject.reference_shift_days
            ), undated.day
        ) AS day,
        undated.date_flag,
        CASE
            -- A state of all nodes, or of an organ, is no lesion's.
            WHEN test.kind = 'state' AND tr.test_code <> 'TUMSTATE' AND tr.lesion_label IS NULL THEN 'other'
            ELSE coalesce(test.kind, 'other')
        END AS test_kind,
        test.quantity,
        test.preference,
        test.unit_quantity,
        repeated.first_source IS NOT NULL
        AND struct_pack(file := tr.source_file, row := tr.source_row) > repeated.first_source AS is_repeat
    FROM tr
    LEFT JOIN repeated ON tr.study_id = repeated.study_id AND tr.content = repeated.content
    LEFT JOIN study ON tr.study_id = study.study_id
    LEFT JOIN staging.study_test_code AS test ON tr.study_id = test.study_id AND tr.test_code = test.test_code
    LEFT JOIN staging.subject_key AS subject_key
        ON tr.study_id = subject_key.study_id AND tr.usubjid_raw = subject_key.usubjid_raw
    LEFT JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    LEFT JOIN staging.undated_row AS undated ON undated.domain = 'tr' AND tr.tr_row = undated.domain_row
),

-- What the words of a size mean: the study's own list first, then the common one.
worded AS (
    SELECT
        identified.*,
        CASE
            WHEN identified.test_kind NOT IN ('size', 'sum') THEN NULL
            -- Words for one lesion's size are no sum.
            WHEN identified.test_kind = 'sum'
                THEN CASE WHEN size_word.meaning NOT IN ('too_small', 'gone') THEN size_word.meaning END
            WHEN too_small_word.word IS NOT NULL THEN 'too_small'
            ELSE size_word.meaning
        END AS word_meaning,
        CASE
            WHEN identified.test_kind NOT IN ('size', 'sum') THEN NULL
            WHEN finite_number(identified.standard_number) IS NOT NULL
                THEN finite_number(identified.standard_number)
            WHEN identified.original_result IS NOT NULL
                THEN coalesce(
                    finite_number(identified.original_result),
                    -- A decimal comma, and a number with its unit in one cell.
                    finite_number(
                        replace(
                            regexp_extract(
                                upper(identified.original_result),
                                '^([0-9]+(?:[.,][0-9]+)?)\s*(?:MM|CM|MM3|CM3|CC|ML)?$',
                                1
                            ),
                            ',', '.'
                        )
                    )
                )
            ELSE finite_number(identified.standard_text)
        END AS number_found,
        CASE
            WHEN finite_number(identified.standard_number) IS NOT NULL
                THEN coalesce(
                    identified.standard_unit,
                    CASE WHEN identified.standard_number = identified.original_result THEN identified.original_unit END
                )
            WHEN identified.original_result IS NOT NULL
                THEN coalesce(
                    nullif(
                        regexp_extract(upper(identified.original_result), '^[0-9.,]+\s*(MM3|CM3|MM|CM|CC|ML)$', 1), ''
                    ),
                    identified.original_unit,
                    identified.standard_unit
                )
            ELSE identified.standard_unit
        END AS unit_found
    FROM identified
    LEFT JOIN too_small_word
        ON
            identified.study_id = too_small_word.study_id
            AND upper(coalesce(identified.original_result, identified.standard_text)) = too_small_word.word
    LEFT JOIN staging.size_word AS size_word
        ON upper(coalesce(identified.original_result, identified.standard_text)) = size_word.word
),

state_word AS (
    SELECT DISTINCT word FROM staging.tumor_state_word
),

measured AS (
    SELECT
        worded.*,
        unit.factor AS unit_factor,
        -- Sums of areas, volumes or percentages have units of their own, and are not used.
        worded.test_kind = 'size' OR coalesce(worded.unit_quantity = 'length', FALSE) AS is_length,
        CASE
            WHEN worded.completion_status = 'NOT DONE' THEN 'not_done'
            WHEN worded.test_kind IN ('derived', 'other') THEN worded.test_kind
            WHEN coalesce(worded.original_result, worded.standard_text, worded.standard_number) IS NULL THEN 'blank'
            WHEN worded.word_meaning = 'not_done' THEN 'not_done'
            WHEN worded.test_kind = 'state' AND state_word.word IS NULL THEN 'unknown_state'
            ELSE worded.test_kind
        END AS result_kind,
        CASE
            WHEN worded.word_meaning = 'too_small' THEN worded.too_small_mm
            WHEN worded.word_meaning = 'gone' THEN 0
            WHEN worded.unit_found IS NULL THEN worded.number_found
            ELSE worded.number_found * unit.factor
        END AS size_value
    FROM worded
    LEFT JOIN staging.unit AS unit
        ON
            worded.unit_found = unit.unit
            AND worded.unit_quantity = unit.quantity
    LEFT JOIN state_word ON upper(coalesce(worded.original_result, worded.standard_text)) = state_word.word
),

dated_reader AS (
    SELECT DISTINCT
        _study_id AS study_id,
        clean_text(usubjid) AS usubjid_raw,
        coalesce(reader_name(treval, trevalid), '') AS reader
    FROM raw.tr
    WHERE clean_text(trdtc) IS NOT NULL OR clean_text(trdy) IS NOT NULL
),

judged AS (
    SELECT
        measured.*,
        CASE
            WHEN measured.usubjid IS NULL AND NOT coalesce(measured.is_patient_unknown, FALSE) THEN 'no_subject'
            WHEN measured.lesion_label IS NULL AND measured.test_kind IN ('size', 'state') THEN 'no_lesion_id'
            WHEN measured.is_repeat THEN 'exact_duplicate'
            WHEN coalesce(own.is_no_tumor, unread.is_no_tumor, FALSE) THEN 'not_a_tumor'
            WHEN measured.result_kind = 'blank' THEN 'no_result'
            WHEN measured.result_kind IN ('derived', 'other') THEN 'kept'
            WHEN measured.word_meaning = 'not_evaluable' THEN 'not_evaluable'
            WHEN measured.word_meaning = 'missing' THEN 'missing_sign'
            WHEN
                measured.result_kind IN ('size', 'sum') AND measured.word_meaning IS NULL
                AND measured.number_found IS NULL
                THEN 'not_a_number'
            WHEN measured.result_kind IN ('size', 'sum') AND measured.number_found < 0
                THEN 'impossible_size'
            WHEN
                measured.result_kind IN ('size', 'sum') AND measured.is_length AND measured.word_meaning IS NULL
                AND measured.unit_found IS NOT NULL AND measured.unit_factor IS NULL
                THEN CASE
                    WHEN regexp_matches(measured.unit_found, '^(MM|CM|M)(2|²|\^2)$') THEN 'area_unit'
                    WHEN regexp_matches(measured.unit_found, '%|^(PERCENT|PCT)') THEN 'percent_unit'
                    ELSE 'unknown_unit'
                END
            -- A volume that no lesion of the largest diameter has; a sum of more than ten such lesions.
            WHEN
                measured.size_value > CASE
                    WHEN measured.result_kind = 'sum' AND measured.is_length THEN 10 * measured.largest_mm
                    -- The words 'too small' give a volume's row a diameter.
                    WHEN measured.quantity = 'volume' AND measured.word_meaning IS NULL
                        THEN tumor_volume_mm3(measured.largest_mm, measured.largest_mm)
                    WHEN measured.result_kind = 'size' THEN measured.largest_mm
                END
                THEN 'too_large_size'
            WHEN measured.day IS NOT NULL THEN 'kept'
            -- What needs no day: a test not done, and a sum that its visit places among dated ones.
            WHEN measured.result_kind = 'not_done' THEN 'kept'
            WHEN
                measured.result_kind = 'sum' AND measured.date_text IS NULL AND measured.stated_day IS NULL
                AND coalesce(measured.link_group, measured.visit, measured.visit_number) IS NOT NULL
                AND dated_reader.reader IS NOT NULL
                THEN 'kept'
            WHEN
                measured.stated_day IS NOT NULL AND whole_day(measured.stated_day) IS NULL
                AND measured.date_text IS NULL
                THEN 'bad_day'
            WHEN measured.date_text IS NULL AND dated_reader.reader IS NULL THEN 'visits_without_days'
            WHEN measured.date_text IS NULL THEN 'no_day'
            WHEN full_date(measured.date_text) IS NOT NULL THEN 'no_reference_date'
            WHEN partial_period(measured.date_text) IS NOT NULL THEN 'partial_date'
            ELSE 'bad_date'
        END AS reason_id
    FROM measured
    LEFT JOIN dated_reader
        ON
            measured.study_id = dated_reader.study_id
            AND measured.usubjid_raw = dated_reader.usubjid_raw
            AND coalesce(measured.reader, '') = dated_reader.reader
    LEFT JOIN staging.identified_label AS own
        ON
            coalesce(measured.patient_id, measured.study_id || '/?') || '/' || reader_code(measured.reader) || '/'
            || measured.lesion_label = own.lesion_base_id
    LEFT JOIN staging.identified_label AS unread
        ON
            coalesce(measured.patient_id, measured.study_id || '/?') || '/' || reader_code(NULL) || '/'
            || measured.lesion_label = unread.lesion_base_id
)

SELECT
    tr_row, -- position of the row in raw.tr
    study_id, -- text id of the study
    usubjid_raw, -- subject's id as TR writes it
    usubjid, -- subject's id in this warehouse
    patient_id, -- text id of the patient
    coalesce(is_patient_unknown, FALSE) AS is_patient_unknown, -- the source names no patients
    sequence_number, -- TRSEQ, as text
    reader, -- who read the scan; NULL where the source names none
    lesion_label, -- the source's link id of the lesion
    coalesce(patient_id, study_id || '/?') || '/' || reader_code(reader) || '/' || lesion_label
        AS lesion_base_id, -- text id of the lesion, before a link id used for two types is told apart
    coalesce(patient_id, study_id || '/?') || '/' || reader_code(NULL) || '/' || lesion_label
        AS unread_base_id, -- the same under no reader
    lesion_type_word(lesion_group) AS lesion_type, -- target, non-target or new, as the row's group says
    test_code, -- LDIAM, LPERP, VOLUME, TUMSTATE, SUMDIAM or another
    test_kind, -- what the code is for: size, state, sum, derived or other
    quantity, -- of a size: long, short, viable or volume
    preference, -- order among codes of one quantity, 1 first
    result_kind, -- size, state, unknown_state, sum, derived, not_done, blank or other
    CASE WHEN result_kind = 'size' AND quantity <> 'volume' THEN size_value END AS size_mm, -- size, mm
    CASE
        WHEN result_kind = 'size' AND quantity = 'volume' AND coalesce(word_meaning, '') <> 'too_small' THEN size_value
        -- Too small to measure: the volume of a lesion of that diameter.
        WHEN result_kind = 'size' AND quantity = 'volume' THEN tumor_volume_mm3(size_value)
    END AS volume_mm3, -- volume, mm3
    CASE WHEN result_kind = 'sum' AND is_length THEN size_value END AS sum_mm, -- stated sum of diameters, mm
    CASE WHEN result_kind IN ('state', 'unknown_state') THEN upper(coalesce(original_result, standard_text)) END
        AS state_word, -- tumor state, upper case
    coalesce(word_meaning = 'too_small', FALSE) AS is_too_small, -- too small to measure: the size is imputed
    coalesce(result_kind = 'size' AND word_meaning IS NULL AND unit_found IS NULL, FALSE)
        AS is_unit_assumed, -- the source gives no unit
    coalesce(original_result, standard_text, standard_number) AS value_raw, -- the result as written
    coalesce(unit_found, '') AS unit_raw, -- the unit of the number that was used; '' when none is given
    standard_number, -- TRSTRESN as written
    completion_status, -- TRSTAT as written
    reason_not_done, -- TRREASND as written
    method, -- method of imaging
    is_accepted, -- the accepted record of several readers
    link_group, -- TRLNKGRP as written
    visit, -- the source's label of the visit
    visit_number, -- the source's number of the visit, as text
    date_text, -- date as written
    stated_day, -- study day as written
    day, -- day from first dose
    CAST(date_diff('day', first_dose_date, full_date(date_text)) AS INTEGER)
        AS date_day, -- day from first dose that the date alone gives
    whole_day(stated_day) IS NOT NULL AND date_text IS NOT NULL AND full_date(date_text) IS NULL
        AS is_date_partial, -- the date is partial and the stated day was used
    date_flag, -- imputed part of the date, as ADaM's DTF: D day, M month and day; NULL where none is
    finite_number(stated_baseline_volume)
        AS stated_baseline_volume_mm3, -- baseline volume that the source states, mm3
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
