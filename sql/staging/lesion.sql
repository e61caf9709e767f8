/* One lesion as followed by one reader: what it is and where, before any size is looked at.
   Why: core.measurement needs the type and the organ of a lesion (lymph nodes count by their short axis), and
   core.lesion needs the measurements; this table stands between.
   Caveats: a lesion with results but no TU row is kept (is_identified false); its type comes from TR's group, else
   from its test (a size: target, a state: non-target). It takes the site of the same link id in TU under no reader
   or another reader. A TU row under no reader is not a lesion of its own when named readers followed that link id.
   Grain: one row per lesion_id
   Key: lesion_id
*/
WITH identification AS (
    SELECT
        study_id,
        usubjid,
        patient_id,
        is_patient_unknown,
        reader,
        lesion_label,
        lesion_id,
        lesion_type,
        source_file,
        source_row,
        min(site_raw) OVER lesion_rows <> max(site_raw) OVER lesion_rows AS has_two_sites,
        row_number() OVER (
            PARTITION BY lesion_id
            ORDER BY
                lesion_type IS NULL, test_code <> 'TUMIDENT', day NULLS LAST, site_raw IS NULL, source_file, source_row,
                tu_row
        ) AS place,
        first_value(site_raw IGNORE NULLS) OVER (
            PARTITION BY lesion_id
            ORDER BY day NULLS LAST, source_file, source_row, tu_row
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS first_site_raw,
        first_value(laterality IGNORE NULLS) OVER (
            PARTITION BY lesion_id
            ORDER BY day NULLS LAST, source_file, source_row, tu_row
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS first_laterality,
        min(day) OVER lesion_rows AS first_identified_day
    FROM staging.tumor_identification
    WINDOW lesion_rows AS (PARTITION BY lesion_id)
),

identified AS (
    SELECT
        study_id,
        usubjid,
        patient_id,
        is_patient_unknown,
        reader,
        lesion_label,
        lesion_id,
        lesion_type,
        first_site_raw AS site_raw,
        lower(first_laterality) AS laterality,
        coalesce(has_two_sites, FALSE) AS has_two_sites,
        first_identified_day,
        source_file,
        source_row
    FROM identification
    WHERE place = 1
),

result_row AS (
    SELECT
        study_id,
        usubjid,
        patient_id,
        is_patient_unknown,
        reader,
        lesion_label,
        lesion_id,
        lesion_type,
        result_kind,
        test_kind,
        day,
        stated_baseline_volume_mm3,
        struct_pack(file := source_file, row := source_row) AS source
    FROM staging.tumor_result
    WHERE lesion_id IS NOT NULL AND result_kind <> 'sum'
),

followed AS (
    SELECT
        lesion_id,
        min(study_id) AS study_id,
        min(usubjid) AS usubjid,
        min(patient_id) AS patient_id,
        bool_or(is_patient_unknown) AS is_patient_unknown,
        min(reader) AS reader,
        min(lesion_label) AS lesion_label,
        min(lesion_type) AS lesion_type,
        bool_or(test_kind <> 'state') AS has_size_test,
        min(day) AS first_result_day,
        min(day) FILTER (WHERE result_kind IN ('size', 'state')) AS first_finding_day,
        min_by(stated_baseline_volume_mm3, source) AS stated_baseline_volume_mm3,
        min(source) AS source
    FROM result_row
    GROUP BY lesion_id
),

followed_label AS (
    SELECT DISTINCT
        study_id,
        usubjid,
        lesion_label
    FROM followed
    WHERE reader <> ''
),

-- The same link id in TU under no reader, else under the first reader by name.
label_identification AS (
    SELECT
        study_id,
        usubjid,
        lesion_label,
        lesion_type,
        site_raw,
        row_number() OVER (PARTITION BY study_id, usubjid, lesion_label ORDER BY reader, lesion_id) AS place
    FROM identified
    WHERE usubjid IS NOT NULL
),

feature_label AS (
    SELECT DISTINCT
        study_id,
        usubjid,
        patient_id,
        is_patient_unknown,
        lesion_label
    FROM staging.lesion_feature_screen
    WHERE disposition = 'kept'
),

known_label AS (
    SELECT
        study_id,
        usubjid,
        lesion_label
    FROM identified
    UNION
    SELECT
        study_id,
        usubjid,
        lesion_label
    FROM followed
),

lesion AS (
    SELECT
        coalesce(identified.lesion_id, followed.lesion_id) AS lesion_id,
        coalesce(identified.study_id, followed.study_id) AS study_id,
        coalesce(identified.usubjid, followed.usubjid) AS usubjid,
        coalesce(identified.patient_id, followed.patient_id) AS patient_id,
        coalesce(identified.is_patient_unknown, followed.is_patient_unknown) AS is_patient_unknown,
        coalesce(identified.reader, followed.reader) AS reader,
        coalesce(identified.lesion_label, followed.lesion_label) AS lesion_label,
        identified.lesion_type AS identified_type,
        followed.lesion_type AS result_type,
        identified.lesion_id IS NOT NULL AS is_identified,
        followed.lesion_id IS NOT NULL AS has_results,
        coalesce(identified.has_two_sites, FALSE) AS has_two_sites,
        coalesce(followed.has_size_test, TRUE) AS has_size_test,
        identified.site_raw,
        identified.laterality,
        identified.first_identified_day,
        followed.first_result_day,
        followed.first_finding_day,
        followed.stated_baseline_volume_mm3,
        coalesce(identified.source_file, followed.source.file) AS source_file,
        coalesce(identified.source_row, followed.source.row) AS source_row
    FROM identified
    FULL OUTER JOIN followed ON identified.lesion_id = followed.lesion_id
    UNION ALL
    -- A lesion that only the radiomic features know.
    SELECT
        coalesce(feature_label.patient_id, feature_label.study_id || '/?') || '/' || reader_code(NULL) || '/'
        || feature_label.lesion_label AS lesion_id,
        feature_label.study_id,
        feature_label.usubjid,
        feature_label.patient_id,
        feature_label.is_patient_unknown,
        '' AS reader,
        feature_label.lesion_label,
        NULL AS identified_type,
        NULL AS result_type,
        FALSE AS is_identified,
        FALSE AS has_results,
        FALSE AS has_two_sites,
        TRUE AS has_size_test,
        NULL AS site_raw,
        NULL AS laterality,
        NULL AS first_identified_day,
        NULL AS first_result_day,
        NULL AS first_finding_day,
        NULL AS stated_baseline_volume_mm3,
        NULL AS source_file,
        NULL AS source_row
    FROM feature_label
    WHERE NOT EXISTS (
        SELECT 1
        FROM known_label
        WHERE
            known_label.study_id = feature_label.study_id
            AND coalesce(known_label.usubjid, '') = coalesce(feature_label.usubjid, '')
            AND known_label.lesion_label = feature_label.lesion_label
    )
),

completed AS (
    SELECT
        lesion.*,
        coalesce(
            lesion.identified_type,
            lesion.result_type,
            label_identification.lesion_type,
            CASE WHEN lesion.has_size_test THEN 'target' ELSE 'non-target' END
        ) AS lesion_type,
        coalesce(
            lesion.identified_type, lesion.result_type, label_identification.lesion_type
        ) IS NULL AS is_type_assumed,
        coalesce(
            lesion.site_raw,
            CASE WHEN NOT lesion.is_identified THEN label_identification.site_raw END,
            supplement.site_raw
        ) AS final_site_raw
    FROM lesion
    LEFT JOIN label_identification
        ON
            lesion.study_id = label_identification.study_id
            AND lesion.usubjid = label_identification.usubjid
            AND lesion.lesion_label = label_identification.lesion_label
            AND label_identification.place = 1
    LEFT JOIN staging.lesion_site_supplement AS supplement ON lesion.lesion_id = supplement.lesion_id
    LEFT JOIN followed_label
        ON
            lesion.study_id = followed_label.study_id
            AND lesion.usubjid = followed_label.usubjid
            AND lesion.lesion_label = followed_label.lesion_label
    WHERE NOT (lesion.reader = '' AND NOT lesion.has_results AND followed_label.lesion_label IS NOT NULL)
)

SELECT
    completed.lesion_id, -- text id of the lesion
    completed.study_id, -- text id of the study
    completed.usubjid, -- subject's id; NULL when the source names no patients
    completed.patient_id, -- text id of the patient; NULL when the source names no patients
    completed.is_patient_unknown, -- the source names no patients
    completed.reader, -- who followed the lesion; '' where the source names no reader
    completed.lesion_label, -- the source's link id of the lesion
    completed.lesion_type, -- target, non-target or new
    completed.is_type_assumed, -- neither TU nor TR says the type
    completed.is_identified, -- TU has the lesion under this reader
    completed.has_results, -- TR has results of the lesion
    completed.has_two_sites, -- TU gives the lesion two different sites; the first counts
    completed.final_site_raw AS site_raw, -- site as written; NULL when not recorded
    completed.laterality, -- side, lower case; NULL when not recorded
    coalesce(site.organ, 'unknown') AS organ, -- organ; 'unknown' when not recorded or not mapped
    coalesce(site.organ IN ('ln', 'ln_regional', 'ln_distal'), FALSE) AS is_nodal, -- lymph node
    completed.first_identified_day, -- first day in TU
    completed.first_finding_day, -- first day with a size or a state in TR
    CASE
        WHEN completed.lesion_type = 'new' THEN detection.first_found_day
        ELSE
            coalesce(
                least(completed.first_identified_day, completed.first_finding_day), completed.first_result_day
            )
    END AS first_day, -- first day that anything is known of it; of a new lesion, that it was found; NULL: never
    CASE
        WHEN completed.lesion_type <> 'new' THEN NULL
        WHEN coalesce(own.has_no_tumor, unread.has_no_tumor) THEN 'no_tumor'
        ELSE coalesce(detection.detection, 'undated')
    END AS detection, -- of a new lesion: certain, equivocal, not_found, not_evaluable, no_tumor or undated; else NULL
    completed.stated_baseline_volume_mm3, -- baseline volume that the source states, mm3
    completed.source_file, -- file of the row that names it: TU, else its first TR row
    completed.source_row -- row in the file
FROM completed
LEFT JOIN staging.lesion_detection AS detection ON completed.lesion_id = detection.lesion_id
LEFT JOIN staging.identified_label AS own
    ON
        coalesce(completed.patient_id, completed.study_id || '/?') || '/'
        || reader_code(nullif(completed.reader, '')) || '/' || completed.lesion_label = own.lesion_base_id
LEFT JOIN staging.identified_label AS unread
    ON
        coalesce(completed.patient_id, completed.study_id || '/?') || '/' || reader_code(NULL) || '/'
        || completed.lesion_label = unread.lesion_base_id
LEFT JOIN staging.site AS site
    ON completed.study_id = site.study_id AND completed.final_site_raw = site.site_raw
