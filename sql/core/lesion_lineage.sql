/* How lesions of one reader are related: split from, merged of, or the same lesion marked twice.
   Why: a lesion that split did not shrink, one that merged did not grow, and one that is marked twice counts twice.
   The rules: split, when a TUSPLIT row of TU (by its TUGRPID) or the link id says so ('T01.1' from 'T01'); merged, when
   a TUMERGE row or the link id says so ('T01/T02' of 'T01' and 'T02'), or when lesions of one organ are said to have
   coalesced (TUMOR MERGED) on one day; duplicate, when two target lesions of one site have equal long axes on each of
   their days, on five days or more 10 mm or above, with three different sizes or more among these (the rule of
   quality.defect identity.3c).
   Of lesions that coalesced, the one that carries a size from then on is the survivor (lesion_id), whatever its number;
   where all carry the same size, the first. Where one lesion alone is said to have merged, the survivor is the one
   other lesion of the organ that is still measured; or it is itself, and the one other lesion measured until then and
   never after went into it. Where several lesions could be meant there is no relation (quality.defect identity.3d).
   Caveats: relations whose other lesion is not in the data are left out. A duplicate is a suspicion, not a fact: sizes
   are rounded to mm, and among thousands of lesions a few pairs agree by chance. Both lesions stay in the analysis;
   whoever knows that they are one excludes the mark that is lesion_id here.
   Reference: CDISC SDTMIG TU (TUSPLIT, TUMERGE); RECIST 1.1, section 4.3.1.
   Grain: one row per lesion_id, related_lesion_id and relation
   Key: lesion_id, related_lesion_id, relation
   Tags: public
*/
WITH lesion AS (
    SELECT
        lesion_id,
        study_id,
        coalesce(patient_id, study_id) AS subject,
        patient_id,
        reader,
        lesion_label,
        lesion_type,
        site_raw,
        organ,
        first_day
    FROM staging.lesion
),

split_or_merge_row AS (
    SELECT
        lesion_id,
        min(day) AS day
    FROM staging.tumor_identification
    WHERE test_code IN ('TUSPLIT', 'TUMERGE')
    GROUP BY lesion_id
),

-- TUGRPID of such a row names what it came from: T04 of T04.1, or T01/T02 of T05.
grouped_row AS (
    SELECT DISTINCT
        lesion_id,
        CASE test_code WHEN 'TUSPLIT' THEN 'split' ELSE 'merged' END AS relation,
        trim(unnest(regexp_split_to_array(lesion_group, '[/+&,]'))) AS related_label
    FROM staging.tumor_identification
    WHERE test_code IN ('TUSPLIT', 'TUMERGE') AND lesion_group IS NOT NULL
),

origin_label AS (
    SELECT
        lesion.lesion_id,
        lesion.subject,
        lesion.reader,
        lesion.lesion_type,
        lesion.first_day,
        'split' AS relation,
        regexp_replace(lesion.lesion_label, '\.[0-9A-Za-z]+$', '') AS related_label
    FROM lesion
    WHERE regexp_matches(lesion.lesion_label, '^.+\.[0-9A-Za-z]+$')
    UNION ALL
    SELECT
        lesion.lesion_id,
        lesion.subject,
        lesion.reader,
        lesion.lesion_type,
        lesion.first_day,
        'merged' AS relation,
        trim(unnest(regexp_split_to_array(lesion.lesion_label, '[/+&]'))) AS related_label
    FROM lesion
    WHERE regexp_matches(lesion.lesion_label, '^[^/+&]+[/+&]')
    UNION
    SELECT
        lesion.lesion_id,
        lesion.subject,
        lesion.reader,
        lesion.lesion_type,
        lesion.first_day,
        grouped_row.relation,
        grouped_row.related_label
    FROM grouped_row
    INNER JOIN lesion ON grouped_row.lesion_id = lesion.lesion_id
),

