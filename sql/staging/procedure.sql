/* One procedure: surgery, irradiation, biopsy.
   Why: a lesion that was irradiated or cut out no longer tells what the drug does.
   Caveats: radionuclides given to the whole body count as radiotherapy. Rows that repeat in all but the sequence
   number are one row (n_source_rows).
   Grain: one row per subject and distinct PR content
   Key: procedure_id
*/
WITH setting AS (
    SELECT value AS rule
    FROM meta.setting
    WHERE name = 'dates.partial'
),

pr AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        clean_text(pr.prtrt) AS procedure,
        clean_text(pr.prdecod) AS standard_term,
        clean_text(pr.prcat) AS category,
        clean_text(pr.prloc) AS site_raw,
        known_id(pr.prlnkid) AS lesion_label,
        clean_text(pr.prindc) AS indication,
        clean_text(pr.prstdtc) AS date_text,
        clean_text(pr.prstdy) AS stated_day,
        coalesce(
            day_from_first_dose(
                pr.prstdy, pr.prstdtc, subject.first_dose_date, subject.day_convention, subject.reference_shift_days
            ),
            imputed_day(pr.prstdtc, subject.first_dose_date, setting.rule)
        ) AS day,
        possible_days(pr.prstdtc, subject.first_dose_date) AS open_days,
        pr._source_file AS source_file,
        pr._source_row AS source_row
    FROM raw.pr AS pr
    INNER JOIN staging.subject_key AS subject_key
        ON pr._study_id = subject_key.study_id AND clean_text(pr.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
    CROSS JOIN setting
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        procedure,
        standard_term,
        category,
        site_raw,
        lesion_label,
        indication,
        date_text,
        stated_day,
        day,
        open_days,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM pr
    GROUP BY ALL
),

worded AS (
    SELECT
        distinct_row.*,
        upper(concat_ws(' ', procedure, standard_term, category)) AS words
    FROM distinct_row
)

SELECT
    patient_id || '/PR' || row_number() OVER (
        PARTITION BY patient_id ORDER BY day NULLS LAST, source.file, source.row
    ) AS procedure_id, -- text id of the procedure
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    procedure, -- procedure as written
    standard_term, -- standard term
    category, -- category
    CASE
        WHEN regexp_matches(words, 'BIOPS|ASPIRAT|PUNCTURE')
            THEN 'biopsy'
        WHEN regexp_matches(words, 'ABLAT|EMBOLI[SZ]AT|\bTACE\b|\bSIRT\b')
            THEN 'local ablation'
        -- Pictures taken with rays or with a tracer treat nothing.
        WHEN regexp_matches(words, 'SCINTIGRA|IMAGING|\bSCAN\b')
            THEN 'other'
        WHEN
            regexp_matches(
                words,
                'RADIO-?(CHEMO|THER|SURG|NUCL|ISOTOP|IODINE|IMMUNO)|RADIATION|IRRADIAT|BRACHYTHER|PROTON THER'
                || '|SBRT|WBRT|\bSRS\b|GAMMA KNIFE|CYBERKNIFE|RADIUM|STRONTIUM|SAMARIUM|LUTETIUM'
                || '|\b(RA-?223|SR-?89|SM-?153|LU-?177|177-?LU|I-?131|131-?I)\b'
            )
            THEN 'radiotherapy'
        WHEN regexp_matches(words, 'SURG|RESECT|ECTOMY|EXCIS|OPERATION')
            THEN 'surgery'
        ELSE 'other'
    END AS procedure_type, -- surgery, radiotherapy, local ablation, biopsy or other
    site_raw, -- site as written
    lesion_label, -- the source's link id of the lesion
    indication, -- indication
    day, -- day from first dose
    CASE WHEN day IS NULL THEN open_days END
        AS open_days, -- days that its partial date leaves open; NULL where the day is known
    n_source_rows, -- rows of PR behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM worded
