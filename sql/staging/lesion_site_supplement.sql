/* Sites of lesions from SUPPTR's TRLOC, for sources that leave TULOC blank.
   Why: organ is on the TU row in most trials, in the supplement of TR in some.
   Caveats: joined by subject and TRSEQ. Of several sites of one lesion the one named most often counts.
   Grain: one row per lesion_id
   Key: lesion_id
*/
WITH supplement AS (
    SELECT
        supptr._study_id AS study_id,
        subject_key.usubjid,
        whole_day(supptr.idvarval) AS sequence_number,
        clean_text(supptr.qval) AS site_raw
    FROM raw.supptr AS supptr
    INNER JOIN staging.subject_key AS subject_key
        ON supptr._study_id = subject_key.study_id AND clean_text(supptr.usubjid) = subject_key.usubjid_raw
    WHERE
        upper(clean_text(supptr.qnam)) = 'TRLOC' AND upper(clean_text(supptr.idvar)) = 'TRSEQ'
        AND clean_text(supptr.qval) IS NOT NULL
),

located AS (
    SELECT
        tumor_result.study_id,
        tumor_result.lesion_id,
        supplement.site_raw,
        count(*) AS n_rows
    FROM staging.tumor_result AS tumor_result
    INNER JOIN supplement
        ON
            tumor_result.study_id = supplement.study_id
            AND tumor_result.usubjid = supplement.usubjid
            AND whole_day(tumor_result.sequence_number) = supplement.sequence_number
    WHERE tumor_result.lesion_id IS NOT NULL
    GROUP BY tumor_result.study_id, tumor_result.lesion_id, supplement.site_raw
),

ranked AS (
    SELECT
        study_id,
        lesion_id,
        site_raw,
        sum(n_rows) OVER (PARTITION BY lesion_id) AS n_source_rows,
        row_number() OVER (PARTITION BY lesion_id ORDER BY n_rows DESC, site_raw ASC) AS place
    FROM located
)

SELECT
    study_id, -- text id of the study
    lesion_id, -- text id of the lesion
    site_raw, -- site as written
    CAST(n_source_rows AS BIGINT) AS n_source_rows -- rows of SUPPTR behind this row
FROM ranked
WHERE place = 1