labelled AS (
    SELECT
        origin_label.lesion_id,
        related.lesion_id AS related_lesion_id,
        origin_label.relation,
        coalesce(split_or_merge_row.day, origin_label.first_day) AS day,
        row_number() OVER (
            PARTITION BY origin_label.lesion_id, origin_label.relation, origin_label.related_label
            ORDER BY related.lesion_type = origin_label.lesion_type DESC, related.lesion_id
        ) AS place
    FROM origin_label
    INNER JOIN lesion AS related
        ON
            origin_label.subject = related.subject
            AND origin_label.reader = related.reader
            AND origin_label.related_label = related.lesion_label
            AND origin_label.lesion_id <> related.lesion_id
    LEFT JOIN split_or_merge_row ON origin_label.lesion_id = split_or_merge_row.lesion_id
),

size_day AS (
    SELECT
        measurement.lesion_id,
        measurement.day,
        coalesce(measurement.long_axis_mm, measurement.diameter_mm, measurement.volume_mm3) AS size_value
    FROM core.measurement AS measurement
    WHERE measurement.volume_mm3 > 0 AND NOT coalesce(measurement.is_imputed, FALSE)
),

-- A word of TR, or a TUMERGE row of TU whose link id is no 'T01/T02', says that a lesion merged.
merge_mark AS (
    SELECT
        tumor_result.lesion_id,
        tumor_result.day
    FROM staging.tumor_result AS tumor_result
    INNER JOIN lesion ON tumor_result.lesion_id = lesion.lesion_id
    INNER JOIN staging.tumor_state_word AS tumor_state_word
        ON tumor_result.state_word = tumor_state_word.word AND lesion.lesion_type = tumor_state_word.lesion_type
    WHERE tumor_state_word.lineage = 'merged'
    UNION
    SELECT
        tumor_identification.lesion_id,
        tumor_identification.day
    FROM staging.tumor_identification AS tumor_identification
    LEFT JOIN labelled ON tumor_identification.lesion_id = labelled.lesion_id AND labelled.relation = 'merged'
    WHERE
        tumor_identification.test_code = 'TUMERGE'
        AND tumor_identification.day IS NOT NULL
        AND labelled.lesion_id IS NULL
),

-- The lesions of the organ on the day of a mark: said to have merged or not, with a size from then on or not.
beside_mark AS (
    SELECT
        place_of_merging.subject,
        place_of_merging.reader,
        place_of_merging.organ,
        place_of_merging.day,
        other.lesion_id,
        other.lesion_label,
        other.lesion_type,
        mark.lesion_id IS NOT NULL AS is_marked,
        coalesce(list_contains(place_of_merging.sites, upper(other.site_raw)), FALSE) AS is_same_site,
        max(size_day.day) FILTER (WHERE size_day.day < place_of_merging.day) AS last_size_day,
        min(size_day.day) FILTER (WHERE size_day.day >= place_of_merging.day) AS next_size_day,
        min_by(size_day.size_value, size_day.day) FILTER (WHERE size_day.day >= place_of_merging.day) AS next_size
    FROM (
        SELECT
            lesion.subject,
            lesion.reader,
            lesion.organ,
            merge_mark.day,
            list(DISTINCT upper(lesion.site_raw)) AS sites
        FROM merge_mark
        INNER JOIN lesion ON merge_mark.lesion_id = lesion.lesion_id
        GROUP BY lesion.subject, lesion.reader, lesion.organ, merge_mark.day
    ) AS place_of_merging
    INNER JOIN lesion AS other
        ON
            place_of_merging.subject = other.subject
            AND place_of_merging.reader = other.reader
            AND place_of_merging.organ = other.organ
    LEFT JOIN merge_mark AS mark ON other.lesion_id = mark.lesion_id AND place_of_merging.day = mark.day
    LEFT JOIN size_day ON other.lesion_id = size_day.lesion_id
    GROUP BY ALL
),

