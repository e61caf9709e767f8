/* One concomitant medication: anything taken beside the trial's treatment.
   Why: another anticancer therapy after the trial's, where it is recorded here, censors endpoints and ends time to next
   treatment (core.subsequent_therapy).
   Caveats: rows that repeat in all but the sequence number are one row (n_source_rows). Days are NULL when the date is
   partial and no study day is given.
   Grain: one row per subject and distinct CM content
   Key: medication_id
*/
WITH setting AS (
    SELECT value AS rule
    FROM meta.setting
    WHERE name = 'dates.partial'
),

cm AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        clean_text(cm.cmtrt) AS medication,
        clean_text(cm.cmdecod) AS standard_term,
        nullif(concat_ws(' / ', clean_text(cm.cmcat), clean_text(cm.cmscat)), '') AS category,
        nullif(concat_ws(' / ', clean_text(cm.cmclascd), clean_text(cm.cmclas)), '') AS class,
        clean_text(cm.cmindc) AS indication,
        clean_text(cm.cmstdtc) AS start_text,
        clean_text(cm.cmstdy) AS start_stated,
        coalesce(
            day_from_first_dose(
                cm.cmstdy, cm.cmstdtc, subject.first_dose_date, subject.day_convention, subject.reference_shift_days
            ),
            imputed_day(cm.cmstdtc, subject.first_dose_date, setting.rule)
        ) AS day,
        possible_days(cm.cmstdtc, subject.first_dose_date) AS open_days,
        cm._source_file AS source_file,
        cm._source_row AS source_row
    FROM raw.cm AS cm
    INNER JOIN staging.subject_key AS subject_key
        ON cm._study_id = subject_key.study_id AND clean_text(cm.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    CROSS JOIN setting
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        medication,
        standard_term,
        category,
        class,
        indication,
        start_text,
        start_stated,
        day,
        open_days,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM cm
    GROUP BY ALL
)

SELECT
    patient_id || '/CM' || row_number() OVER (
        PARTITION BY patient_id ORDER BY day NULLS LAST, source.file, source.row
    ) AS medication_id, -- text id of the medication
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    medication, -- medication as written
    standard_term, -- standard term
    category, -- category and subcategory
    class, -- code and name of its class (ATC)
    indication, -- indication
    day, -- first day, from first dose
    CASE WHEN day IS NULL THEN open_days END
        AS open_days, -- days that its partial date leaves open; NULL where the day is known
    n_source_rows, -- rows of CM behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM distinct_row
