/* Rows of one step of the way from source to core: each one is accounted for.
   Why: rows in = rows out + quarantined + excluded + collapsed, at every step.
   Grain: one row per step
   Key: step
   Tags: figure
*/
SELECT
    step, -- from which table to which
    step_order, -- order of the steps
    rows_in, -- rows in
    rows_out, -- rows out
    rows_quarantined, -- rows quarantined
    rows_excluded, -- rows that are not meant for the next table
    rows_collapsed, -- rows brought together into one
    is_balanced, -- the first is the sum of the others
    reason -- why rows left
FROM quality.row_audit
