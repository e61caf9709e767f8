/* One baseline covariate of one subject, as SUPPDM states it.
   Why: body size, laboratory, primary site and earlier treatment are supplemental qualifiers in SDTM, one row each.
   Caveats: of two values of one qualifier the first in the file counts; n_source_rows says how many there were.
   Grain: one row per patient_id and qualifier
   Key: patient_id, qualifier
*/
SELECT
    subject_key.patient_id, -- text id of the patient
    upper(clean_text(suppdm.qnam)) AS qualifier, -- QNAM, upper case
    min(subject_key.study_id) AS study_id, -- text id of the study
    min_by(
        clean_text(suppdm.qval), struct_pack(file := suppdm._source_file, row := suppdm._source_row)
    ) AS value_text, -- value as written
    count(*) AS n_source_rows -- rows of SUPPDM behind this row
FROM raw.suppdm AS suppdm
INNER JOIN staging.subject_key AS subject_key
    ON suppdm._study_id = subject_key.study_id AND clean_text(suppdm.usubjid) = subject_key.usubjid_raw
WHERE clean_text(suppdm.qval) IS NOT NULL AND clean_text(suppdm.qnam) IS NOT NULL
GROUP BY subject_key.patient_id, upper(clean_text(suppdm.qnam))
