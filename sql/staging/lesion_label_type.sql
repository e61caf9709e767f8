/* What a link id is used for by one reader: for one type of lesion, or for several.
   Why: lesion numbers restart per type in some sources; lesion 1 of the target lesions is not lesion 1 of the others.
   How: where TU gives the link id one type, that type holds, whatever the groups of TR say (where they say another,
   quality.defect identity.5a reports it); TU under no reader speaks for readers who have no rows of their own there.
   Where TU gives none, or several, the groups of TR count too.
   Grain: one row per lesion_base_id
   Key: lesion_base_id
*/
WITH claim AS (
    SELECT
        lesion_base_id,
        unread_base_id,
        lesion_type
    FROM staging.tumor_identification_screen
    WHERE disposition = 'kept'
    UNION
    SELECT
        lesion_base_id,
        unread_base_id,
        lesion_type
    FROM staging.tumor_result_screen
    WHERE disposition = 'kept' AND lesion_base_id IS NOT NULL
),

label AS (
    SELECT
        lesion_base_id,
        min(unread_base_id) AS unread_base_id,
        count(DISTINCT lesion_type) AS n_claimed_types
    FROM claim
    GROUP BY lesion_base_id
),

identified AS (
    SELECT
        label.lesion_base_id,
        label.n_claimed_types,
        CASE WHEN own.n_types > 0 THEN own.lesion_type ELSE unread.lesion_type END AS identified_type
    FROM label
    LEFT JOIN staging.identified_label AS own ON label.lesion_base_id = own.lesion_base_id
    LEFT JOIN staging.identified_label AS unread ON label.unread_base_id = unread.lesion_base_id
)

SELECT
    lesion_base_id, -- text id before the types are told apart
    identified_type, -- the one type that TU gives it; NULL where TU gives none, or several
    identified_type IS NULL AND n_claimed_types > 1 AS is_shared -- used for lesions of several types
FROM identified
