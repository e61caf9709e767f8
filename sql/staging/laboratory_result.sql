/* One laboratory result: blood markers, ctDNA, tissue tests.
   Why: biomarkers of tissue and blood stand beside the lesions they come from.
   Caveats: '<5' is a result below the limit: the number is the limit. Rows that repeat in all but the sequence
   number are one row (n_source_rows).
   Grain: one row per subject and distinct LB content
   Key: laboratory_result_id
*/
WITH lb AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        upper(clean_text(lb.lbtestcd)) AS test_code,
        clean_text(lb.lbtest) AS test,
        clean_text(lb.lborres) AS original_result,
        clean_text(lb.lborresu) AS original_unit,
        clean_text(lb.lbstresc) AS standard_text,
        clean_text(lb.lbstresn) AS standard_number,
        clean_text(lb.lbstresu) AS standard_unit,
        clean_text(lb.lbspec) AS specimen_type,
        clean_text(lb.lbmethod) AS assay,
        clean_text(lb.lblloq) AS limit_text,
        clean_text(lb.lbornrhi) AS original_upper_text,
        clean_text(lb.lbstnrhi) AS standard_upper_text,
        clean_text(lb.visit) AS visit,
        clean_text(lb.lbdtc) AS date_text,
        clean_text(lb.lbdy) AS stated_day,
        day_from_first_dose(
            lb.lbdy, lb.lbdtc, subject.first_dose_date, subject.day_convention, subject.reference_shift_days
        ) AS day,
        lb._source_file AS source_file,
        lb._source_row AS source_row
    FROM raw.lb AS lb
    INNER JOIN staging.subject_key AS subject_key
        ON lb._study_id = subject_key.study_id AND clean_text(lb.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.subject AS subject ON subject_key.patient_id = subject.patient_id
),

distinct_row AS (
    SELECT
        study_id,
        patient_id,
        test_code,
        test,
        original_result,
        original_unit,
        standard_text,
        standard_number,
        standard_unit,
        specimen_type,
        assay,
        limit_text,
        original_upper_text,
        standard_upper_text,
        visit,
        date_text,
        stated_day,
        day,
        count(*) AS n_source_rows,
        min(struct_pack(file := source_file, row := source_row)) AS source
    FROM lb
    GROUP BY ALL
),

typed AS (
    SELECT
        distinct_row.*,
        finite_number(
            regexp_extract(coalesce(original_result, standard_text), '^\s*<\s*([0-9.]+)', 1)
        ) AS censored_at,
        coalesce(
            finite_number(standard_number),
            finite_number(standard_text),
            finite_number(original_result)
        ) AS number_found,
        CASE
            WHEN coalesce(finite_number(standard_number), finite_number(standard_text)) IS NOT NULL
                THEN coalesce(standard_unit, original_unit)
            ELSE coalesce(original_unit, standard_unit)
        END AS unit,
        CASE
            WHEN coalesce(finite_number(standard_number), finite_number(standard_text)) IS NOT NULL
                THEN finite_number(standard_upper_text)
            ELSE finite_number(original_upper_text)
        END AS upper_limit_found
    FROM distinct_row
)

SELECT
    patient_id || '/LB' || row_number() OVER (
        PARTITION BY patient_id ORDER BY day NULLS LAST, source.file, source.row, test_code
    ) AS laboratory_result_id, -- text id of the result
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    test_code, -- test as a short code
    coalesce(test, test_code) AS test, -- test
    coalesce(original_result, standard_text) AS value_raw, -- result as written
    CASE
        WHEN censored_at IS NOT NULL THEN censored_at
        WHEN number_found < finite_number(limit_text) THEN finite_number(limit_text)
        ELSE number_found
    END AS value, -- result, in unit; the limit where below it
    unit, -- unit of the result
    specimen_type, -- what was tested
    assay, -- how it was tested
    coalesce(finite_number(limit_text), censored_at) AS detection_limit, -- lower limit, in unit
    coalesce(
        censored_at IS NOT NULL OR coalesce(number_found < finite_number(limit_text), FALSE), FALSE
    ) AS is_below_limit, -- below the limit
    upper_limit_found AS upper_limit_normal, -- upper limit of the normal range, in unit
    visit, -- the source's label of the visit
    day, -- day from first dose
    n_source_rows, -- rows of LB behind this row
    source.file AS source_file, -- file of the (first) row
    source.row AS source_row -- row in the file
FROM typed
