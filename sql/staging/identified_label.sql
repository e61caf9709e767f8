/* A link id as one reader identified it in TU: of which type, or as no tumor.
   Why: TU says what a lesion is. Results of what it calls benign are of no tumor, and the type that it gives holds
   whatever the groups of TR say.
   Caveats: TU under no reader is here under reader '-', and speaks for readers who have no row of their own.
   Grain: one row per lesion_base_id of TU
   Key: lesion_base_id
*/
SELECT
    lesion_base_id, -- text id of the lesion, before a link id used for two types is told apart
    count(DISTINCT lesion_type) AS n_types, -- types that TU gives it
    CASE WHEN count(DISTINCT lesion_type) = 1 THEN min(lesion_type) END AS lesion_type, -- the type, where it is one
    bool_or(is_no_tumor) AS has_no_tumor, -- a row calls it benign
    min(day) FILTER (WHERE is_no_tumor) AS no_tumor_day, -- first day of such a row
    bool_or(is_no_tumor) AND count(DISTINCT lesion_type) = 0 AS is_no_tumor -- called benign, and no type of lesion
FROM staging.tumor_identification_screen
WHERE lesion_base_id IS NOT NULL AND reason_id IN ('kept', 'not_a_tumor')
GROUP BY lesion_base_id
