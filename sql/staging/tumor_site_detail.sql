/* Words on the site of one record of TU that stand in SUPPTU.
   Why: TULOC = OTHER, or LYMPH NODE, names no place; the supplemental qualifiers of staging.site_qualifier do.
   Caveats: joined by subject and TUSEQ (IDVAR). Several qualifiers of one record follow each other in the order of
   staging.site_qualifier, with a comma between them.
   Grain: one row per patient_id and sequence_number
   Key: patient_id, sequence_number
*/
WITH qualifier AS (
    SELECT
        subject_key.study_id,
        subject_key.patient_id,
        whole_day(supptu.idvarval) AS sequence_number,
        clean_text(supptu.qval) AS words,
        struct_pack(
            place := site_qualifier.place, file := supptu._source_file, row := supptu._source_row
        ) AS position
    FROM raw.supptu AS supptu
    INNER JOIN staging.subject_key AS subject_key
        ON supptu._study_id = subject_key.study_id AND clean_text(supptu.usubjid) = subject_key.usubjid_raw
    INNER JOIN staging.site_qualifier AS site_qualifier
        ON upper(clean_text(supptu.qnam)) = site_qualifier.qualifier
    WHERE upper(clean_text(supptu.idvar)) = 'TUSEQ' AND clean_text(supptu.qval) IS NOT NULL
),

identified AS (
    SELECT DISTINCT
        subject_key.patient_id,
        whole_day(tu.tuseq) AS sequence_number
    FROM raw.tu AS tu
    INNER JOIN staging.subject_key AS subject_key
        ON tu._study_id = subject_key.study_id AND clean_text(tu.usubjid) = subject_key.usubjid_raw
)

SELECT
    qualifier.patient_id, -- text id of the patient
    CAST(qualifier.sequence_number AS BIGINT) AS sequence_number, -- TUSEQ of the record
    min(qualifier.study_id) AS study_id, -- text id of the study
    string_agg(qualifier.words, ', ' ORDER BY qualifier.position) AS site_detail, -- the words, in order
    count(*) AS n_source_rows -- rows of SUPPTU behind this row
FROM qualifier
INNER JOIN identified
    ON qualifier.patient_id = identified.patient_id AND qualifier.sequence_number = identified.sequence_number
GROUP BY qualifier.patient_id, qualifier.sequence_number
