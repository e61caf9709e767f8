/* The sum of diameters of a patient's target lesions at one time point, as one reader measured them.
   Why: RECIST judges a patient by this sum; it is worked out once, with the baseline and the nadir to compare it with.
   How: the sum runs over the target lesions that are due at the time point (short axis for nodes), whatever days their
   scans lie on. What a lesion split or merged into takes its place from that time point; a lesion marked twice is there
   once. The baseline sum joins each lesion's own baseline scan, though they may be days apart. A target lesion first
   measured when others were already measured again has no baseline and is in no sum. A sum is complete when every
   lesion due was measured; only complete sums make a nadir. Diameters are added as decimals, so that their order is of
   no account.
   A target lesion first measured after baseline.latest_day has no baseline either (core.measurement).
   A lesion that was treated locally stays due and is not measured any more (analysis.local_treatment), so that the sum
   is not complete from then on, unless local_treatment.policy is kept.
   Caveats: day is the last scan that made the sum (staging.event_day_rule). Patients without target lesions have rows
   without a sum, so that the table holds every time point. Time points are in the order of their last days. All readers
   are here.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, sections 4.3.1 and 4.3.2 (lesions that split or coalesce).
   Grain: one row per patient_id, reader and time_point_id: one for baseline, then one for each time point after it
   Key: patient_id, reader, time_point_id
*/
WITH lineage AS (
    SELECT
        lineage.lesion_id,
        lineage.related_lesion_id,
        lineage.relation,
        lineage.is_related_continued,
        coalesce(lineage.day, descendant.first_day) AS day
    FROM core.lesion_lineage AS lineage
    INNER JOIN core.lesion AS descendant ON lineage.lesion_id = descendant.lesion_id
),

descent AS (
    SELECT
        lesion_id,
        min(day) FILTER (WHERE relation <> 'duplicate') AS descended_day,
        bool_or(relation = 'duplicate') AS is_duplicate
    FROM lineage
    GROUP BY lesion_id
),

succession AS (
    SELECT
        related_lesion_id AS lesion_id,
        min(day) AS succeeded_day
    FROM lineage
    WHERE relation <> 'duplicate' AND NOT coalesce(is_related_continued, FALSE)
    GROUP BY related_lesion_id
),

known AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        coalesce(lesion.reader, '') AS reader,
        lesion.is_nodal,
        lesion.is_analysis_reader,
        lesion.lesion_type = 'target' AS is_target,
        descent.descended_day,
        succession.succeeded_day,
        CASE
            WHEN lesion.lesion_type = 'target' AND coalesce(lesion.baseline_day < descent.descended_day, TRUE)
                THEN lesion.baseline_day
        END AS own_baseline_day
    FROM core.lesion AS lesion
    LEFT JOIN descent ON lesion.lesion_id = descent.lesion_id
    LEFT JOIN succession ON lesion.lesion_id = succession.lesion_id
    WHERE lesion.patient_id IS NOT NULL AND NOT coalesce(descent.is_duplicate, FALSE)
),

-- Baseline ends with the time point at which a target lesion is measured for the second time.
follow_up AS (
    SELECT
        known.patient_id,
        known.reader,
        min(scan.first_day) AS first_follow_up_day
    FROM known
    INNER JOIN analysis.lesion_change AS seen ON known.lesion_id = seen.lesion_id
    INNER JOIN analysis.scan AS scan
        ON
            known.patient_id = scan.patient_id
            AND known.reader = scan.reader
            AND seen.time_point_id = scan.time_point_id
    WHERE known.own_baseline_day IS NOT NULL AND seen.is_after_baseline AND seen.diameter_mm IS NOT NULL
    GROUP BY known.patient_id, known.reader
),

lesion AS (
    SELECT
        known.lesion_id,
        known.patient_id,
        known.reader,
        known.is_nodal,
        known.is_target,
        known.is_analysis_reader,
        known.descended_day,
        known.succeeded_day,
        CASE
            WHEN known.own_baseline_day >= follow_up.first_follow_up_day THEN NULL
            ELSE known.own_baseline_day
        END AS baseline_day,
        baseline.time_point_id AS baseline_time_point_id
    FROM known
    LEFT JOIN follow_up ON known.patient_id = follow_up.patient_id AND known.reader = follow_up.reader
    LEFT JOIN analysis.lesion_change AS baseline
        ON known.lesion_id = baseline.lesion_id AND known.own_baseline_day = baseline.day
),

course AS (
    SELECT
        patient_id,
        reader,
        bool_or(is_analysis_reader) AS is_analysis_reader,
        count(baseline_day) > 0 AS has_baseline,
        count(*) FILTER (
            WHERE is_target AND baseline_day IS NULL AND descended_day IS NULL
        ) AS n_target_without_baseline,
        coalesce(max(baseline_day), 0) AS baseline_day,
        max_by(baseline_time_point_id, baseline_day) AS baseline_time_point_id
    FROM lesion
    GROUP BY patient_id, reader
),

time_point AS (
    SELECT
        course.patient_id,
        course.reader,
        course.baseline_time_point_id AS time_point_id,
        course.baseline_day AS first_day,
        course.baseline_day AS last_day,
        TRUE AS is_baseline,
        course.is_analysis_reader,
        course.n_target_without_baseline,
        scan.visit
    FROM course
    LEFT JOIN analysis.scan AS scan
        ON
            course.patient_id = scan.patient_id
            AND course.reader = scan.reader
            AND course.baseline_time_point_id = scan.time_point_id
    WHERE course.has_baseline
    UNION ALL
    SELECT
        scan.patient_id,
        scan.reader,
        scan.time_point_id,
        scan.first_day,
        scan.last_day,
        FALSE AS is_baseline,
        course.is_analysis_reader,
        course.n_target_without_baseline,
        scan.visit
    FROM analysis.scan AS scan
    INNER JOIN course ON scan.patient_id = course.patient_id AND scan.reader = course.reader
    WHERE scan.first_day > course.baseline_day
),

