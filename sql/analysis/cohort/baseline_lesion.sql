/* A lesion as it was known at baseline, from the rows up to the first dose and from no later one.
   Why: a prediction at baseline may use nothing that is known only afterwards. Tables of core do not serve: whether a
   lesion is analysed, which reader is, and whether a node counts by its short axis depend on the whole follow-up.
   How: rows of TU and TR up to day baseline.latest_day. One reader per patient: who has sizes then, then the study's
   order, then most accepted, then most results up to that day, then the name. The last day with a size counts; its
   long axis as measured, volume with the short axis where that was measured, else long axis / volume.axis_ratio; a
   measured volume goes first.
   Caveats: rows without a day are left out, as are lesions that a source identifies later than it dates the first
   dose.
   Reference: Zhou et al. 2023, Methods, Progression pattern classification and prediction.
   Grain: one row per lesion_id
   Key: lesion_id
   Tags: public
*/
WITH limits AS (
    SELECT CAST(value AS DOUBLE) AS latest_day
    FROM meta.setting
    WHERE name = 'baseline.latest_day'
),

identified_row AS (
    SELECT
        tu.study_id,
        tu.patient_id,
        tu.reader,
        tu.lesion_label,
        tu.lesion_id,
        tu.lesion_type,
        tu.site_raw,
        tu.is_accepted,
        tu.day,
        tu.tu_row
    FROM staging.tumor_identification AS tu
    CROSS JOIN limits
    WHERE tu.patient_id IS NOT NULL AND tu.day <= limits.latest_day
),

result_row AS (
    SELECT
        tr.study_id,
        tr.patient_id,
        tr.reader,
        tr.lesion_label,
        tr.lesion_id,
        tr.lesion_type,
        tr.result_kind,
        tr.quantity,
        tr.preference,
        coalesce(tr.size_mm, tr.volume_mm3) AS size_value,
        tr.is_too_small,
        tr.is_accepted,
        tr.day,
        tr.tr_row
    FROM staging.tumor_result AS tr
    CROSS JOIN limits
    WHERE
        tr.patient_id IS NOT NULL AND tr.lesion_id IS NOT NULL AND tr.day <= limits.latest_day
        AND tr.result_kind IN ('size', 'state')
),

tally AS (
    SELECT
        study_id,
        patient_id,
        reader,
        count(*) FILTER (WHERE result_kind = 'size') AS n_sizes,
        count(*) FILTER (WHERE is_accepted) AS n_accepted,
        count(*) AS n_results
    FROM result_row
    GROUP BY study_id, patient_id, reader
    UNION ALL
    SELECT
        study_id,
        patient_id,
        reader,
        0 AS n_sizes,
        0 AS n_accepted,
        0 AS n_results
    FROM identified_row
    GROUP BY study_id, patient_id, reader
),

reader AS (
    SELECT
        tally.study_id,
        tally.patient_id,
        tally.reader,
        row_number() OVER (
            PARTITION BY tally.patient_id
            ORDER BY
                sum(tally.n_sizes) > 0 DESC, min(priority.priority) ASC NULLS LAST, sum(tally.n_accepted) DESC,
                sum(tally.n_results) DESC, tally.reader ASC
        ) AS place
    FROM tally
    LEFT JOIN staging.reader_priority AS priority
        ON tally.study_id = priority.study_id AND tally.reader = priority.reader
    GROUP BY tally.study_id, tally.patient_id, tally.reader
),

site_of_label AS (
    SELECT
        patient_id,
        lesion_label,
        reader,
        min_by(site_raw, tu_row) FILTER (WHERE site_raw IS NOT NULL) AS site_raw
    FROM identified_row
    GROUP BY patient_id, lesion_label, reader
),

other_site AS (
    SELECT
        patient_id,
        lesion_label,
        min_by(site_raw, reader) FILTER (WHERE site_raw IS NOT NULL) AS site_raw
    FROM site_of_label
    GROUP BY patient_id, lesion_label
),

known AS (
    SELECT
        lesion_id,
        study_id,
        patient_id,
        reader,
        lesion_label,
        lesion_type AS identified_type,
        NULL AS result_type,
        FALSE AS has_size,
        tu_row AS row_number
    FROM identified_row
    UNION ALL
    SELECT
        lesion_id,
        study_id,
        patient_id,
        reader,
        lesion_label,
        NULL AS identified_type,
        lesion_type AS result_type,
        result_kind = 'size' AS has_size,
        tr_row AS row_number
    FROM result_row
),

lesion AS (
    SELECT
        known.lesion_id,
        min(known.study_id) AS study_id,
        min(known.patient_id) AS patient_id,
        min(known.reader) AS reader,
        min(known.lesion_label) AS lesion_label,
        coalesce(
            min_by(known.identified_type, known.row_number) FILTER (WHERE known.identified_type IS NOT NULL),
            min_by(known.result_type, known.row_number) FILTER (WHERE known.result_type IS NOT NULL),
            CASE WHEN bool_or(known.has_size) THEN 'target' ELSE 'non-target' END
        ) AS lesion_type
    FROM known
    INNER JOIN reader
        ON known.patient_id = reader.patient_id AND known.reader = reader.reader AND reader.place = 1
    GROUP BY known.lesion_id
),

size_row AS (
    SELECT
        lesion_id,
        day,
        size_value,
        quantity,
        preference,
        is_accepted,
        is_too_small,
        tr_row
    FROM result_row
    WHERE result_kind = 'size' AND size_value IS NOT NULL
),

last_size AS (
    SELECT
        lesion_id,
        quantity,
        size_value,
        row_number() OVER (
            PARTITION BY lesion_id, quantity
            ORDER BY
                day DESC, preference ASC, coalesce(is_accepted, FALSE) DESC, coalesce(is_too_small, FALSE) ASC,
                size_value DESC, tr_row ASC
        ) AS place
    FROM size_row
    WHERE quantity IS NOT NULL
),

sized AS (
    SELECT
        lesion_id,
        max(size_value) FILTER (WHERE quantity = 'long') AS diameter_mm,
        max(size_value) FILTER (WHERE quantity = 'short') AS short_axis_mm,
        max(size_value) FILTER (WHERE quantity = 'volume') AS measured_volume_mm3
    FROM last_size
    WHERE place = 1
    GROUP BY lesion_id
)

SELECT
    lesion.lesion_id, -- text id of the lesion
    lesion.patient_id, -- text id of the patient
    lesion.study_id, -- text id of the study
    lesion.lesion_type, -- target or non-target
    coalesce(site.organ, 'unknown') AS organ, -- organ of core.organ; unknown where the source does not say
    sized.diameter_mm, -- long axis at baseline, mm; NULL without a size
    coalesce(sized.measured_volume_mm3, tumor_volume_mm3(sized.diameter_mm, short_axis_mm := sized.short_axis_mm))
        AS volume_mm3 -- volume at baseline, mm3
FROM lesion
LEFT JOIN site_of_label
    ON
        lesion.patient_id = site_of_label.patient_id
        AND lesion.lesion_label = site_of_label.lesion_label
        AND lesion.reader = site_of_label.reader
LEFT JOIN other_site ON lesion.patient_id = other_site.patient_id AND lesion.lesion_label = other_site.lesion_label
LEFT JOIN staging.site AS site
    ON lesion.study_id = site.study_id AND coalesce(site_of_label.site_raw, other_site.site_raw) = site.site_raw
LEFT JOIN sized ON lesion.lesion_id = sized.lesion_id
WHERE lesion.lesion_type <> 'new'
