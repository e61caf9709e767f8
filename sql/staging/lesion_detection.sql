/* When a lesion was first found, were it a new one, and how surely.
   Why: a row that names a new lesion is no finding. ABSENT, NORMAL, 0 mm, NOT DONE and NOT EVALUABLE say that nothing
   was found; EQUIVOCAL is not progression, and where a later scan is sure, progression is dated back to the first
   finding.
   How: each day of TR says present, equivocal, absent or not evaluable: a word before a size, the accepted record
   before others, and of two words the one that finds more. A row of TU dates the identification: it is a finding,
   unless its own words or TR's of the same day say no. TU has no word for equivocal, so it is as sure as the nearest
   finding of TR: the next day's, unless the lesion is absent then, else the one before; sure where TR has none.
   The findings since the last absence are one chain. The lesion is detected on the first day of the chain that holds
   the first sure finding: equivocal, absent, unequivocal dates from the unequivocal one.
   Caveats: worked out for every lesion; only new ones are detected. Days as the source dates them.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.3.5.
   Grain: one row per lesion_id with a dated finding, or a dated word that says no
   Key: lesion_id
*/
WITH result_row AS (
    SELECT
        tumor_result.lesion_id,
        tumor_result.day,
        tumor_result.is_accepted,
        tumor_result.result_kind = 'state' AS is_word,
        CASE
            WHEN tumor_result.result_kind = 'state' THEN word.presence
            WHEN coalesce(tumor_result.size_mm, tumor_result.volume_mm3) > 0 THEN 'present'
            ELSE 'absent'
        END AS presence
    FROM staging.tumor_result AS tumor_result
    LEFT JOIN staging.tumor_state_word AS word
        ON tumor_result.state_word = word.word AND word.lesion_type = 'new'
    WHERE
        tumor_result.lesion_id IS NOT NULL
        AND tumor_result.day IS NOT NULL
        AND tumor_result.result_kind IN ('size', 'state')
),

result_day AS (
    SELECT
        lesion_id,
        day,
        presence
    FROM result_row
    WHERE presence <> 'not_done'
    QUALIFY row_number() OVER (
        PARTITION BY lesion_id, day
        ORDER BY
            presence = 'not_evaluable' ASC,
            is_word DESC,
            is_accepted DESC,
            CASE presence WHEN 'present' THEN 1 WHEN 'equivocal' THEN 2 ELSE 3 END ASC
    ) = 1
),

-- A day that TU identifies the lesion on; its own words may say otherwise.
identified_day AS (
    SELECT
        lesion_id,
        day,
        min(
            CASE
                WHEN regexp_matches(upper(result), '\b(ABSENT|RESOLVED|NOT (SEEN|PRESENT|FOUND))\b') THEN 'absent'
                WHEN regexp_matches(upper(result), '\bEQUIVOCAL\b') THEN 'equivocal'
                ELSE 'identified'
            END
        ) AS presence
    FROM staging.tumor_identification
    WHERE day IS NOT NULL
    GROUP BY lesion_id, day
),

any_day AS (
    SELECT
        coalesce(result_day.lesion_id, identified_day.lesion_id) AS lesion_id,
        coalesce(result_day.day, identified_day.day) AS day,
        coalesce(result_day.presence, identified_day.presence) AS presence,
        nullif(result_day.presence, 'not_evaluable') AS result_presence
    FROM result_day
    FULL OUTER JOIN identified_day
        ON result_day.lesion_id = identified_day.lesion_id AND result_day.day = identified_day.day
),

neighbour AS (
    SELECT
        *,
        lead(result_presence IGNORE NULLS) OVER days AS next_presence,
        lag(result_presence IGNORE NULLS) OVER days AS previous_presence
    FROM any_day
    WINDOW days AS (PARTITION BY lesion_id ORDER BY day)
),

seen AS (
    SELECT
        lesion_id,
        day,
        CASE
            WHEN presence <> 'identified' THEN presence
            WHEN next_presence <> 'absent' THEN next_presence
            WHEN previous_presence <> 'absent' THEN previous_presence
            ELSE 'present'
        END AS presence
    FROM neighbour
),

chained AS (
    SELECT
        lesion_id,
        day,
        presence,
        count(*) FILTER (WHERE presence = 'absent') OVER (PARTITION BY lesion_id ORDER BY day) AS chain
    FROM seen
),

first_sure AS (
    SELECT
        lesion_id,
        min(day) AS day,
        min_by(chain, day) AS chain
    FROM chained
    WHERE presence = 'present'
    GROUP BY lesion_id
)

SELECT
    chained.lesion_id, -- text id of the lesion
    CASE
        WHEN bool_or(chained.presence = 'present') THEN 'certain'
        WHEN bool_or(chained.presence = 'equivocal') THEN 'equivocal'
        WHEN bool_or(chained.presence = 'absent') THEN 'not_found'
        ELSE 'not_evaluable'
    END AS detection, -- certain, equivocal (never confirmed), not_found (absent throughout) or not_evaluable
    min(chained.day) FILTER (
        WHERE chained.presence IN ('present', 'equivocal') AND chained.chain = coalesce(first_sure.chain, chained.chain)
    ) AS first_found_day, -- day that it dates from: first of the chain that was sure, else the first equivocal one
    min(first_sure.day) AS first_sure_day -- first day on which it was surely there; NULL where it never was
FROM chained
LEFT JOIN first_sure ON chained.lesion_id = first_sure.lesion_id
GROUP BY chained.lesion_id
