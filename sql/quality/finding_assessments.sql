/* Sums and responses that contradict what they are made of, or are not used: rows.2f, 7k and 7l, sizes.6d and 6e of
   quality.defect, one CTE per defect.
   Why: a stated sum that is not that of the sizes, or two responses of one assessment, cannot both be right; what is
   left out of the responses, or worked out for want of a stated one, is named.
   Caveats: a stated sum is held against the sizes only where every target lesion with a baseline was measured at its
   time point; 1 mm either way is rounding.
   Grain: one row per defect found
   Key: finding_id
*/
WITH target AS (
    SELECT
        lesion_id,
        patient_id,
        reader,
        is_nodal,
        count(*) OVER (PARTITION BY patient_id, reader) AS n_targets
    FROM core.lesion
    WHERE lesion_type = 'target' AND patient_id IS NOT NULL AND baseline_day IS NOT NULL
),

sum_of_sizes AS (
    SELECT
        target.patient_id,
        target.reader,
        measurement.time_point_id,
        sum(CAST(measurement.diameter_mm AS DECIMAL(18, 6))) AS sum_mm,
        sum(CAST(measurement.diameter_mm AS DECIMAL(18, 6))) FILTER (WHERE NOT target.is_nodal) AS non_nodal_mm
    FROM core.measurement AS measurement
    INNER JOIN target ON measurement.lesion_id = target.lesion_id
    GROUP BY target.patient_id, target.reader, measurement.time_point_id
    HAVING count(measurement.diameter_mm) = min(target.n_targets)
),

sum_row AS (
    SELECT *
    FROM staging.tumor_result
    WHERE result_kind = 'sum' AND sum_mm IS NOT NULL AND patient_id IS NOT NULL
),

compared AS (
    SELECT
        sum_row.*,
        CAST(
            CASE sum_row.test_code
                WHEN 'SUMDIAM' THEN sum_of_sizes.sum_mm
                WHEN 'SUMNLNLD' THEN coalesce(sum_of_sizes.non_nodal_mm, 0)
            END AS DOUBLE
        ) AS lesions_mm
    FROM sum_row
    INNER JOIN sum_of_sizes
        ON
            sum_row.patient_id = sum_of_sizes.patient_id
            AND sum_row.reader = sum_of_sizes.reader
            AND sum_row.time_point_id = sum_of_sizes.time_point_id
),

other_sum AS (
    SELECT
        'sizes.6d' AS defect_id,
        study_id,
        patient_id,
        reader,
        day,
        source_file,
        source_row,
        'tr' AS domain,
        'trorres' AS column_name,
        value_raw AS value,
        printf('%s is stated as %g mm; the sizes add up to %g mm, which count.', test_code, sum_mm, lesions_mm)
            AS message
    FROM compared
    WHERE abs(sum_mm - lesions_mm) > 1 + 1e-6
),

unused_sum AS (
    SELECT
        'sizes.6e' AS defect_id,
        sum_row.study_id,
        sum_row.patient_id,
        sum_row.reader,
        min(sum_row.day) AS day,
        min(struct_pack(file := sum_row.source_file, row := sum_row.source_row)) AS source,
        printf(
            'The source states %d sums and no size of a target lesion: no response follows from them.', count(*)
        ) AS message
    FROM sum_row
    LEFT JOIN core.lesion AS lesion
        ON
            sum_row.patient_id = lesion.patient_id
            AND sum_row.reader = lesion.reader
            AND lesion.lesion_type = 'target'
            AND lesion.n_measurements > 0
    WHERE lesion.lesion_id IS NULL
    GROUP BY sum_row.study_id, sum_row.patient_id, sum_row.reader
),

response AS (
    SELECT *
    FROM staging.disease_response
    WHERE
        result_kind IN ('response', 'new_lesion')
        AND response_period = 'on study'
        AND test_code <> 'BESTRESP'
        AND time_point_id IS NOT NULL
),

