/* What became of the rows of one file.
   Why: rows in the file = rows in raw + rows in quarantine, file by file.
   Caveats: a file that study.yml lists more than once stands once per record entry.
   Grain: one row per study, file and record entry
   Key: study_id, source_file, domain, entry
   Tags: public
*/
SELECT
    study_id, -- text id of the study
    source_file, -- file, relative to the study's folder
    domain, -- table of raw that its rows went to
    CAST(
        row_number() OVER (
            PARTITION BY study_id, source_file, domain ORDER BY rows_in_file, rows_loaded, rows_quarantined
        ) AS INTEGER
    ) AS entry, -- number of the entry among those of this file and table
    rows_in_file, -- records in the file
    rows_loaded, -- rows that went to raw
    rows_quarantined, -- rows that went to quality.quarantine
    sha256, -- SHA-256 of the file
    rows_in_file = rows_loaded + rows_quarantined AS is_balanced -- every record is accounted for
FROM raw.load_audit
