/* One result of one biomarker in one patient.
   Why: laboratory values, ctDNA and tissue tests beside the lesions.
   Caveats: a result below its limit carries the limit as its value. Results that are words have a NULL value and
   stand in value_raw.
   Grain: one row per biomarker_id
   Key: biomarker_id
   Tags: public
*/
SELECT
    laboratory_result_id AS biomarker_id, -- text id of the result
    patient_id, -- text id of the patient
    CASE
        WHEN specimen_type IS NOT NULL
            THEN patient_id || '/' || lower(specimen_type) || '/' || coalesce(CAST(day AS VARCHAR), '?')
    END AS specimen_id, -- text id of the specimen; NULL when the source names none
    study_id, -- text id of the study
    day, -- day from first dose; NULL when not known
    test_code, -- test as a short code
    test, -- test
    assay, -- how it was tested
    value, -- result, in unit
    unit, -- unit of the result
    value_raw, -- result as written
    detection_limit, -- lower limit, in unit
    is_below_limit, -- below the limit
    upper_limit_normal, -- upper limit of the normal range, in unit; NULL where the source has none
    n_source_rows, -- rows of LB behind this row
    source_file, -- file of the (first) row
    source_row -- row in the file
FROM staging.laboratory_result
