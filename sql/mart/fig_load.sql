/* What one file of a study brought: rows read, taken in, quarantined.
   Why: rows in the file are rows loaded and rows in quarantine, nothing else.
   Grain: one row per study_id, source_file, domain and entry
   Key: study_id, source_file, domain, entry
   Tags: figure
*/
SELECT
    study_id, -- text id of the study
    source_file, -- file
    domain, -- table of raw that it was read into
    entry, -- number of the entry in study.yml
    rows_in_file, -- rows of the file
    rows_loaded, -- rows taken in
    rows_quarantined, -- rows quarantined while loading
    is_balanced -- the first is the sum of the others
FROM quality.load_audit
