/* One dose, or one stretch of dosing, of one patient.
   Why: what was given, when, and when it ended.
   Caveats: rows that repeat in the source are one row (n_source_rows).
   Grain: one row per exposure_id
   Key: exposure_id
   Tags: public
*/
SELECT
    exposure_id, -- text id of the exposure
    patient_id, -- text id of the patient
    study_id, -- text id of the study
    treatment, -- drug as written
    dose, -- dose, in dose_unit
    dose_unit, -- unit of the dose
    dose_frequency, -- how often
    route, -- route of administration
    start_day, -- first day, from first dose
    end_day, -- last day, from first dose
    n_source_rows, -- rows of EX behind this row
    source_file, -- file of the (first) row
    source_row -- row in the file
FROM staging.exposure