-- A lesion that went into another one is said so at every later visit: only the first time counts.
in_question AS (
    SELECT
        *,
        is_marked AND next_size_day IS NOT NULL AS is_marked_carrier,
        is_marked AND next_size_day IS NULL AS is_marked_gone,
        NOT is_marked AND next_size_day IS NOT NULL AND (last_size_day IS NOT NULL OR lesion_type = 'target')
            AS is_beside
    FROM beside_mark
    WHERE
        NOT is_marked
        OR next_size_day IS NOT NULL
        OR day = (
            SELECT min(first_mark.day)
            FROM merge_mark AS first_mark
            WHERE first_mark.lesion_id = beside_mark.lesion_id
        )
),

-- Of lesions that are not said to have merged, one of the same site is the more likely, and one first measured then.
near AS (
    SELECT
        *,
        is_beside AND (is_same_site OR NOT bool_or(is_beside AND is_same_site) OVER place) AS is_near
    FROM in_question
    WINDOW place AS (PARTITION BY subject, reader, organ, day)
),

likely AS (
    SELECT
        *,
        is_near AND (last_size_day IS NULL OR NOT bool_or(is_near AND last_size_day IS NULL) OVER place)
            AS is_other_carrier
    FROM near
    WINDOW place AS (PARTITION BY subject, reader, organ, day)
),

merging AS (
    SELECT
        *,
        count(*) FILTER (WHERE is_marked_carrier) OVER place AS n_marked_carriers,
        count(*) FILTER (WHERE is_marked_gone) OVER place AS n_marked_gone,
        count(*) FILTER (WHERE is_other_carrier) OVER place AS n_other_carriers,
        count(DISTINCT next_size) FILTER (WHERE is_marked_carrier) OVER place AS n_marked_sizes,
        max(last_size_day) FILTER (WHERE is_marked_carrier) OVER place AS carrier_last_size_day,
        -- Measured until the scan before and never after, without a word on it.
        NOT is_marked AND next_size_day IS NULL
        AND last_size_day = max(last_size_day) FILTER (WHERE is_marked_carrier) OVER place AS is_other_gone
    FROM likely
    WINDOW place AS (PARTITION BY subject, reader, organ, day)
),

merging_told AS (
    SELECT
        *,
        count(*) FILTER (WHERE is_other_gone) OVER place AS n_other_gone
    FROM merging
    WINDOW place AS (PARTITION BY subject, reader, organ, day)
),

survivor AS (
    SELECT
        subject,
        reader,
        organ,
        day,
        CASE
            WHEN n_marked_carriers = 1 THEN min(lesion_id) FILTER (WHERE is_marked_carrier)
            WHEN n_marked_carriers > 1 AND n_marked_sizes = 1
                THEN
                    min_by(
                        lesion_id, struct_pack(n := length(lesion_label), label := lesion_label, id := lesion_id)
                    ) FILTER (WHERE is_marked_carrier)
            WHEN n_marked_carriers = 0 AND n_other_carriers = 1 THEN min(lesion_id) FILTER (WHERE is_other_carrier)
            WHEN n_marked_carriers = 0 AND n_other_carriers = 0 THEN max(lesion_id) FILTER (WHERE is_marked)
        END AS lesion_id,
        n_marked_carriers = 1 AND n_marked_gone = 0 AS is_marked_alone
    FROM merging_told
    GROUP BY
        subject, reader, organ, day, n_marked_carriers, n_marked_gone, n_other_carriers, n_marked_sizes
),

coalesced AS (
    SELECT
        survivor.lesion_id,
        told.lesion_id AS related_lesion_id,
        survivor.day
    FROM survivor
    INNER JOIN merging_told AS told
        ON
            survivor.subject = told.subject
            AND survivor.reader = told.reader
            AND survivor.organ = told.organ
            AND survivor.day = told.day
            AND survivor.lesion_id <> told.lesion_id
    WHERE
        CASE
            WHEN survivor.is_marked_alone THEN told.is_other_gone AND told.n_other_gone = 1
            ELSE told.is_marked
        END
),

