/* Known defects of trial tables: how often each was found and what was done.
   Why: a defect that is looked for and not found is worth as much as one that is.
   Caveats: only defects that rows can show (is_detectable); single findings are in quality.finding.
   Grain: one row per defect_id
   Key: defect_id
   Tags: figure
*/
SELECT
    counted.defect_id, -- entry of quality.defect
    defect.section, -- part of the data it is about
    defect.severity, -- how bad
    counted.title, -- the defect
    counted.handling, -- what is done with it
    counted.n_quarantined, -- rows quarantined for it
    counted.n_findings, -- findings
    counted.n_handled, -- rows corrected
    defect.remedy -- what to do about it
FROM quality.defect_count AS counted
INNER JOIN quality.defect AS defect ON counted.defect_id = defect.defect_id
WHERE counted.is_detectable
