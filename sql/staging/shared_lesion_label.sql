/* A link id that one reader uses for lesions of more than one type.
   Why: lesion numbers restart per type in some sources; lesion 1 of the target lesions is not lesion 1 of the others.
   Caveats: judged by the types that TU and TR's groups state for it.
   Grain: one row per lesion_base_id
   Key: lesion_base_id
*/
WITH claim AS (
    SELECT DISTINCT
        lesion_base_id,
        lesion_type
    FROM staging.tumor_identification_screen
    WHERE disposition = 'kept' AND lesion_type IS NOT NULL
    UNION
    SELECT DISTINCT
        lesion_base_id,
        lesion_type
    FROM staging.tumor_result_screen
    WHERE disposition = 'kept' AND lesion_type IS NOT NULL AND lesion_base_id IS NOT NULL
)

SELECT
    lesion_base_id, -- text id before the types are told apart
    count(*) AS n_types -- lesion types that it is used for
FROM claim
GROUP BY lesion_base_id
HAVING count(*) > 1
