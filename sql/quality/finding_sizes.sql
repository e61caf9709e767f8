/* Sizes that are kept but look wrong: section 'sizes' of quality.defect, one CTE per defect.
   Why: a 0 that was never measured is a complete response, a size in centimetres a lesion ten times smaller.
   Caveats: judged on core.measurement, one size per lesion and day. The two ends of a course have one neighbour only
   and are not judged as outliers.
   Grain: one row per defect found
   Key: finding_id
*/
WITH long_axis AS (
    SELECT
        measurement.study_id,
        measurement.patient_id,
        measurement.lesion_id,
        measurement.reader,
        measurement.day,
        measurement.source_file,
        measurement.source_row,
        measurement.value_raw,
        measurement.long_axis_mm,
        measurement.is_imputed
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    WHERE lesion.lesion_type = 'target' AND measurement.long_axis_mm IS NOT NULL
),

course AS (
    SELECT
        long_axis.*,
        lag(long_axis_mm) OVER scans AS mm_before,
        lead(long_axis_mm) OVER scans AS mm_after,
        coalesce(lag(is_imputed) OVER scans, FALSE) OR coalesce(lead(is_imputed) OVER scans, FALSE)
            AS has_imputed_neighbour,
        row_number() OVER scans AS scan
    FROM long_axis
    WINDOW scans AS (PARTITION BY lesion_id ORDER BY day)
),

zero_between_large AS (
    SELECT
        'sizes.3c' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        'tr' AS domain,
        'trorres' AS column_name,
        value_raw AS value,
        printf('0 mm between %g mm on the scan before and %g mm on the scan after.', mm_before, mm_after) AS message
    FROM course
    WHERE long_axis_mm = 0 AND mm_before >= 10 AND mm_after >= 10
),

first_below_5_mm AS (
    SELECT
        course.*,
        tumor_result.unit_raw
    FROM course
    INNER JOIN staging.tumor_result AS tumor_result
        ON
            course.lesion_id = tumor_result.lesion_id
            AND course.day = tumor_result.day
            AND course.source_file = tumor_result.source_file
            AND course.source_row = tumor_result.source_row
            AND tumor_result.quantity = 'long'
    WHERE course.scan = 1 AND course.long_axis_mm > 0 AND course.long_axis_mm < 5 AND NOT course.is_imputed
),

too_small_for_a_target AS (
    SELECT
        'sizes.4b' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        'tr' AS domain,
        'trorres' AS column_name,
        value_raw AS value,
        printf('The first size of a target lesion is %g mm: it may be centimetres.', long_axis_mm) AS message
    FROM first_below_5_mm
    WHERE unit_raw IN ('MM', '')
),

outlier AS (
    SELECT
        'sizes.4f' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        'tr' AS domain,
        'trorres' AS column_name,
        value_raw AS value,
        printf(
            '%g mm between %g mm on the scan before and %g mm on the scan after.', long_axis_mm, mm_before, mm_after
        ) AS message
    FROM course
    WHERE
        long_axis_mm > 0 AND mm_before > 0 AND mm_after > 0
        AND NOT is_imputed AND NOT has_imputed_neighbour
        AND (
            long_axis_mm >= 5 * greatest(mm_before, mm_after)
            OR 5 * long_axis_mm <= least(mm_before, mm_after)
        )
),

constant_ratio AS (
    SELECT
        lesion_id,
        min(day) AS day,
        count(*) AS n_scans
    FROM core.measurement
    WHERE long_axis_mm IS NOT NULL AND short_axis_mm IS NOT NULL
    GROUP BY lesion_id
    HAVING
        count(*) >= 3
        AND count(DISTINCT long_axis_mm) >= 3
        -- Half a unit of the second decimal, times the ratio, and what the long axis was rounded by.
        AND max(abs(short_axis_mm * 1.31 - long_axis_mm)) <= 0.02
),

worked_out_short_axis AS (
    SELECT
        'sizes.5a' AS defect_id,
        tumor_result.study_id,
        tumor_result.patient_id,
        tumor_result.lesion_id,
        tumor_result.reader,
        constant_ratio.day,
        min(struct_pack(file := tumor_result.source_file, row := tumor_result.source_row)).file AS source_file,
        min(struct_pack(file := tumor_result.source_file, row := tumor_result.source_row)).row AS source_row,
        'tr' AS domain,
        'trorres' AS column_name,
        min_by(
            tumor_result.value_raw, struct_pack(file := tumor_result.source_file, row := tumor_result.source_row)
        ) AS value,
        printf('LPERP is LDIAM / 1.31 at each of %d scans.', constant_ratio.n_scans) AS message
    FROM constant_ratio
    INNER JOIN staging.tumor_result AS tumor_result
        ON constant_ratio.lesion_id = tumor_result.lesion_id AND tumor_result.quantity = 'short'
    GROUP BY
        tumor_result.study_id, tumor_result.patient_id, tumor_result.lesion_id, tumor_result.reader,
        constant_ratio.day, constant_ratio.n_scans
),

repeated_sum AS (
    SELECT
        'sizes.6a' AS defect_id,
        study_id,
        patient_id,
        NULL AS lesion_id,
        coalesce(reader, '') AS reader,
        min(day) AS day,
        min(struct_pack(file := source_file, row := source_row)).file AS source_file,
        min(struct_pack(file := source_file, row := source_row)).row AS source_row,
        'tr' AS domain,
        'trtestcd' AS column_name,
        min_by(value_raw, struct_pack(file := source_file, row := source_row)) AS value,
        printf('The sum of diameters stands on the rows of %d lesions.', count(DISTINCT lesion_label)) AS message
    FROM staging.tumor_result_screen
    WHERE test_code = 'SUMDIAM' AND lesion_label IS NOT NULL AND patient_id IS NOT NULL
    GROUP BY study_id, patient_id, coalesce(reader, ''), coalesce(date_text, stated_day)
    HAVING count(DISTINCT lesion_label) > 1
),

found AS (
    SELECT * FROM zero_between_large
    UNION ALL
    SELECT * FROM too_small_for_a_target
    UNION ALL
    SELECT * FROM outlier
    UNION ALL
    SELECT * FROM worked_out_short_axis
    UNION ALL
    SELECT * FROM repeated_sum
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id
        ORDER BY study_id, source_file, source_row, lesion_id, reader, day, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL when the source names no patients
    lesion_id, -- text id of the lesion; NULL where it is no single lesion's
    reader, -- who read the scan; '' where the source names no reader
    day, -- day from first dose; NULL when not known
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found; NULL when blank
    message -- what is odd about it
FROM found
