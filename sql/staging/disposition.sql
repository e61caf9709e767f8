/* One event of a subject's way through the trial: randomised, completed, withdrawn, died, lost to follow-up.
   Why: deaths and the last day in the trial are taken from it.
   Caveats: rows that repeat in all but the sequence number are one row (n_source_rows).
   Grain: one row per subject and distinct DS content
   Key: disposition_id
*/
WITH setting AS (
    SELECT value AS rule
    FROM meta.setting
    WHERE name = 'dates.partial'
),

ds AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        upper(clean_text(ds.dsdecod)) AS event,
        clean_text(ds.dsterm) AS term,
        clean_text(ds.dscat) AS category,
        clean_text(ds.visit) AS visit,
        clean_text(ds.dsstdtc) AS start_text,
        clean_text(ds.dsdtc) AS date_text,
        clean_text(ds.dsstdy) AS start_stated,
        coalesce(
            day_from_first_dose(
                ds.dsstdy, coalesce(clean_text(ds.dsstdtc), clean_text(ds.dsdtc)), subject.first_dose_date,
                subject.day_convention, subject.reference_shift_days
            ),
            imputed_day(coalesce(clean_text(ds.dsstdtc), clean_text(ds.dsdtc)), subject.first_dose_date, setting.rule)
        ) AS day,
        possible_days(coalesce(clean_text(ds.dsstdtc), clean_text(ds.dsdtc)), subject.first_dose_date) AS open_days,
        ds._source_file AS source_file,
        ds._source_row AS source_row
    FROM raw.ds AS ds
    INNER JOIN staging.subject_key AS subject_key
        ON ds._study_id = subject_key.study_id AND clean_text(ds.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    CROSS JOIN setting
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        event,
        term,
        category,
        visit,
        start_text,
        date_text,
        start_stated,
        day,
        open_days,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM ds
    GROUP BY ALL
)

SELECT
    patient_id || '/DS' || row_number() OVER (
        PARTITION BY patient_id ORDER BY day NULLS LAST, source.file, source.row
    ) AS disposition_id, -- text id of the event
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    coalesce(event, upper(term)) AS event, -- standard term, upper case
    term, -- term as written
    category, -- category
    day, -- day from first dose
    CASE WHEN day IS NULL THEN open_days END
        AS open_days, -- days that its partial date leaves open; NULL where the day is known
    n_source_rows, -- rows of DS behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM distinct_row
