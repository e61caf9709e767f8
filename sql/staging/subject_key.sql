/* Every way a study's tables write a subject's id, and the subject that is meant.
   Why: between tables of one trial ids lose their leading zeros (010005 / 10005) or turn into numbers ('123.0').
   Caveats: spellings that differ only in this are joined, unless DM itself lists both of them; the DM spelling is the
   subject's id, else the longest. Ids are compared as text, so that 64-bit ids stay exact.
   Grain: one row per study_id and usubjid_raw
   Key: study_id, usubjid_raw
*/
WITH distinct_spelling AS (
    SELECT
        study_id,
        usubjid_raw,
        bool_or(domain = 'dm') AS is_in_dm,
        -- The id without leading zeros in any of its numbers and without '.0' at its end, still as text.
        regexp_replace(regexp_replace(usubjid_raw, '([0-9])\.0+$', '\1'), '0*([0-9]+)', '\1', 'g') AS plain_id
    FROM staging.subject_record
    GROUP BY study_id, usubjid_raw
),

candidate AS (
    SELECT
        study_id,
        usubjid_raw,
        plain_id,
        is_in_dm,
        count(*) FILTER (WHERE is_in_dm) OVER same_number AS n_in_dm,
        first_value(usubjid_raw) OVER (
            PARTITION BY study_id, plain_id
            ORDER BY is_in_dm DESC, length(usubjid_raw) DESC, usubjid_raw
        ) AS preferred_spelling
    FROM distinct_spelling
    WINDOW same_number AS (PARTITION BY study_id, plain_id)
),

chosen AS (
    SELECT
        study_id,
        usubjid_raw,
        CASE WHEN n_in_dm > 1 THEN usubjid_raw ELSE preferred_spelling END AS usubjid
    FROM candidate
)

SELECT
    study_id, -- text id of the study
    usubjid_raw, -- the id as a table writes it, without surrounding blanks
    usubjid, -- the subject's id in this warehouse
    study_id || '/' || usubjid AS patient_id, -- text id of the patient
    usubjid_raw <> usubjid AS is_respelled -- a table writes the id otherwise than DM does
FROM chosen
