/* A site as a study writes it, and the organ that it means.
   Why: the map is applied once per distinct word, and what it does not know can be listed.
   Caveats: a study's own dictionary goes first, then the lowest priority of staging.site_map that matches; a word
   that nothing matches is 'unknown' and is_mapped is false: 'other' is kept for sites that are known to be none of
   the organs.
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

matched AS (
    SELECT
        named.study_id,
        named.site_raw,
        site_map.organ,
        row_number() OVER (PARTITION BY named.study_id, named.site_raw ORDER BY site_map.priority) AS place
    FROM named
    INNER JOIN staging.site_map AS site_map ON regexp_matches(upper(named.site_raw), site_map.site_raw_pattern)
),

overridden AS (
    SELECT
        study_id,
        upper(trim(site_raw)) AS site_word,
        min(organ) AS organ
    FROM raw.study_site
    GROUP BY study_id, upper(trim(site_raw))
)

SELECT
    named.study_id, -- text id of the study
    named.site_raw, -- site as written
    coalesce(overridden.organ, matched.organ, 'unknown') AS organ, -- organ that it means, or 'unknown'
    coalesce(overridden.organ, matched.organ) IS NOT NULL AS is_mapped, -- a dictionary or a pattern knows it
    overridden.organ IS NOT NULL AS is_study_dictionary -- the study's own dictionary says so
FROM named
LEFT JOIN matched
    ON named.study_id = matched.study_id AND named.site_raw = matched.site_raw AND matched.place = 1
LEFT JOIN overridden
    ON named.study_id = overridden.study_id AND upper(named.site_raw) = overridden.site_word