from_parts AS (
    SELECT
        'rows.7k' AS defect_id,
        response.study_id,
        response.criterion AS value,
        min(struct_pack(file := response.source_file, row := response.source_row)) AS source,
        printf(
            '%d overall responses of %d subjects by %s are not stated: they follow from their parts.',
            count(DISTINCT struct_pack(reader := response.reader, time_point_id := response.time_point_id)),
            count(DISTINCT response.patient_id), response.criterion
        ) AS message
    FROM response
    INNER JOIN core.response AS turned
        ON
            response.patient_id = turned.patient_id
            AND response.reader = turned.reader
            AND response.criterion = turned.criterion
            AND response.time_point_id = turned.time_point_id
    WHERE turned.is_overall_from_parts
    GROUP BY response.study_id, response.criterion, response.source_file
),

two_responses AS (
    SELECT
        'rows.7l' AS defect_id,
        study_id,
        patient_id,
        reader,
        min(day) AS day,
        min(struct_pack(file := source_file, row := source_row)) AS source,
        string_agg(DISTINCT coalesce(response, response_term), ', ' ORDER BY coalesce(response, response_term))
            AS value,
        test_code
    FROM response
    WHERE result_kind = 'response'
    GROUP BY study_id, patient_id, reader, criterion, time_point_id, test_code
    HAVING count(DISTINCT coalesce(response, response_term)) > 1
),

-- A result that itself says NOT DONE contradicts nothing.
done_and_not_done AS (
    SELECT
        'tr' AS domain,
        screen.study_id,
        screen.patient_id,
        coalesce(screen.reader, '') AS reader,
        screen.day,
        screen.source_file,
        screen.source_row,
        screen.value_raw AS value
    FROM staging.tumor_result_screen AS screen
    LEFT JOIN staging.size_word AS size_word ON upper(screen.value_raw) = size_word.word
    LEFT JOIN staging.tumor_state_word AS state_word
        ON upper(screen.value_raw) = state_word.word AND state_word.lesion_type = 'target'
    WHERE
        upper(screen.completion_status) = 'NOT DONE'
        AND screen.disposition = 'kept'
        AND screen.value_raw IS NOT NULL
        AND coalesce(size_word.meaning = 'too_small', TRUE)
        AND coalesce(state_word.presence NOT IN ('not_done', 'not_evaluable'), TRUE)
    UNION ALL
    SELECT
        'rs' AS domain,
        response.study_id,
        response.patient_id,
        response.reader,
        response.day,
        response.source_file,
        response.source_row,
        response.value_raw AS value
    FROM staging.disease_response AS response
    INNER JOIN staging.response_word AS word
        ON upper(response.value_raw) = word.word AND word.response IS NOT NULL AND word.response <> 'NE'
    WHERE response.result_kind = 'not_done'
    GROUP BY ALL
),

found AS (
    SELECT * FROM other_sum
    UNION ALL
    SELECT
        defect_id,
        study_id,
        patient_id,
        reader,
        day,
        source.file AS source_file,
        source.row AS source_row,
        'tr' AS domain,
        'trtestcd' AS column_name,
        CAST(NULL AS VARCHAR) AS value,
        message
    FROM unused_sum
    UNION ALL
    SELECT
        defect_id,
        study_id,
        NULL AS patient_id,
        NULL AS reader,
        NULL AS day,
        source.file AS source_file,
        source.row AS source_row,
        'rs' AS domain,
        'rstestcd' AS column_name,
        value,
        message
    FROM from_parts
    UNION ALL
    SELECT
        defect_id,
        study_id,
        patient_id,
        reader,
        day,
        source.file AS source_file,
        source.row AS source_row,
        'rs' AS domain,
        'rsorres' AS column_name,
        value,
        printf('%s is %s at one assessment: the accepted one, else the worse one, counts.', test_code, value)
            AS message
    FROM two_responses
    UNION ALL
    SELECT
        'rows.2f' AS defect_id,
        study_id,
        patient_id,
        reader,
        day,
        source_file,
        source_row,
        domain,
        domain || 'stat' AS column_name,
        value,
        printf('NOT DONE stands beside the result %s, which is not used.', value) AS message
    FROM done_and_not_done
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, source_file, source_row, patient_id, reader, day, value, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL where several are meant
    CAST(NULL AS VARCHAR) AS lesion_id, -- always NULL: it is no single lesion's
    reader, -- who read the scan or gave the response; NULL where several are meant
    day, -- day from first dose; NULL when not known, or where several rows are meant
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found; NULL where several are meant
    message -- what is odd about it
FROM found
