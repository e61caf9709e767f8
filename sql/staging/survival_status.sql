/* One report of whether a subject was alive.
   Why: it dates the last day that a patient is known to be alive, and some deaths.
   Caveats: rows that repeat in all but the sequence number are one row (n_source_rows).
   Grain: one row per subject and distinct SS content
   Key: survival_status_id
*/
WITH ss AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        upper(coalesce(clean_text(ss.ssstresc), clean_text(ss.ssorres))) AS status_word,
        upper(clean_text(ss.sstestcd)) AS test_code,
        clean_text(ss.visit) AS visit,
        clean_text(ss.ssdtc) AS date_text,
        clean_text(ss.ssdy) AS stated_day,
        day_from_first_dose(
            ss.ssdy, ss.ssdtc, subject.first_dose_date, subject.day_convention, subject.reference_shift_days
        ) AS day,
        ss._source_file AS source_file,
        ss._source_row AS source_row
    FROM raw.ss AS ss
    INNER JOIN staging.subject_key AS subject_key
        ON ss._study_id = subject_key.study_id AND clean_text(ss.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        status_word,
        test_code,
        visit,
        date_text,
        stated_day,
        day,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM ss
    GROUP BY ALL
)

SELECT
    patient_id || '/SS' || row_number() OVER (
        PARTITION BY patient_id ORDER BY day NULLS LAST, source.file, source.row
    ) AS survival_status_id, -- text id of the report
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    test_code, -- SURVSTAT or another
    status_word, -- ALIVE, DEAD or another word, upper case
    day, -- day from first dose
    n_source_rows, -- rows of SS behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM distinct_row
