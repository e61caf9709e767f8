/* One detail of a death.
   Why: DD exists for the dead only, and dates the death where DM does not.
   Caveats: rows that repeat in all but the sequence number are one row (n_source_rows).
   Grain: one row per subject and distinct DD content
   Key: death_detail_id
*/
WITH dd AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        upper(clean_text(dd.ddtestcd)) AS test_code,
        coalesce(clean_text(dd.ddstresc), clean_text(dd.ddorres)) AS result,
        clean_text(dd.dddtc) AS date_text,
        clean_text(dd.dddy) AS stated_day,
        day_from_first_dose(
            dd.dddy, dd.dddtc, subject.first_dose_date, subject.day_convention, subject.reference_shift_days
        ) AS day,
        dd._source_file AS source_file,
        dd._source_row AS source_row
    FROM raw.dd AS dd
    INNER JOIN staging.subject_key AS subject_key
        ON dd._study_id = subject_key.study_id AND clean_text(dd.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        test_code,
        result,
        date_text,
        stated_day,
        day,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM dd
    GROUP BY ALL
)

SELECT
    patient_id || '/DD' || row_number() OVER (
        PARTITION BY patient_id ORDER BY day NULLS LAST, source.file, source.row
    ) AS death_detail_id, -- text id of the detail
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    test_code, -- what is told: PRCDTH (cause) and others
    result, -- result as written
    day, -- day from first dose
    n_source_rows, -- rows of DD behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM distinct_row
