/* One dose, or one stretch of dosing, of one subject.
   Why: day 0 is the first dose; treatment that ends or changes bounds what follows.
   Caveats: rows that repeat in all but the sequence number are one row (n_source_rows). Days are NULL when the date
   is partial and no study day is given.
   Grain: one row per subject and distinct EX content
   Key: exposure_id
*/
WITH setting AS (
    SELECT value AS rule
    FROM meta.setting
    WHERE name = 'dates.partial'
),

ex AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        clean_text(ex.extrt) AS treatment,
        clean_text(ex.exdose) AS dose,
        clean_text(ex.exdosu) AS dose_unit,
        clean_text(ex.exdosfrq) AS dose_frequency,
        clean_text(ex.exroute) AS route,
        clean_text(ex.visit) AS visit,
        nullif(concat_ws(' / ', clean_text(ex.excat), clean_text(ex.epoch)), '') AS category,
        clean_text(ex.exstdtc) AS start_text,
        clean_text(ex.exendtc) AS end_text,
        clean_text(ex.exstdy) AS start_stated,
        clean_text(ex.exendy) AS end_stated,
        coalesce(
            day_from_first_dose(
                ex.exstdy, ex.exstdtc, subject.first_dose_date, subject.day_convention, subject.reference_shift_days
            ),
            imputed_day(ex.exstdtc, subject.first_dose_date, setting.rule)
        ) AS start_day,
        coalesce(
            day_from_first_dose(
                ex.exendy, ex.exendtc, subject.first_dose_date, subject.day_convention, subject.reference_shift_days
            ),
            greatest(
                imputed_day(ex.exendtc, subject.first_dose_date, setting.rule),
                -- No dosing ends before it begins.
                CASE
                    WHEN full_date(ex.exstdtc) <= partial_period(ex.exendtc).last_date
                        THEN CAST(date_diff('day', subject.first_dose_date, full_date(ex.exstdtc)) AS INTEGER)
                END
            )
        ) AS end_day,
        possible_days(ex.exstdtc, subject.first_dose_date) AS open_days,
        ex._source_file AS source_file,
        ex._source_row AS source_row
    FROM raw.ex AS ex
    INNER JOIN staging.subject_key AS subject_key
        ON ex._study_id = subject_key.study_id AND clean_text(ex.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    CROSS JOIN setting
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        treatment,
        dose,
        dose_unit,
        dose_frequency,
        route,
        visit,
        category,
        start_text,
        end_text,
        start_stated,
        end_stated,
        start_day,
        end_day,
        open_days,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM ex
    GROUP BY ALL
)

SELECT
    patient_id || '/EX' || row_number() OVER (
        PARTITION BY patient_id ORDER BY start_day NULLS LAST, source.file, source.row
    ) AS exposure_id, -- text id of the exposure
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    treatment, -- drug as written
    finite_number(dose) AS dose, -- dose, in dose_unit
    dose_unit, -- unit of the dose
    dose_frequency, -- how often
    route, -- route of administration
    visit, -- the source's label of the visit
    category, -- category and epoch
    start_day, -- first day, from first dose
    CASE WHEN start_day IS NULL THEN open_days END
        AS open_days, -- days that its partial date leaves open; NULL where the day is known
    end_day, -- last day, from first dose
    n_source_rows, -- rows of EX behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM distinct_row
