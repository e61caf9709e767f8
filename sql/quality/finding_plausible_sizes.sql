/* Sizes that are possible and not plausible: plausibility.1a to 1c of quality.defect, one CTE per defect.
   Why: each row by itself is as it should be; what the rows before, after or beside it say makes it doubtful.
   Caveats: judged on core.measurement. docs/findings.md has how often each rule is wrong on simulated trials.
   Grain: one row per defect found
   Key: finding_id
*/
WITH target_scan AS (
    SELECT
        measurement.study_id,
        measurement.patient_id,
        measurement.lesion_id,
        measurement.reader,
        measurement.time_point_id,
        measurement.day,
        measurement.long_axis_mm,
        measurement.is_imputed,
        measurement.value_raw,
        measurement.source_file,
        measurement.source_row
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    WHERE lesion.lesion_type = 'target' AND measurement.patient_id IS NOT NULL
),

course AS (
    SELECT
        *,
        lag(long_axis_mm) OVER scans AS mm_before,
        lead(long_axis_mm) OVER scans AS mm_after,
        coalesce(lag(is_imputed) OVER scans, FALSE) AS is_imputed_before,
        lag(time_point_id) OVER scans AS time_point_before,
        lead(time_point_id) OVER scans AS time_point_after,
        lead(day) OVER scans AS day_after
    FROM target_scan
    WHERE long_axis_mm IS NOT NULL
    WINDOW scans AS (PARTITION BY lesion_id ORDER BY day)
),

-- Only a size that leaves its own course on its way down or up can be the other one's.
dip AS (
    SELECT *
    FROM course
    WHERE NOT is_imputed AND long_axis_mm > 0 AND long_axis_mm <= 0.8 * least(mm_before, mm_after)
),

bump AS (
    SELECT *
    FROM course
    WHERE NOT is_imputed AND mm_before > 0 AND mm_after > 0 AND long_axis_mm >= 1.25 * greatest(mm_before, mm_after)
),

fitting_pair AS (
    SELECT
        dip.*,
        bump.lesion_id AS other_lesion_id,
        bump.long_axis_mm AS other_mm,
        bump.mm_before AS other_mm_before,
        bump.mm_after AS other_mm_after
    FROM dip
    INNER JOIN bump
        ON
            dip.patient_id = bump.patient_id
            AND dip.reader = bump.reader
            AND dip.time_point_id = bump.time_point_id
            AND dip.time_point_before = bump.time_point_before
            AND dip.time_point_after = bump.time_point_after
    WHERE
        dip.mm_before >= 1.5 * bump.mm_before
        AND dip.mm_after >= 1.5 * bump.mm_after
        AND bump.long_axis_mm >= 1.5 * dip.long_axis_mm
        -- Exchanged, each lies within a quarter of the mean course of its lesion.
        AND abs(ln(bump.long_axis_mm / sqrt(dip.mm_before * dip.mm_after))) <= ln(1.25)
        AND abs(ln(dip.long_axis_mm / sqrt(bump.mm_before * bump.mm_after))) <= ln(1.25)
    QUALIFY
        row_number() OVER (
            PARTITION BY dip.lesion_id, dip.time_point_id
            ORDER BY abs(ln(bump.long_axis_mm / sqrt(dip.mm_before * dip.mm_after))), bump.lesion_id
        ) = 1
),

study_measured AS (
    SELECT
        study_id,
        count(DISTINCT patient_id) AS n_patients
    FROM target_scan
    GROUP BY study_id
),

-- Where sizes go up and down at random, such pairs are everywhere and nothing is exchanged.
study_pair AS (
    SELECT
        fitting_pair.study_id,
        count(DISTINCT fitting_pair.patient_id) AS n_patients_found,
        max(study_measured.n_patients) AS n_patients,
        count(DISTINCT fitting_pair.patient_id) > greatest(5, max(study_measured.n_patients) / 20) AS is_everywhere
    FROM fitting_pair
    INNER JOIN study_measured ON fitting_pair.study_id = study_measured.study_id
    GROUP BY fitting_pair.study_id
),

