/* Responses, treatment and patients that are possible and not plausible: plausibility.2 to 4 of quality.defect.
   Why: each row by itself is as it should be; what other tables say of the same patient makes it doubtful.
   Caveats: responses by the criterion that counts, of the trial itself. docs/findings.md has how often each rule is
   wrong on simulated trials.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.3; Oken et al. 1982, Am J Clin Oncol 5:649 (ECOG).
   Grain: one row per defect found
   Key: finding_id
*/
WITH target_sum AS (
    SELECT
        measurement.patient_id,
        measurement.reader,
        measurement.time_point_id,
        max(measurement.diameter_mm) AS largest_mm,
        sum(measurement.diameter_mm) AS sum_mm,
        sum(lesion.baseline_diameter_mm) AS baseline_sum_mm
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    WHERE lesion.lesion_type = 'target' AND measurement.patient_id IS NOT NULL
    GROUP BY measurement.patient_id, measurement.reader, measurement.time_point_id
),

overall AS (
    SELECT
        response.study_id,
        response.patient_id,
        response.reader,
        response.criterion,
        response.day,
        response.response,
        response.value_raw,
        response.source_file,
        response.source_row,
        target_sum.largest_mm,
        target_sum.sum_mm,
        target_sum.baseline_sum_mm,
        min(response.day) FILTER (WHERE response.response = 'PD') OVER (
            PARTITION BY response.patient_id, response.reader, response.criterion
        ) AS progression_day
    FROM staging.disease_response AS response
    LEFT JOIN target_sum
        ON
            response.patient_id = target_sum.patient_id
            AND response.reader = target_sum.reader
            AND response.time_point_id = target_sum.time_point_id
    WHERE response.test_code = 'OVRLRESP' AND response.result_kind = 'response' AND response.is_analysis_response
),

complete_and_large AS (
    SELECT
        'plausibility.2a' AS defect_id,
        study_id,
        patient_id,
        reader,
        day,
        source_file,
        source_row,
        'rs' AS domain,
        'rsstresc' AS column_name,
        value_raw AS value,
        printf('A complete response; a target lesion measures %g mm at that time.', largest_mm) AS message
    FROM overall
    WHERE response = 'CR' AND largest_mm > 15
),

response_after_progression AS (
    SELECT
        'plausibility.2b' AS defect_id,
        study_id,
        patient_id,
        reader,
        day,
        source_file,
        source_row,
        'rs' AS domain,
        'rsstresc' AS column_name,
        value_raw AS value,
        printf('%s on day %d; the same reader called progression on day %d', response, day, progression_day)
        || CASE
            WHEN sum_mm IS NULL THEN ', and no target lesion is measured.'
            ELSE printf(', and the targets measure %g mm of %g mm at baseline.', sum_mm, baseline_sum_mm)
        END AS message
    FROM overall
    WHERE
        response IN ('CR', 'PR')
        AND day > progression_day
        -- Lesions may shrink beyond progression; then the sizes show it.
        AND coalesce(sum_mm > 0.7 * baseline_sum_mm, TRUE)
    QUALIFY row_number() OVER (PARTITION BY patient_id, reader, criterion ORDER BY day, source_file, source_row) = 1
),

-- The assessment of the trial's scans that it names, or that it is dated among, tells it from one to prior therapy.
scan AS (
    SELECT
        patient_id,
        reader,
        min(day) AS first_day,
        list(DISTINCT link_group) AS link_groups,
        list(DISTINCT visit) AS visits
    FROM staging.assessment_row
    WHERE is_scan AND patient_id IS NOT NULL
    GROUP BY patient_id, reader
),

early_progression AS (
    SELECT
        'plausibility.2c' AS defect_id,
        response.study_id,
        response.patient_id,
        response.reader,
        response.day,
        response.source_file,
        response.source_row,
        'rs' AS domain,
        'rsdtc' AS column_name,
        CAST(response.day AS VARCHAR) AS value,
        printf(
            'Progression on day %d, before the first dose; the scans of this reader begin on day %d.',
            response.day, scan.first_day
        ) AS message
    FROM staging.disease_response AS response
    INNER JOIN staging.disease_response_screen AS screen ON response.rs_row = screen.rs_row
    INNER JOIN scan ON response.patient_id = scan.patient_id AND response.reader = scan.reader
    INNER JOIN staging.study_criterion AS study_criterion
        ON
            response.study_id = study_criterion.study_id
            AND response.criterion = study_criterion.criterion
            AND study_criterion.is_analysis_criterion
    WHERE
        response.test_code = 'OVRLRESP'
        AND response.response = 'PD'
        AND response.period_rule_id = 'day_before'
        AND (
            response.day >= scan.first_day
            OR list_contains(scan.link_groups, screen.link_group)
            OR list_contains(scan.visits, screen.visit)
        )
),

