/* The sequence number (--SEQ) of a record of the source, by the place where it stands.
   Why: ADaM traces a derived record to the SDTM record behind it by domain and --SEQ; the tables of the warehouse keep
   the file and the row.
   Caveats: a row of a file that is no SDTM dataset may hold several records of one domain; where their numbers differ
   or there are none, the row has no number.
   Grain: one row per domain, study_id, source_file and source_row
   Key: domain, study_id, source_file, source_row
   Tags: view
*/
WITH record AS (
    SELECT
        'tu' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        tuseq AS sequence_text
    FROM raw.tu
    UNION ALL
    SELECT
        'tr' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        trseq AS sequence_text
    FROM raw.tr
    UNION ALL
    SELECT
        'rs' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        rsseq AS sequence_text
    FROM raw.rs
    UNION ALL
    SELECT
        'ex' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        exseq AS sequence_text
    FROM raw.ex
    UNION ALL
    SELECT
        'ds' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        dsseq AS sequence_text
    FROM raw.ds
    UNION ALL
    SELECT
        'ss' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        ssseq AS sequence_text
    FROM raw.ss
    UNION ALL
    SELECT
        'dd' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        ddseq AS sequence_text
    FROM raw.dd
    UNION ALL
    SELECT
        'ae' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        aeseq AS sequence_text
    FROM raw.ae
    UNION ALL
    SELECT
        'lb' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        lbseq AS sequence_text
    FROM raw.lb
    UNION ALL
    SELECT
        'pr' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        prseq AS sequence_text
    FROM raw.pr
    UNION ALL
    SELECT
        'cm' AS domain,
        _study_id AS study_id,
        _source_file AS source_file,
        _source_row AS source_row,
        cmseq AS sequence_text
    FROM raw.cm
)

SELECT
    domain, -- domain of the record, lower case
    study_id, -- text id of the study
    source_file, -- file of the record
    source_row, -- row in the file
    CASE WHEN min(sequence_text) = max(sequence_text) THEN finite_number(min(sequence_text)) END
        AS sequence_number -- its --SEQ; NULL where the source has none, or several
FROM record
GROUP BY domain, study_id, source_file, source_row
