/* What the rows of a lesion say that cannot all be so, or that is not used: identity.3d, 5a to 5c, rows.6a to
   6c, sizes.7a and 7b of quality.defect, one CTE per defect.
   Why: a row that names a lesion is no finding, and a number under a code that is not known is no size; where the
   warehouse decides so, it says it here.
   Caveats: unknown words and unused numbers are reported once per study (and code or word), with their count.
   Grain: one row per defect found
   Key: finding_id
*/
WITH merge_mark AS (
    SELECT
        tumor_result.lesion_id,
        tumor_result.day,
        tumor_result.state_word AS word,
        'tr' AS domain,
        'trorres' AS column_name,
        tumor_result.source_file,
        tumor_result.source_row
    FROM staging.tumor_result AS tumor_result
    INNER JOIN staging.tumor_state_word AS word
        ON tumor_result.state_word = word.word AND word.lesion_type = 'target' AND word.lineage = 'merged'
    UNION ALL
    SELECT
        lesion_id,
        day,
        test_code AS word,
        'tu' AS domain,
        'tutestcd' AS column_name,
        source_file,
        source_row
    FROM staging.tumor_identification
    WHERE test_code = 'TUMERGE'
),

merged_with_nothing AS (
    SELECT
        'identity.3d' AS defect_id,
        lesion.study_id,
        lesion.patient_id,
        lesion.lesion_id,
        lesion.reader,
        merge_mark.day,
        merge_mark.source_file,
        merge_mark.source_row,
        merge_mark.domain,
        merge_mark.column_name,
        merge_mark.word AS value,
        'The lesion merged, and with which one is not known: it counts as before.' AS message
    FROM merge_mark
    INNER JOIN staging.lesion AS lesion ON merge_mark.lesion_id = lesion.lesion_id
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM core.lesion_lineage AS lineage
            WHERE
                lineage.relation = 'merged'
                AND merge_mark.lesion_id IN (lineage.lesion_id, lineage.related_lesion_id)
        )
    QUALIFY row_number() OVER (
        PARTITION BY lesion.lesion_id ORDER BY merge_mark.day, merge_mark.source_file, merge_mark.source_row
    ) = 1
),

other_group AS (
    SELECT
        'identity.5a' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        CAST(NULL AS INTEGER) AS day,
        min(struct_pack(file := source_file, row := source_row)).file AS source_file,
        min(struct_pack(file := source_file, row := source_row)).row AS source_row,
        'tr' AS domain,
        'trgrpid' AS column_name,
        string_agg(DISTINCT group_type, ', ' ORDER BY group_type) AS value,
        printf(
            'TU calls the lesion %s; the group of %d rows says another type.', min(lesion_type), count(*)
        ) AS message
    FROM staging.tumor_result
    WHERE lesion_id IS NOT NULL AND group_type <> lesion_type
    GROUP BY study_id, patient_id, lesion_id, reader
),

no_tumor_and_lesion AS (
    SELECT
        'identity.5b' AS defect_id,
        benign.study_id,
        benign.patient_id,
        min(lesion.lesion_id) AS lesion_id,
        coalesce(benign.reader, '') AS reader,
        min(benign.day) AS day,
        min(struct_pack(file := benign.source_file, row := benign.source_row)).file AS source_file,
        min(struct_pack(file := benign.source_file, row := benign.source_row)).row AS source_row,
        'tu' AS domain,
        'tuorres' AS column_name,
        min_by(benign.result, struct_pack(file := benign.source_file, row := benign.source_row)) AS value,
        printf(
            'TU also calls it %s.', string_agg(DISTINCT lesion.lesion_type, ', ' ORDER BY lesion.lesion_type)
        ) AS message
    FROM staging.tumor_identification_screen AS benign
    INNER JOIN staging.tumor_identification AS lesion
        ON
            benign.study_id = lesion.study_id
            AND benign.patient_id IS NOT DISTINCT FROM lesion.patient_id
            AND coalesce(benign.reader, '') = lesion.reader
            AND benign.lesion_label = lesion.lesion_label
    WHERE benign.reason_id = 'not_a_tumor' AND lesion.lesion_type IS NOT NULL
    GROUP BY benign.study_id, benign.patient_id, benign.reader, benign.lesion_label
),

