/* One adverse event.
   Why: fatal events date a death where no other table does.
   Caveats: rows that repeat in all but the sequence number are one row (n_source_rows).
   Grain: one row per subject and distinct AE content
   Key: adverse_event_id
*/
WITH ae AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        clean_text(ae.aeterm) AS term,
        clean_text(ae.aedecod) AS event,
        upper(clean_text(ae.aesev)) AS severity,
        upper(clean_text(ae.aeser)) AS serious,
        upper(clean_text(ae.aeout)) AS outcome,
        upper(clean_text(ae.aesdth)) AS death_flag,
        clean_text(ae.aestdtc) AS start_text,
        clean_text(ae.aeendtc) AS end_text,
        clean_text(ae.aestdy) AS start_stated,
        clean_text(ae.aeendy) AS end_stated,
        day_from_first_dose(
            ae.aestdy, ae.aestdtc, subject.first_dose_date, subject.day_convention, subject.reference_shift_days
        ) AS start_day,
        day_from_first_dose(
            ae.aeendy, ae.aeendtc, subject.first_dose_date, subject.day_convention, subject.reference_shift_days
        ) AS end_day,
        ae._source_file AS source_file,
        ae._source_row AS source_row
    FROM raw.ae AS ae
    INNER JOIN staging.subject_key AS subject_key
        ON ae._study_id = subject_key.study_id AND clean_text(ae.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        term,
        event,
        severity,
        serious,
        outcome,
        death_flag,
        start_text,
        end_text,
        start_stated,
        end_stated,
        start_day,
        end_day,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM ae
    GROUP BY ALL
)

SELECT
    patient_id || '/AE' || row_number() OVER (
        PARTITION BY patient_id ORDER BY start_day NULLS LAST, source.file, source.row
    ) AS adverse_event_id, -- text id of the event
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    term, -- term as written
    event, -- standard term
    severity, -- severity
    serious = 'Y' AS is_serious, -- serious
    coalesce(outcome = 'FATAL', FALSE) OR coalesce(death_flag = 'Y', FALSE) AS is_fatal, -- the event was fatal
    start_day, -- first day, from first dose
    end_day, -- last day, from first dose: of a fatal event, the death
    n_source_rows, -- rows of AE behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM distinct_row
