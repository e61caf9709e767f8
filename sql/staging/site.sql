/* A site as a study writes it, and the organ that it means.
   Why: the map is applied once per distinct word, and what it does not know can be listed.
   How: the first of these that knows the site: the study's own dictionary; CDISC's term (staging.site_term), also
   without words of side; the patterns for lymph nodes (staging.site_map, priority below 20); what stands
   before the first comma, where it is a term for one organ ('LIVER, near the kidney' is liver); the other patterns.
   Caveats: a word that nothing knows is 'unknown' and is_mapped is false: 'other' is kept for sites that are known to
   be none of the organs. The words of SUPPTU stand after TULOC, with a comma.
   Grain: one row per study_id and site_raw
   Key: study_id, site_raw
*/
WITH named AS (
    SELECT
        study_id,
        site_raw
    FROM staging.tumor_identification
    WHERE site_raw IS NOT NULL
    UNION
    SELECT
        _study_id AS study_id,
        clean_text(prloc) AS site_raw
    FROM raw.pr
    WHERE clean_text(prloc) IS NOT NULL
    UNION
    SELECT
        study_id,
        site_raw
    FROM staging.lesion_site_supplement
),

worded AS (
    SELECT
        study_id,
        site_raw,
        upper(site_raw) AS site_word,
        site_without_side(site_raw) AS core_word,
        site_without_side(split_part(site_raw, ',', 1)) AS leading_word
    FROM named
),

term AS (
    SELECT
        term AS site_term,
        site_without_side(term) AS core_term,
        organ
    FROM staging.site_term
),

-- Regions and kinds of tissue say less than the words that follow them.
specific_term AS (
    SELECT
        site_term,
        organ
    FROM term
    WHERE organ NOT IN ('ln', 'abdomen', 'pelvis', 'chest', 'head_neck', 'soft_tissue', 'other', 'unknown')
),

dictionary AS (
    SELECT
        study_id,
        upper(trim(site_raw)) AS site_word,
        min(organ) AS organ
    FROM raw.study_site
    GROUP BY study_id, upper(trim(site_raw))
),

candidate AS (
    SELECT
        worded.study_id,
        worded.site_raw,
        dictionary.organ,
        'study' AS source,
        CASE WHEN worded.site_word = dictionary.site_word THEN 1 ELSE 2 END AS rank,
        -length(dictionary.site_word) AS place
    FROM worded
    INNER JOIN dictionary
        ON
            worded.study_id = dictionary.study_id
            AND (
                worded.site_word = dictionary.site_word OR starts_with(worded.site_word, dictionary.site_word || ',')
            )
    UNION ALL
    SELECT
        worded.study_id,
        worded.site_raw,
        term.organ,
        'term' AS source,
        3 AS rank,
        0 AS place
    FROM worded
    INNER JOIN term ON worded.site_word = term.site_term
    UNION ALL
    SELECT
        worded.study_id,
        worded.site_raw,
        min(term.organ) AS organ,
        'term' AS source,
        4 AS rank,
        0 AS place
    FROM worded
    INNER JOIN term ON worded.core_word = term.core_term
    GROUP BY worded.study_id, worded.site_raw
    HAVING count(DISTINCT term.organ) = 1
    UNION ALL
    SELECT
        worded.study_id,
        worded.site_raw,
        specific_term.organ,
        'term' AS source,
        6 AS rank,
        0 AS place
    FROM worded
    INNER JOIN specific_term ON worded.leading_word = specific_term.site_term
    UNION ALL
    SELECT
        worded.study_id,
        worded.site_raw,
        site_map.organ,
        'pattern' AS source,
        CASE WHEN site_map.priority < 20 THEN 5 ELSE 7 END AS rank,
        site_map.priority AS place
    FROM worded
    INNER JOIN staging.site_map AS site_map ON regexp_matches(worded.site_word, site_map.site_raw_pattern)
),

chosen AS (
    SELECT
        study_id,
        site_raw,
        arg_min(organ, (rank, place)) AS organ,
        arg_min(source, (rank, place)) AS source
    FROM candidate
    GROUP BY study_id, site_raw
)

SELECT
    worded.study_id, -- text id of the study
    worded.site_raw, -- site as written
    coalesce(chosen.organ, 'unknown') AS organ, -- organ that it means, or 'unknown'
    coalesce(NOT (chosen.source = 'term' AND chosen.organ = 'unknown'), FALSE)
        AS is_mapped, -- a dictionary, a term or a pattern knows it
    coalesce(chosen.source = 'study', FALSE) AS is_study_dictionary -- the study's own dictionary says so
FROM worded
LEFT JOIN chosen ON worded.study_id = chosen.study_id AND worded.site_raw = chosen.site_raw