target_due AS (
    SELECT
        time_point.patient_id,
        time_point.reader,
        time_point.time_point_id,
        lesion.lesion_id,
        lesion.is_nodal,
        CASE
            WHEN time_point.is_baseline THEN lesion.baseline_time_point_id
            ELSE time_point.time_point_id
        END AS scan_time_point_id
    FROM time_point
    INNER JOIN lesion ON time_point.patient_id = lesion.patient_id AND time_point.reader = lesion.reader
    WHERE
        lesion.is_target
        AND CASE
            WHEN time_point.is_baseline THEN lesion.baseline_day IS NOT NULL
            ELSE
                coalesce(lesion.baseline_day, lesion.descended_day) <= time_point.last_day
                AND (lesion.succeeded_day IS NULL OR time_point.last_day < lesion.succeeded_day)
        END
),

summed AS (
    SELECT
        due.patient_id,
        due.reader,
        due.time_point_id,
        count(*) AS n_target_lesions,
        count(seen.diameter_mm) AS n_target_measured,
        count(*) FILTER (
            WHERE seen.diameter_mm > 0 AND NOT (due.is_nodal AND seen.diameter_mm < 10)
        ) AS n_target_present,
        min(seen.day) FILTER (WHERE seen.diameter_mm IS NOT NULL) AS first_target_day,
        max(seen.day) FILTER (WHERE seen.diameter_mm IS NOT NULL) AS last_target_day,
        sum(CAST(seen.diameter_mm AS DECIMAL(18, 6))) AS sum_of_diameters_mm
    FROM target_due AS due
    LEFT JOIN analysis.lesion_change AS seen
        ON due.lesion_id = seen.lesion_id AND due.scan_time_point_id = seen.time_point_id
    GROUP BY due.patient_id, due.reader, due.time_point_id
),

described AS (
    SELECT
        time_point.patient_id,
        time_point.reader,
        time_point.time_point_id,
        coalesce(summed.last_target_day, time_point.last_day) AS day,
        summed.first_target_day,
        time_point.first_day,
        time_point.last_day,
        time_point.is_baseline,
        time_point.is_analysis_reader,
        time_point.n_target_without_baseline,
        time_point.visit,
        coalesce(summed.n_target_lesions, 0) AS n_target_lesions,
        coalesce(summed.n_target_measured, 0) AS n_target_measured,
        coalesce(summed.n_target_present, 0) AS n_target_present,
        coalesce(summed.n_target_measured = summed.n_target_lesions, FALSE) AS is_complete,
        CAST(summed.sum_of_diameters_mm AS DOUBLE) AS sum_of_diameters_mm
    FROM time_point
    LEFT JOIN summed
        ON
            time_point.patient_id = summed.patient_id
            AND time_point.reader = summed.reader
            AND time_point.time_point_id = summed.time_point_id
),

compared AS (
    SELECT
        *,
        max(sum_of_diameters_mm) FILTER (WHERE is_baseline) OVER person AS baseline_sum_mm,
        min(sum_of_diameters_mm) FILTER (WHERE is_complete) OVER so_far AS nadir_sum_mm
    FROM described
    WINDOW
        person AS (PARTITION BY patient_id, reader),
        so_far AS (
            PARTITION BY patient_id, reader
            ORDER BY last_day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
)

SELECT
    patient_id, -- text id of the patient
    reader, -- who measured; empty text where the source names none
    time_point_id, -- text id of the time point; at baseline, that of the last of the lesions' baseline days
    day, -- last scan of a target lesion that counts, from first dose; the last of any where none was measured
    first_target_day, -- first scan of a target lesion that counts, from first dose; NULL where none was measured
    first_day, -- first scan of the time point, from first dose; at baseline as day
    last_day, -- last scan of the time point, from first dose; at baseline as day
    is_baseline, -- the baseline row
    is_analysis_reader, -- the one reader of the patient whose lesions are analysed
    visit, -- the source's label of the visit
    n_target_without_baseline, -- the reader's target lesions without a baseline: in no sum
    n_target_lesions, -- target lesions due at the time point
    n_target_measured, -- of them, measured
    n_target_present, -- of them, seen: above 0 mm, lymph nodes from 10 mm
    is_complete, -- every target lesion due was measured
    sum_of_diameters_mm, -- sum over the target lesions measured, mm; partial where not complete
    baseline_sum_mm, -- sum at baseline, mm
    nadir_sum_mm, -- smallest complete sum before, baseline included, mm
    CASE
        WHEN is_complete THEN 100 * (sum_of_diameters_mm - baseline_sum_mm) / nullif(baseline_sum_mm, 0)
    END AS change_from_baseline_percent, -- percent change of a complete sum from baseline
    CASE
        WHEN is_complete THEN 100 * (sum_of_diameters_mm - nadir_sum_mm) / nullif(nadir_sum_mm, 0)
    END AS change_from_nadir_percent, -- percent change of a complete sum from the nadir
    CASE WHEN is_complete THEN sum_of_diameters_mm - nadir_sum_mm END AS change_from_nadir_mm -- the same change, mm
FROM compared