swapped AS (
    SELECT
        'plausibility.1a' AS defect_id,
        fitting_pair.study_id,
        CASE WHEN NOT study_pair.is_everywhere THEN fitting_pair.patient_id END AS patient_id,
        CASE WHEN NOT study_pair.is_everywhere THEN fitting_pair.lesion_id END AS lesion_id,
        CASE WHEN NOT study_pair.is_everywhere THEN fitting_pair.reader END AS reader,
        CASE WHEN NOT study_pair.is_everywhere THEN fitting_pair.day END AS day,
        fitting_pair.source_file,
        fitting_pair.source_row,
        'tr' AS domain,
        'trorres' AS column_name,
        fitting_pair.value_raw AS value,
        CASE
            WHEN study_pair.is_everywhere
                THEN printf(
                    'Sizes of %d of %d patients go up and down as if lesions were exchanged.',
                    study_pair.n_patients_found, study_pair.n_patients
                )
            ELSE printf(
                '%g mm between %g and %g mm, and %g mm between %g and %g mm of %s: exchanged, both fit.',
                fitting_pair.long_axis_mm, fitting_pair.mm_before, fitting_pair.mm_after, fitting_pair.other_mm,
                fitting_pair.other_mm_before, fitting_pair.other_mm_after, fitting_pair.other_lesion_id
            )
        END AS message
    FROM fitting_pair
    INNER JOIN study_pair ON fitting_pair.study_id = study_pair.study_id
    QUALIFY
        NOT study_pair.is_everywhere
        OR row_number() OVER (
            PARTITION BY fitting_pair.study_id ORDER BY fitting_pair.source_file, fitting_pair.source_row
        ) = 1
),

last_ten_times AS (
    SELECT
        'plausibility.1b' AS defect_id,
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
        printf('The last size is %g mm, after %g mm on the scan before.', long_axis_mm, mm_before) AS message
    FROM course
    WHERE
        time_point_after IS NULL
        AND NOT is_imputed AND NOT is_imputed_before
        AND mm_before >= 10
        AND long_axis_mm >= 5 * mm_before
),

-- Both results of a row in mm, by their own units.
both_results AS (
    SELECT
        result.study_id,
        result.patient_id,
        result.lesion_id,
        result.reader,
        result.day,
        result.source_file,
        result.source_row,
        clean_text(tr.trorres) AS original_text,
        clean_text(tr.trstresn) AS standard_text,
        finite_number(tr.trorres) * original_unit.factor AS original_mm,
        finite_number(tr.trstresn) * standard_unit.factor AS standard_mm
    FROM staging.tumor_result AS result
    INNER JOIN raw.tr AS tr
        ON
            result.study_id = tr._study_id
            AND result.source_file = tr._source_file
            AND result.source_row = tr._source_row
    LEFT JOIN staging.unit AS standard_unit
        ON
            coalesce(upper(clean_text(tr.trstresu)), upper(clean_text(tr.trorresu)), 'MM') = standard_unit.unit
            AND standard_unit.quantity = 'length'
    LEFT JOIN staging.unit AS original_unit
        ON
            coalesce(upper(clean_text(tr.trorresu)), upper(clean_text(tr.trstresu)), 'MM') = original_unit.unit
            AND original_unit.quantity = 'length'
    WHERE result.size_mm IS NOT NULL OR result.sum_mm IS NOT NULL
),

contradicting_results AS (
    SELECT
        'plausibility.1c' AS defect_id,
        study_id,
        patient_id,
        lesion_id,
        reader,
        day,
        source_file,
        source_row,
        'tr' AS domain,
        'trstresn' AS column_name,
        standard_text AS value,
        printf('TRSTRESN says %g mm, TRORRES %g mm.', standard_mm, original_mm) AS message
    FROM both_results
    -- Rounding to whole mm, and one part in a hundred, are no contradiction.
    WHERE abs(standard_mm - original_mm) > greatest(0.6, 0.01 * original_mm)
),

found AS (
    SELECT * FROM swapped
    UNION ALL
    SELECT * FROM last_ten_times
    UNION ALL
    SELECT * FROM contradicting_results
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id
        ORDER BY study_id, source_file, source_row, lesion_id, reader, day, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient; NULL where several are meant, or the source names no patients
    lesion_id, -- text id of the lesion; NULL where it is no single lesion's
    reader, -- who read the scan; '' where the source names no reader; NULL where several are meant
    day, -- day from first dose; NULL when not known, or where several are meant
    source_file, -- file of the (first) row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found, or the day that it means
    message -- what is odd about it
FROM found
