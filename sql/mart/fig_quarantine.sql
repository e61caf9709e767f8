/* Rows quarantined, by study and reason.
   Why: what the numbers do not contain, with what to do about it.
   Caveats: the rows themselves are in quality.quarantine.
   Grain: one row per study_id, domain, stage, reason_id and reason
   Key: study_id, domain, stage, reason_id, reason
   Tags: figure
*/
SELECT
    coalesce(study_id, 'not known') AS study_id, -- text id of the study
    domain, -- table of raw that the rows were meant for
    stage, -- load or staging
    reason_id, -- reason as a word
    reason, -- why they cannot be used
    min(remedy) AS remedy, -- what to do about it
    count(*) AS n_rows -- rows
FROM quality.quarantine
GROUP BY coalesce(study_id, 'not known'), domain, stage, reason_id, reason