dose_after_death AS (
    SELECT
        'plausibility.3a' AS defect_id,
        exposure.study_id,
        exposure.patient_id,
        CAST(NULL AS VARCHAR) AS reader,
        coalesce(exposure.end_day, exposure.start_day) AS day,
        exposure.source_file,
        exposure.source_row,
        'ex' AS domain,
        CASE WHEN exposure.end_day IS NULL THEN 'exstdtc' ELSE 'exendtc' END AS column_name,
        CAST(coalesce(exposure.end_day, exposure.start_day) AS VARCHAR) AS value,
        printf(
            'Given until day %d; the patient died on day %d (%s).',
            coalesce(exposure.end_day, exposure.start_day), patient.death_day, upper(patient.death_source)
        ) AS message
    FROM core.exposure AS exposure
    INNER JOIN core.patient AS patient ON exposure.patient_id = patient.patient_id
    -- A day that was filled in is no day to hold another one against.
    WHERE coalesce(exposure.end_day, exposure.start_day) > patient.death_day AND patient.death_date_flag IS NULL
),

exposure_name AS (
    SELECT DISTINCT treatment
    FROM core.exposure
),

exposure_drug AS (
    SELECT DISTINCT
        exposure_name.treatment,
        component.component,
        component.component_kind
    FROM exposure_name
    INNER JOIN staging.arm_component AS component ON regexp_matches(upper(exposure_name.treatment), component.pattern)
    WHERE
        component.component <> 'chemotherapy'
        -- The two antibodies have a rule of their own (rows.4d).
        AND component.component NOT IN ('bevacizumab', 'panitumumab')
),

arm_drug AS (
    SELECT
        arm.study_id,
        arm.arm,
        component.component
    FROM staging.treatment_arm AS arm
    INNER JOIN staging.arm_component AS component
        ON regexp_matches(upper(concat_ws(' ', arm.arm, arm.treatment, arm.backbone)), component.pattern)
),

arm_drugs AS (
    SELECT
        study_id,
        arm,
        list(component) AS components
    FROM arm_drug
    GROUP BY study_id, arm
),

other_drug AS (
    SELECT
        'plausibility.3b' AS defect_id,
        exposure.study_id,
        exposure.patient_id,
        CAST(NULL AS VARCHAR) AS reader,
        exposure.start_day AS day,
        exposure.source_file,
        exposure.source_row,
        'ex' AS domain,
        'extrt' AS column_name,
        exposure.treatment AS value,
        'Given ' || exposure_drug.component || ', which the arm ' || patient.arm || ' does not hold.' AS message
    FROM core.exposure AS exposure
    INNER JOIN exposure_drug ON exposure.treatment = exposure_drug.treatment
    INNER JOIN core.patient AS patient ON exposure.patient_id = patient.patient_id
    INNER JOIN arm_drugs ON patient.study_id = arm_drugs.study_id AND patient.arm = arm_drugs.arm
    WHERE
        NOT list_contains(arm_drugs.components, exposure_drug.component)
        AND NOT (
            exposure_drug.component_kind = 'chemotherapy' AND list_contains(arm_drugs.components, 'chemotherapy')
        )
    QUALIFY
        row_number() OVER (
            PARTITION BY exposure.patient_id, exposure_drug.component
            ORDER BY exposure.start_day NULLS LAST, exposure.source_file, exposure.source_row
        ) = 1
),

last_scan AS (
    SELECT
        patient_id,
        max(day) AS day
    FROM staging.tumor_result
    WHERE result_kind IN ('size', 'state') AND patient_id IS NOT NULL
    GROUP BY patient_id
),

stated_end AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        subject.participation_end_day AS day,
        'dm' AS domain,
        'rfpendtc' AS column_name,
        'DM ends the participation' AS what,
        subject.source_file,
        subject.source_row
    FROM staging.subject AS subject
    WHERE subject.participation_end_day IS NOT NULL
    UNION ALL
    SELECT
        times.study_id,
        times.patient_id,
        CAST(ceil(times.time_days) AS INTEGER) AS day,
        'adtte' AS domain,
        'aval' AS column_name,
        'ADTTE censors overall survival' AS what,
        times.source_file,
        times.source_row
    FROM staging.time_to_event AS times
    WHERE times.endpoint = 'OS' AND NOT times.is_event
),

