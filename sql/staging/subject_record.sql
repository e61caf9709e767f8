/* How each table of a study writes the id of a subject, with the number of its rows and the first of them.
   Why: one place that names every table with subjects; staging.subject_key joins spellings, quality.finding_identity
   names those that DM does not have.
   Caveats: ids are compared as text with blanks trimmed; rows without an id have no row here.
   Grain: one row per study_id, domain and usubjid_raw
   Key: study_id, domain, usubjid_raw
*/
WITH subject_row AS (
    SELECT
        'dm' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.dm
    UNION ALL
    SELECT
        'suppdm' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.suppdm
    UNION ALL
    SELECT
        'tu' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.tu
    UNION ALL
    SELECT
        'tr' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.tr
    UNION ALL
    SELECT
        'supptr' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.supptr
    UNION ALL
    SELECT
        'supptu' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.supptu
    UNION ALL
    SELECT
        'rs' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.rs
    UNION ALL
    SELECT
        'ex' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.ex
    UNION ALL
    SELECT
        'ds' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.ds
    UNION ALL
    SELECT
        'ss' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.ss
    UNION ALL
    SELECT
        'dd' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.dd
    UNION ALL
    SELECT
        'ae' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.ae
    UNION ALL
    SELECT
        'lb' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.lb
    UNION ALL
    SELECT
        'pr' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.pr
    UNION ALL
    SELECT
        'cm' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.cm
    UNION ALL
    SELECT
        'adtte' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.adtte
    UNION ALL
    SELECT
        'rf' AS domain,
        _study_id,
        usubjid,
        _source_file,
        _source_row
    FROM raw.rf
),

counted AS (
    SELECT
        _study_id AS study_id,
        domain,
        clean_text(usubjid) AS usubjid_raw,
        count(*) AS n_rows,
        min(struct_pack(file := _source_file, row := _source_row)) AS first_row
    FROM subject_row
    GROUP BY _study_id, domain, clean_text(usubjid)
)

SELECT
    study_id, -- text id of the study
    domain, -- table of raw
    usubjid_raw, -- id of the subject as the table writes it, blanks trimmed
    n_rows, -- rows of the table that write it so
    first_row.file AS source_file, -- file of the first of these rows
    first_row.row AS source_row -- row in the file
FROM counted
WHERE usubjid_raw IS NOT NULL
