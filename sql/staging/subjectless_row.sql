/* A row of a table that names no subject, in the tables that have no screen of their own.
   Why: it cannot be given to anybody, and must not vanish: it goes to quality.quarantine.
   Caveats: DM, TU, TR, RS and RF have their own screens. A source without patients (patients: unknown) has lesions
   only: rows of these tables have nobody to belong to there either.
   Grain: one row per row without a subject
   Key: domain, row_number
*/
WITH subjectless AS (
    SELECT
        'suppdm' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.suppdm
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'supptr' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.supptr
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'supptu' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.supptu
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'sim' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.sim
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'ex' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ex
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'ds' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ds
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'ss' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ss
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'dd' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.dd
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'ae' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.ae
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'lb' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.lb
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'pr' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.pr
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'cm' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.cm
    WHERE clean_text(usubjid) IS NULL
    UNION ALL
    SELECT
        'adtte' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row
    FROM raw.adtte
    WHERE clean_text(usubjid) IS NULL
)

SELECT
    domain, -- table of raw
    row_number() OVER (
        PARTITION BY domain ORDER BY study_id, source_file, source_row
    ) AS row_number, -- number within the table
    study_id, -- text id of the study
    source_file, -- file of the row
    source_row -- row in the file
FROM subjectless