contact_before_scan AS (
    SELECT
        'plausibility.3c' AS defect_id,
        stated_end.study_id,
        stated_end.patient_id,
        CAST(NULL AS VARCHAR) AS reader,
        stated_end.day,
        stated_end.source_file,
        stated_end.source_row,
        stated_end.domain,
        stated_end.column_name,
        CAST(stated_end.day AS VARCHAR) AS value,
        printf('%s on day %d; the last scan is of day %d.', stated_end.what, stated_end.day, last_scan.day) AS message
    FROM stated_end
    INNER JOIN last_scan ON stated_end.patient_id = last_scan.patient_id
    INNER JOIN core.patient AS patient ON stated_end.patient_id = patient.patient_id
    -- Of those who died the scans after it have a rule of their own (time.2i).
    WHERE stated_end.day < last_scan.day AND NOT coalesce(patient.is_dead, FALSE)
),

-- All that was measured of a patient by a reader: days and sizes, whatever the lesions are called.
measured_course AS (
    SELECT
        measurement.study_id,
        measurement.patient_id,
        measurement.reader,
        count(*) AS n_sizes,
        string_agg(
            printf('%d:%g', measurement.day, measurement.long_axis_mm),
            ' ' ORDER BY measurement.day, measurement.long_axis_mm
        ) AS course
    FROM core.measurement AS measurement
    WHERE measurement.patient_id IS NOT NULL AND measurement.long_axis_mm IS NOT NULL
    GROUP BY measurement.study_id, measurement.patient_id, measurement.reader
    HAVING count(*) >= 6 AND count(DISTINCT measurement.long_axis_mm) >= 4
),

repeated_course AS (
    SELECT
        measured_course.study_id,
        measured_course.patient_id,
        max(measured_course.n_sizes) AS n_sizes,
        min(earlier.usubjid) AS other_subject
    FROM measured_course
    INNER JOIN core.patient AS patient ON measured_course.patient_id = patient.patient_id
    INNER JOIN measured_course AS other
        ON
            measured_course.study_id = other.study_id
            AND measured_course.course = other.course
            AND measured_course.patient_id <> other.patient_id
    INNER JOIN core.patient AS earlier ON other.patient_id = earlier.patient_id
    WHERE
        struct_pack(file := earlier.source_file, row := earlier.source_row)
        < struct_pack(file := patient.source_file, row := patient.source_row)
    GROUP BY measured_course.study_id, measured_course.patient_id
),

copied_patient AS (
    SELECT
        'plausibility.4a' AS defect_id,
        repeated_course.study_id,
        repeated_course.patient_id,
        CAST(NULL AS VARCHAR) AS reader,
        CAST(NULL AS INTEGER) AS day,
        patient.source_file,
        patient.source_row,
        'dm' AS domain,
        'usubjid' AS column_name,
        patient.usubjid AS value,
        printf('All %d sizes and their days are those of ', repeated_course.n_sizes)
        || repeated_course.other_subject || '.' AS message
    FROM repeated_course
    INNER JOIN core.patient AS patient ON repeated_course.patient_id = patient.patient_id
),

performance_status AS (
    SELECT
        'plausibility.4b' AS defect_id,
        subject_key.study_id,
        subject_key.patient_id,
        CAST(NULL AS VARCHAR) AS reader,
        CAST(NULL AS INTEGER) AS day,
        suppdm._source_file AS source_file,
        suppdm._source_row AS source_row,
        'suppdm' AS domain,
        'qval' AS column_name,
        clean_text(suppdm.qval) AS value,
        'ECOG performance status ' || clean_text(suppdm.qval) || ' of a patient who enters a trial.' AS message
    FROM raw.suppdm AS suppdm
    INNER JOIN staging.subject_key AS subject_key
        ON suppdm._study_id = subject_key.study_id AND clean_text(suppdm.usubjid) = subject_key.usubjid_raw
    WHERE
        upper(clean_text(suppdm.qnam)) = 'ECOG'
        AND finite_number(suppdm.qval) NOT IN (0, 1, 2, 3, 4)
),

found AS (
    SELECT * FROM complete_and_large
    UNION ALL
    SELECT * FROM response_after_progression
    UNION ALL
    SELECT * FROM early_progression
    UNION ALL
    SELECT * FROM dose_after_death
    UNION ALL
    SELECT * FROM other_drug
    UNION ALL
    SELECT * FROM contact_before_scan
    UNION ALL
    SELECT * FROM copied_patient
    UNION ALL
    SELECT * FROM performance_status
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, domain, source_file, source_row, patient_id, reader, day, message
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    CAST(NULL AS VARCHAR) AS lesion_id, -- always NULL: it is no single lesion's
    reader, -- who gave the response; '' where the source names none; NULL where it is no reader's
    day, -- day from first dose; NULL where it is no single day's
    source_file, -- file of the row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- the value found, or the day that it means
    message -- what is odd about it
FROM found
