/* A lesion that tells nothing of itself under the drug from a day on, and why: it was treated locally, merged or split.
   Why: events, growth data, phases and distances between lesions stop before the same day.
   How: the earlier of analysis.local_treatment.not_evaluable_from and analysis.lineage_change.changed_day; where both
   are on one day, the local treatment.
   Caveats: sums of diameters do not use it: a merged size goes on in a sum, a lesion treated locally does not. Under
   local_treatment.policy kept a local treatment cuts nothing off.
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: public
*/
WITH reason AS (
    SELECT
        lesion_id,
        not_evaluable_from AS cutoff_day,
        'local_treatment' AS cutoff_reason
    FROM analysis.local_treatment
    WHERE not_evaluable_from IS NOT NULL
    UNION ALL
    SELECT
        lesion_id,
        changed_day AS cutoff_day,
        relation AS cutoff_reason
    FROM analysis.lineage_change
)

SELECT
    lesion_id, -- text id of the lesion
    cutoff_day, -- first day from first dose that does not count any more
    cutoff_reason -- local_treatment, merged or split
FROM reason
QUALIFY row_number() OVER (PARTITION BY lesion_id ORDER BY cutoff_day, cutoff_reason) = 1
