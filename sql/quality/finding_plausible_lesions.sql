/* Lesions that are possible and not plausible: plausibility.1d to 1f of quality.defect, one CTE per defect.
   Why: each row by itself is as it should be; which rows there are, and when, makes it doubtful.
   Caveats: docs/findings.md has how often each rule is wrong on simulated trials.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, sections 3.1.2 (two target lesions per organ) and 4.3.5.
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
        measurement.visit,
        measurement.source_file,
        measurement.source_row
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    WHERE lesion.lesion_type = 'target' AND measurement.patient_id IS NOT NULL
),

time_point AS (
    SELECT
        patient_id,
        reader,
        time_point_id,
        min(day) AS first_day,
        max(day) AS last_day,
        min(visit) AS visit,
        count(*) AS n_measured
    FROM target_scan
    GROUP BY patient_id, reader, time_point_id
),

followed AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        lesion.reader,
        lesion.study_id,
        lesion.lesion_label,
        lesion.baseline_day,
        lesion.first_measured_day,
        lesion.last_measured_day
    FROM core.lesion AS lesion
    WHERE lesion.lesion_type = 'target' AND lesion.n_measurements > 1
),

expected AS (
    SELECT
        followed.study_id,
        followed.patient_id,
        followed.reader,
        followed.lesion_id,
        followed.lesion_label,
        time_point.time_point_id,
        time_point.first_day,
        time_point.last_day,
        time_point.visit,
        time_point.n_measured
    FROM followed
    INNER JOIN time_point
        ON
            followed.patient_id = time_point.patient_id
            AND followed.reader = time_point.reader
            AND followed.first_measured_day < time_point.first_day
            AND followed.baseline_day < time_point.first_day
            AND followed.last_measured_day > time_point.last_day
),

without_size AS (
    SELECT expected.*
    FROM expected
    LEFT JOIN target_scan
        ON expected.lesion_id = target_scan.lesion_id AND expected.time_point_id = target_scan.time_point_id
    WHERE target_scan.lesion_id IS NULL
),

-- A row that says why there is no size, kept or quarantined, is no missing row.
without_row AS (
    SELECT without_size.*
    FROM without_size
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM staging.tumor_result AS result
            WHERE result.lesion_id = without_size.lesion_id AND result.time_point_id = without_size.time_point_id
        )
        AND NOT EXISTS (
            SELECT 1
            FROM staging.tumor_result_screen AS screen
            WHERE
                screen.patient_id = without_size.patient_id
                AND coalesce(screen.reader, '') = without_size.reader
                AND screen.lesion_label = without_size.lesion_label
                AND (
                    screen.day BETWEEN without_size.first_day AND without_size.last_day
                    OR screen.visit = without_size.visit
                )
        )
),

-- Where most of the lesions are missing, the scan was of one part of the body.
missing_at_visit AS (
    SELECT *
    FROM without_row
    QUALIFY count(*) OVER (PARTITION BY patient_id, reader, time_point_id) <= n_measured
),

size_before AS (
    SELECT
        missing_at_visit.*,
        target_scan.source_file,
        target_scan.source_row,
        target_scan.day AS day_before,
        count(*) OVER (PARTITION BY missing_at_visit.study_id) AS n_missing
    FROM missing_at_visit
    INNER JOIN target_scan
        ON missing_at_visit.lesion_id = target_scan.lesion_id AND missing_at_visit.first_day > target_scan.day
    QUALIFY
        row_number() OVER (
            PARTITION BY missing_at_visit.lesion_id, missing_at_visit.time_point_id ORDER BY target_scan.day DESC
        ) = 1
),

study_expected AS (
    SELECT
        study_id,
        count(*) AS n_expected
    FROM expected
    GROUP BY study_id
),

missing_row AS (
    SELECT
        size_before.*,
        study_expected.n_expected,
        size_before.n_missing > greatest(5, study_expected.n_expected / 20) AS is_habit,
        row_number() OVER (
            PARTITION BY size_before.study_id
            ORDER BY size_before.source_file, size_before.source_row, size_before.lesion_id, size_before.first_day
        ) AS place
    FROM size_before
    INNER JOIN study_expected ON size_before.study_id = study_expected.study_id
),

missing_target AS (
    SELECT
        'plausibility.1d' AS defect_id,
        study_id,
        CASE WHEN NOT is_habit THEN patient_id END AS patient_id,
        CASE WHEN NOT is_habit THEN lesion_id END AS lesion_id,
        CASE WHEN NOT is_habit THEN reader END AS reader,
        CASE WHEN NOT is_habit THEN first_day END AS day,
        source_file,
        source_row,
        'tr' AS domain,
        'trdtc' AS column_name,
        CASE WHEN NOT is_habit THEN CAST(first_day AS VARCHAR) END AS value,
        CASE
            WHEN is_habit
                THEN printf(
                    '%d of %d scans of target lesions that were measured before and after have no row.',
                    n_missing, n_expected
                )
            ELSE printf(
                'No row on day %d, when %d other target lesions were measured; the row named here is of day %d.',
                first_day, n_measured, day_before
            )
        END AS message
    FROM missing_row
    WHERE NOT is_habit OR place = 1
),

-- Parts of one lesion are no further lesion; all lymph nodes are one organ.
organ_target AS (
    SELECT
        lesion.study_id,
        lesion.patient_id,
        lesion.reader,
        CASE WHEN lesion.is_nodal THEN 'lymph nodes' ELSE lesion.organ END AS organ,
        struct_pack(file := lesion.source_file, row := lesion.source_row) AS source,
        row_number() OVER (
            PARTITION BY
                lesion.patient_id, lesion.reader, CASE WHEN lesion.is_nodal THEN 'lymph nodes' ELSE lesion.organ END
            ORDER BY lesion.lesion_number
        ) AS place
    FROM core.lesion AS lesion
    WHERE
        lesion.lesion_type = 'target'
        AND lesion.patient_id IS NOT NULL
        AND lesion.organ NOT IN ('unknown', 'other')
        AND NOT EXISTS (
            SELECT 1
            FROM core.lesion_lineage AS lineage
            WHERE lesion.lesion_id IN (lineage.lesion_id, lineage.related_lesion_id)
        )
),

organ_count AS (
    SELECT
        study_id,
        patient_id,
        reader,
        organ,
        count(*) AS n_targets,
        max(source) FILTER (WHERE place = 3) AS source
    FROM organ_target
    GROUP BY study_id, patient_id, reader, organ
),

study_limit AS (
    SELECT
        organ_count.study_id,
        count(DISTINCT organ_count.patient_id) AS n_patients,
        count(DISTINCT organ_count.patient_id) FILTER (WHERE organ_count.n_targets > 2) AS n_over
    FROM organ_count
    INNER JOIN staging.study_criterion AS study_criterion
        ON
            organ_count.study_id = study_criterion.study_id
            AND study_criterion.is_analysis_criterion
            AND study_criterion.criterion IN ('RECIST 1.1', 'iRECIST')
    GROUP BY organ_count.study_id
),

many_in_one_organ AS (
    SELECT
        'plausibility.1e' AS defect_id,
        organ_count.study_id,
        organ_count.patient_id,
        CAST(NULL AS VARCHAR) AS lesion_id,
        organ_count.reader,
        CAST(NULL AS INTEGER) AS day,
        organ_count.source.file AS source_file,
        organ_count.source.row AS source_row,
        'tu' AS domain,
        'tuloc' AS column_name,
        organ_count.organ AS value,
        printf('%d target lesions in one organ (%s).', organ_count.n_targets, organ_count.organ) AS message
    FROM organ_count
    INNER JOIN study_limit ON organ_count.study_id = study_limit.study_id
    WHERE
        organ_count.n_targets > 2
        AND study_limit.n_patients >= 20
        AND study_limit.n_over <= study_limit.n_patients / 20
),

setting AS (
    SELECT CAST(value AS DOUBLE) AS latest_baseline_day
    FROM meta.setting
    WHERE name = 'baseline.latest_day'
),

-- A target lesion that was first measured under treatment moves nobody's baseline.
reader_baseline AS (
    SELECT
        lesion.patient_id,
        lesion.reader,
        coalesce(
            max(lesion.baseline_day) FILTER (WHERE lesion.baseline_day <= setting.latest_baseline_day),
            min(lesion.baseline_day)
        ) AS baseline_day
    FROM core.lesion AS lesion
    CROSS JOIN setting
    WHERE lesion.lesion_type = 'target' AND lesion.patient_id IS NOT NULL
    GROUP BY lesion.patient_id, lesion.reader
),

new_at_baseline AS (
    SELECT
        'plausibility.1f' AS defect_id,
        lesion.study_id,
        lesion.patient_id,
        lesion.lesion_id,
        lesion.reader,
        lesion.first_day AS day,
        lesion.source_file,
        lesion.source_row,
        CASE WHEN lesion.is_identified THEN 'tu' ELSE 'tr' END AS domain,
        CASE WHEN lesion.is_identified THEN 'tudtc' ELSE 'trdtc' END AS column_name,
        CAST(lesion.first_day AS VARCHAR) AS value,
        printf(
            'A new lesion on day %d; the baseline of the target lesions is on day %d.',
            lesion.first_day, reader_baseline.baseline_day
        ) AS message
    FROM core.lesion AS lesion
    INNER JOIN reader_baseline
        ON lesion.patient_id = reader_baseline.patient_id AND lesion.reader = reader_baseline.reader
    WHERE lesion.lesion_type = 'new' AND lesion.first_day <= reader_baseline.baseline_day
),

found AS (
    SELECT * FROM missing_target
    UNION ALL
    SELECT * FROM many_in_one_organ
    UNION ALL
    SELECT * FROM new_at_baseline
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
    source_file, -- file of the (first) row; of a missing row, the file of the lesion's row before it
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found, or the day that it means
    message -- what is odd about it
FROM found