course AS (
    SELECT
        lesion_id,
        min(day) AS first_day,
        count(*) AS n_days,
        list(
            struct_pack(day := day, size_mm := coalesce(long_axis_mm, diameter_mm)) ORDER BY day
        ) AS signature
    FROM core.measurement
    GROUP BY lesion_id
    HAVING count(*) >= 5 AND min(coalesce(long_axis_mm, diameter_mm)) < max(coalesce(long_axis_mm, diameter_mm))
),

alike AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        lesion.reader,
        upper(lesion.site_raw) AS site_word,
        lesion.lesion_label,
        course.first_day,
        course.n_days,
        course.signature,
        count(*) OVER (
            PARTITION BY lesion.patient_id, lesion.reader, upper(lesion.site_raw), course.n_days, course.signature
        ) AS n_alike
    FROM course
    INNER JOIN lesion ON course.lesion_id = lesion.lesion_id
    WHERE lesion.lesion_type = 'target' AND lesion.patient_id IS NOT NULL AND lesion.site_raw IS NOT NULL
),

varied AS (
    SELECT measurement.lesion_id
    FROM core.measurement AS measurement
    INNER JOIN alike ON measurement.lesion_id = alike.lesion_id
    WHERE alike.n_alike > 1
    GROUP BY measurement.lesion_id
    -- Small sizes in whole mm agree by chance: 10 mm and more can tell two lesions apart.
    HAVING
        count(*) FILTER (WHERE coalesce(measurement.long_axis_mm, measurement.diameter_mm) >= 10) >= 5
        AND count(DISTINCT coalesce(measurement.long_axis_mm, measurement.diameter_mm)) FILTER (
            WHERE coalesce(measurement.long_axis_mm, measurement.diameter_mm) >= 10
        ) >= 3
),

marked_twice AS (
    SELECT
        alike.lesion_id,
        first_value(alike.lesion_id) OVER same_course AS related_lesion_id,
        alike.first_day,
        row_number() OVER same_course AS place
    FROM alike
    INNER JOIN varied ON alike.lesion_id = varied.lesion_id
    WINDOW
        same_course AS (
            PARTITION BY alike.patient_id, alike.reader, alike.site_word, alike.n_days, alike.signature
            ORDER BY length(alike.lesion_label), alike.lesion_label, alike.lesion_id
        )
),

relation AS (
    SELECT
        lesion_id,
        related_lesion_id,
        relation,
        day
    FROM labelled
    WHERE place = 1
    UNION ALL
    SELECT
        lesion_id,
        related_lesion_id,
        'merged' AS relation,
        day
    FROM coalesced
    UNION ALL
    SELECT
        lesion_id,
        related_lesion_id,
        'duplicate' AS relation,
        first_day AS day
    FROM marked_twice
    WHERE place > 1
),

dated AS (
    SELECT
        lesion_id,
        related_lesion_id,
        relation,
        min(day) AS day
    FROM relation
    GROUP BY lesion_id, related_lesion_id, relation
)

SELECT
    lesion_id, -- text id of the lesion that came of it; for a duplicate, of the second mark
    related_lesion_id, -- text id of the lesion that it came from; for a duplicate, of the first mark
    relation, -- split, merged or duplicate
    day, -- day from first dose on which it was seen; NULL when not known
    -- One named part, and the lesion itself still measured: the lesion is the other part.
    relation = 'split'
    AND count(*) OVER (PARTITION BY related_lesion_id, relation) = 1
    AND EXISTS (
        SELECT 1
        FROM size_day
        WHERE size_day.lesion_id = dated.related_lesion_id AND size_day.day >= dated.day
    ) AS is_related_continued -- the lesion that split goes on under its link id as one of its parts
FROM dated
