/* A lesion whose size is another lesion's from a day on: it merged with others, went into one, or split.
   Why: what merged did not grow and what split did not shrink. A size after that day compares with none before it, so
   that no progression and no response of a lesion arises from a merging or a splitting alone.
   How: changed_day is the day of the merging or splitting, for the lesion that goes on under its link id and for those
   that went into it. From that day on the lesion's sizes are compared with nothing (analysis.lesion_change), its events
   are censored there (analysis.lesion_event), and growth, phases and Gower distances stop before it. A sum of diameters
   goes on with the merged size, or with all the parts.
   Caveats: a lesion that begins with the merging or splitting under a link id of its own (T01.1, T01/T02) has its
   baseline then and stays as it is. A non-target lesion that others went into is judged by words, which compare with no
   size: it goes on. Lesions of all readers are here. A splitting of which no day is known counts from
   the first day of the part.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.3.1 and 4.3.2 (lesions that split or coalesce).
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: public
*/
WITH lineage AS (
    SELECT
        lineage.lesion_id,
        lineage.related_lesion_id,
        lineage.relation,
        coalesce(lineage.day, descendant.first_day) AS day
    FROM core.lesion_lineage AS lineage
    INNER JOIN core.lesion AS descendant ON lineage.lesion_id = descendant.lesion_id
    WHERE lineage.relation <> 'duplicate'
),

touched AS (
    SELECT
        lineage.lesion_id,
        lineage.day,
        lineage.relation,
        lineage.related_lesion_id AS other_lesion_id
    FROM lineage
    INNER JOIN core.lesion AS lesion ON lineage.lesion_id = lesion.lesion_id
    WHERE lesion.lesion_type = 'target' AND lesion.baseline_day < lineage.day
    UNION ALL
    SELECT
        related_lesion_id AS lesion_id,
        day,
        relation,
        lesion_id AS other_lesion_id
    FROM lineage
)

SELECT
    lesion_id, -- text id of the lesion
    min(day) AS changed_day, -- day from first dose from which its size is not its own any more
    min_by(relation, struct_pack(day := day, relation := relation)) AS relation, -- merged or split
    string_agg(DISTINCT other_lesion_id, ', ' ORDER BY other_lesion_id) AS other_lesion_ids -- the lesions concerned
FROM touched
WHERE day IS NOT NULL
GROUP BY lesion_id