no_tumor AS (
    SELECT
        'identity.5c' AS defect_id,
        benign.study_id,
        benign.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        coalesce(benign.reader, '') AS reader,
        min(benign.day) AS day,
        min(struct_pack(file := benign.source_file, row := benign.source_row)).file AS source_file,
        min(struct_pack(file := benign.source_file, row := benign.source_row)).row AS source_row,
        'tu' AS domain,
        'tuorres' AS column_name,
        min_by(benign.result, struct_pack(file := benign.source_file, row := benign.source_row)) AS value,
        'TU calls ' || benign.lesion_label || ' no tumor: left out, with its results.' AS message
    FROM staging.tumor_identification_screen AS benign
    INNER JOIN staging.identified_label AS label ON benign.lesion_base_id = label.lesion_base_id
    WHERE benign.reason_id = 'not_a_tumor' AND label.is_no_tumor
    GROUP BY benign.study_id, benign.patient_id, benign.reader, benign.lesion_label
),

unknown_state AS (
    SELECT
        'rows.6a' AS defect_id,
        study_id,
        CAST(NULL AS VARCHAR) AS patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        CAST(NULL AS INTEGER) AS day,
        min(struct_pack(file := source_file, row := source_row)).file AS source_file,
        min(struct_pack(file := source_file, row := source_row)).row AS source_row,
        'tr' AS domain,
        'trorres' AS column_name,
        state_word AS value,
        printf('A state that is not known, on %d rows of %d lesions.', count(*), count(DISTINCT lesion_id)) AS message
    FROM staging.tumor_result
    WHERE result_kind = 'unknown_state'
    GROUP BY study_id, state_word
),

new_lesion AS (
    SELECT
        CASE detection WHEN 'equivocal' THEN 'rows.6b' ELSE 'rows.6c' END AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        first_day AS day,
        source_file,
        source_row,
        CASE WHEN is_identified THEN 'tu' ELSE 'tr' END AS domain,
        CASE WHEN is_identified THEN 'tulnkid' ELSE 'trlnkid' END AS column_name,
        lesion_label AS value,
        CASE detection
            WHEN 'equivocal' THEN 'A new lesion that was equivocal and never confirmed: not progression.'
            WHEN 'not_found' THEN 'A new lesion that is named and absent on every day: not progression.'
            WHEN 'no_tumor' THEN 'A new lesion that TU also calls benign: not progression.'
            ELSE 'A new lesion that could not be evaluated on any day: not progression.'
        END AS message
    FROM staging.lesion
    WHERE detection IN ('equivocal', 'not_found', 'no_tumor', 'not_evaluable')
),

unused_number AS (
    SELECT
        CASE WHEN coalesce(test.is_known, FALSE) THEN 'sizes.7b' ELSE 'sizes.7a' END AS defect_id,
        tumor_result.study_id,
        CAST(NULL AS VARCHAR) AS patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        CAST(NULL AS VARCHAR) AS reader,
        CAST(NULL AS INTEGER) AS day,
        min(struct_pack(file := tumor_result.source_file, row := tumor_result.source_row)).file AS source_file,
        min(struct_pack(file := tumor_result.source_file, row := tumor_result.source_row)).row AS source_row,
        'tr' AS domain,
        'trtestcd' AS column_name,
        tumor_result.test_code AS value,
        printf(
            '%d numbers of %d target lesions are not used%s.',
            count(*), count(DISTINCT tumor_result.lesion_id), coalesce(': ' || min(test.title), '')
        ) AS message
    FROM staging.tumor_result AS tumor_result
    INNER JOIN staging.lesion AS lesion ON tumor_result.lesion_id = lesion.lesion_id
    LEFT JOIN staging.study_test_code AS test
        ON tumor_result.study_id = test.study_id AND tumor_result.test_code = test.test_code
    WHERE
        lesion.lesion_type = 'target'
        AND tumor_result.result_kind IN ('derived', 'other')
        AND finite_number(tumor_result.value_raw) IS NOT NULL
    GROUP BY tumor_result.study_id, tumor_result.test_code, coalesce(test.is_known, FALSE)
),

found AS (
    SELECT * FROM merged_with_nothing
    UNION ALL
    SELECT * FROM other_group
    UNION ALL
    SELECT * FROM no_tumor_and_lesion
    UNION ALL
    SELECT * FROM no_tumor
    UNION ALL
    SELECT * FROM unknown_state
    UNION ALL
    SELECT * FROM new_lesion
    UNION ALL
    SELECT * FROM unused_number
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id
        ORDER BY study_id, domain, source_file, source_row, patient_id, reader, value, lesion_id
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients, or where it concerns several
    lesion_id, -- text id of the lesion; NULL where it is no single lesion's
    reader, -- who followed the lesion, '' where the source names no reader; NULL where it is no reader's
    day, -- day from first dose; NULL where it is no single day
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found; NULL when blank
    message -- what is odd about it
FROM found
