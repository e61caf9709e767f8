/* Every row of RF with the verdict on it.
   Why: a radiomic feature is a number of one lesion on one day; what is not is quarantined by a stated reason.
   Caveats: of two values of one lesion, day, region, segmentation and feature the first in the file counts; the
   other is collapsed, equal or not. Numbers of 1e100 and more are marks of failure and no measurements (their squares
   have no place among floating-point numbers). A blank region is 'whole', a blank segmentation 'original'.
   Grain: one row per raw.rf row
   Key: rf_row
*/
WITH rf AS (
    SELECT
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        row_number() OVER () AS rf_row,
        clean_text(usubjid) AS usubjid_raw,
        known_id(rflnkid) AS lesion_label,
        coalesce(clean_text(rfregion), 'whole') AS region,
        coalesce(clean_text(rfsegm), 'original') AS segmentation,
        clean_text(rftestcd) AS feature,
        radiomic_class(clean_text(rfcat), clean_text(rftestcd)) AS feature_class,
        clean_text(rforres) AS value_raw,
        radiomic_unit(clean_text(rforresu), clean_text(rftestcd)) AS unit,
        yes_no(rfallfl) AS is_exhaustive,
        clean_text(rfdtc) AS date_text,
        clean_text(rfdy) AS stated_day
    FROM raw.rf
),

typed AS (
    SELECT
        rf.*,
        coalesce(study.patients = 'unknown', FALSE) AS is_patient_unknown,
        subject.usubjid,
        subject.patient_id,
        CASE WHEN abs(finite_number(rf.value_raw)) < 1e100 THEN finite_number(rf.value_raw) END AS value,
        day_from_first_dose(
            rf.stated_day, rf.date_text, subject.first_dose_date, study.day_convention, subject.reference_shift_days
        ) AS day
    FROM rf
    LEFT JOIN raw.study AS study ON rf.study_id = study.study_id
    LEFT JOIN staging.subject_key AS subject_key
        ON rf.study_id = subject_key.study_id AND rf.usubjid_raw = subject_key.usubjid_raw
    LEFT JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
),

judged AS (
    SELECT
        typed.*,
        CASE
            WHEN typed.usubjid IS NULL AND NOT typed.is_patient_unknown THEN 'no_subject'
            WHEN typed.lesion_label IS NULL THEN 'no_lesion_id'
            WHEN typed.feature IS NULL THEN 'no_feature'
            WHEN typed.value_raw IS NULL THEN 'no_result'
            WHEN typed.value IS NULL THEN 'not_a_number'
            WHEN typed.day IS NOT NULL THEN 'kept'
            WHEN typed.stated_day IS NOT NULL AND whole_day(typed.stated_day) IS NULL AND typed.date_text IS NULL
                THEN 'bad_day'
            WHEN typed.date_text IS NULL THEN 'no_day'
            WHEN full_date(typed.date_text) IS NOT NULL THEN 'no_reference_date'
            WHEN regexp_matches(typed.date_text, '^[0-9]{4}(-[0-9]{2})?$') THEN 'partial_date'
            ELSE 'bad_date'
        END AS reason_id
    FROM typed
),

ranked AS (
    SELECT
        judged.*,
        row_number() OVER (
            PARTITION BY
                judged.reason_id, judged.study_id, judged.usubjid, judged.lesion_label, judged.day, judged.region,
                judged.segmentation, judged.feature
            ORDER BY judged.source_file, judged.source_row, judged.rf_row
        ) AS place
    FROM judged
)

SELECT
    rf_row, -- position of the row in raw.rf
    study_id, -- text id of the study
    usubjid, -- subject's id; NULL when the source names no patients
    patient_id, -- text id of the patient; NULL when the source names no patients
    is_patient_unknown, -- the source names no patients
    lesion_label, -- the source's link id of the lesion
    region, -- region of the lesion
    segmentation, -- segmentation: original, eroded, dilated, a reader
    feature, -- name of the feature
    value_raw, -- value as written
    value, -- value
    unit, -- unit; NULL where neither the source nor the name says one
    feature_class, -- first-order, shape, GLCM, GLRLM, GLSZM, GLDM, NGTDM or other
    is_exhaustive, -- every visible lesion of the subject was segmented; NULL where the source does not say
    date_text, -- date as written
    stated_day, -- study day as written
    day, -- day from first dose
    CASE
        WHEN reason_id <> 'kept' THEN 'quarantined'
        WHEN place > 1 THEN 'collapsed'
        ELSE 'kept'
    END AS disposition, -- kept, collapsed or quarantined
    CASE WHEN reason_id = 'kept' AND place > 1 THEN 'repeated' ELSE reason_id END
        AS reason_id, -- why, as a word; 'kept' when kept
    source_file, -- file of the row
    source_row -- row in the file
FROM ranked
