/* Which share of an organ's lesions goes another way than the patient's sum of diameters.
   Why: large and many lesions make the sum, small ones are hidden by it.
   Caveats: target lesions of patients whose sum has phases; organs with few lesions are pooled as other.
   Reference: Zhou et al. 2021, Fig. 1D.
   Grain: one row per pooled organ
   Key: organ
   Tags: figure
*/
WITH lesion AS (
    SELECT
        pooled_organ.pooled_organ,
        pooled_organ.display_name,
        pooled_organ.sort_order,
        phase.is_consistent_with_total
    FROM analysis.lesion_phase AS phase
    INNER JOIN core.lesion AS lesion ON phase.lesion_id = lesion.lesion_id
    INNER JOIN analysis.pooled_organ AS pooled_organ ON lesion.organ = pooled_organ.organ
    WHERE phase.is_consistent_with_total IS NOT NULL
)

SELECT
    pooled_organ AS organ, -- analysis.pooled_organ
    min(display_name) AS display_name, -- name for figures
    min(sort_order) AS sort_order, -- order in figures
    count(*) AS n_lesions, -- lesions compared
    count(*) FILTER (WHERE NOT is_consistent_with_total) AS n_inconsistent, -- of them, with other phases than the sum
    count(*) FILTER (WHERE NOT is_consistent_with_total) / count(*) AS fraction_inconsistent -- their share
FROM lesion
GROUP BY pooled_organ
