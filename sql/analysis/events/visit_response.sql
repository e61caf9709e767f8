/* One reader's response of a patient at one time point by RECIST 1.1, worked out from the lesions.
   Why: sources report responses; these are derived from the sizes and statuses below them, so that the two can be
   compared (analysis.response_agreement) and every patient has one by the same rules.
   Targets: CR = all gone, nodes below 10 mm; PD = at least 20 % and at least 5 mm above the smallest sum so far,
   baseline included; PR = at least 30 % below baseline; else SD; NE where no target lesion has a baseline, or one that
   is due was not measured, unless those measured reach PD alone. The fractions are those of staging.event_rule,
   recist_1_1.
   A lesion is not evaluable from its local treatment on, unless local_treatment.policy is kept: the sum is then
   incomplete, the lesion's state is not assessed, and what is left still shows progression (a while on treatment
   strategy of ICH E9(R1), analysis.local_treatment).
   Others, of the lesions known by then: PD where one is PD, CR where all are CR, NE where none is left but those not
   assessed. A lesion that has a size and no word counts by it (core.lesion_assessment).
   Overall: the first row that fits of staging.overall_response_rule (RECIST's tables 1 and 2). After an overall CR at
   the last assessment anything seen again is PD.
   Day: where the scans lie on several days, staging.event_day_rule says which is the event's: the last scan that made
   the sum, the first that showed a new lesion or non-target progression; of several reasons to progress the first; for
   other responses the last scan of the time point.
   Caveats: see analysis.sum_of_diameters. A new lesion stays one. Each time point is compared with baseline anew: a sum
   that has crept back above -30 % is SD though a PR came before. Responses are given for every reader.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, sections 4.3 and 4.4 and tables 1 and 2; EORTC, RECIST 1.1
   questions and clarifications, on lesions that reappear.
   Grain: one row per patient_id, reader and time_point_id: a row for baseline, then one for each time point after it
   Key: patient_id, reader, time_point_id
   Tags: public
*/
WITH threshold AS (
    SELECT
        max(rule.relative_change) FILTER (WHERE rule.rule_id = 'recist_1_1/target/decrease') AS partial_change,
        max(rule.relative_change) FILTER (WHERE rule.rule_id = 'recist_1_1/target/increase') AS progression_change,
        max(rule.absolute_change) FILTER (WHERE rule.rule_id = 'recist_1_1/target/increase') AS progression_mm,
        max(rule_set.relative_tolerance) AS relative_tolerance
    FROM staging.event_rule AS rule
    INNER JOIN staging.rule_set AS rule_set ON rule.rule_set = rule_set.rule_set
    WHERE rule.rule_set = 'recist_1_1'
),

-- Which of several days an event takes: first or last.
day_rule AS (
    SELECT
        max(day_taken) FILTER (WHERE part = 'target') AS target_day_taken,
        max(day_taken) FILTER (WHERE part = 'non-target') AS nontarget_day_taken,
        max(day_taken) FILTER (WHERE part = 'new') AS new_day_taken,
        max(day_taken) FILTER (WHERE part = 'overall' AND response = 'PD') AS progression_day_taken,
        max(day_taken) FILTER (WHERE part = 'overall' AND response = 'other') AS other_day_taken
    FROM staging.event_day_rule
),

nontarget AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        coalesce(lesion.reader, '') AS reader,
        lesion.first_day
    FROM core.lesion AS lesion
    WHERE
        lesion.patient_id IS NOT NULL
        AND lesion.lesion_type = 'non-target'
        AND NOT EXISTS (
            SELECT 1
            FROM core.lesion_lineage AS lineage
            WHERE lesion.lesion_id = lineage.lesion_id AND lineage.relation = 'duplicate'
        )
),

-- A non-target lesion is due from the time point on at which it is first known.
nontarget_due AS (
    SELECT
        target.patient_id,
        target.reader,
        target.time_point_id,
        count(*) AS n_nontarget
    FROM analysis.sum_of_diameters AS target
    INNER JOIN nontarget ON target.patient_id = nontarget.patient_id AND target.reader = nontarget.reader
    LEFT JOIN core.time_point AS scan ON target.time_point_id = scan.time_point_id
    -- The baseline sum ends with its targets' last scan, which may come before that of the others.
    WHERE coalesce(nontarget.first_day <= greatest(target.last_day, scan.last_day), TRUE)
    GROUP BY target.patient_id, target.reader, target.time_point_id
),

new_course AS (
    SELECT
        new_lesion.patient_id,
        new_lesion.reader,
        new_lesion.time_point_id,
        min(new_lesion.detected_day) AS first_new_day,
        max(new_lesion.detected_day) AS last_new_day,
        any_value(scan.last_day) AS scan_last_day
    FROM analysis.new_lesion AS new_lesion
    INNER JOIN analysis.scan AS scan
        ON
            new_lesion.patient_id = scan.patient_id
            AND new_lesion.reader = scan.reader
            AND new_lesion.time_point_id = scan.time_point_id
    WHERE new_lesion.detected_day IS NOT NULL
    GROUP BY new_lesion.patient_id, new_lesion.reader, new_lesion.time_point_id
),

first_new AS (
    SELECT
        patient_id,
        reader,
        min(scan_last_day) AS first_new_last_day
    FROM new_course
    GROUP BY patient_id, reader
),

nontarget_count AS (
    SELECT
        nontarget.patient_id,
        nontarget.reader,
        assessment.time_point_id,
        count(*) FILTER (WHERE assessment.status <> 'NE') AS n_nontarget_assessed,
        count(*) FILTER (WHERE assessment.status = 'CR') AS n_nontarget_cr,
        count(*) FILTER (WHERE assessment.status = 'PD') AS n_nontarget_pd,
        min(assessment.day) FILTER (WHERE assessment.status = 'PD') AS first_pd_day,
        max(assessment.day) FILTER (WHERE assessment.status = 'PD') AS last_pd_day,
        max(assessment.day) FILTER (WHERE assessment.status <> 'NE') AS last_assessed_day
    FROM core.lesion_assessment AS assessment
    INNER JOIN nontarget ON assessment.lesion_id = nontarget.lesion_id
    LEFT JOIN analysis.local_treatment AS treated ON assessment.lesion_id = treated.lesion_id
    WHERE coalesce(assessment.day < treated.not_evaluable_from, TRUE)
    GROUP BY nontarget.patient_id, nontarget.reader, assessment.time_point_id
),

counted AS (
    SELECT
        target.*,
        target.n_target_lesions = 0 AND target.n_target_without_baseline > 0 AS is_target_unknown,
        coalesce(due.n_nontarget, 0) AS n_nontarget,
        coalesce(seen.n_nontarget_assessed, 0) AS n_nontarget_assessed,
        coalesce(seen.n_nontarget_cr, 0) AS n_nontarget_cr,
        coalesce(seen.n_nontarget_pd, 0) AS n_nontarget_pd,
        seen.last_assessed_day,
        seen.first_pd_day,
        seen.last_pd_day,
        new_course.first_new_day,
        new_course.last_new_day,
        coalesce(first_new.first_new_last_day <= target.last_day, FALSE) AS has_new_lesion
    FROM analysis.sum_of_diameters AS target
    LEFT JOIN nontarget_due AS due
        ON
            target.patient_id = due.patient_id
            AND target.reader = due.reader
            AND target.time_point_id = due.time_point_id
    LEFT JOIN first_new ON target.patient_id = first_new.patient_id AND target.reader = first_new.reader
    LEFT JOIN new_course
        ON
            target.patient_id = new_course.patient_id
            AND target.reader = new_course.reader
            AND target.time_point_id = new_course.time_point_id
            AND NOT target.is_baseline
    LEFT JOIN nontarget_count AS seen
        ON
            target.patient_id = seen.patient_id
            AND target.reader = seen.reader
            AND target.time_point_id = seen.time_point_id
),

-- Complete response of everything, without looking back: is it followed by something seen again?
all_gone AS (
    SELECT
        *,
        CASE
            WHEN is_baseline THEN FALSE
            WHEN is_target_unknown OR (n_target_lesions > 0 AND NOT is_complete) THEN NULL
            WHEN n_target_lesions = 0 AND n_nontarget_assessed < n_nontarget THEN NULL
            ELSE n_target_present = 0 AND n_nontarget_cr = n_nontarget AND NOT has_new_lesion
        END AS is_all_gone
    FROM counted
),

looked_back AS (
    SELECT
        *,
        coalesce(last_value(is_all_gone IGNORE NULLS) OVER so_far, FALSE) AS was_all_gone
    FROM all_gone
    WINDOW
        so_far AS (
            PARTITION BY patient_id, reader
            ORDER BY last_day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

compared AS (
    SELECT
        seen.*,
        seen.sum_of_diameters_mm - seen.nadir_sum_mm >= greatest(
            threshold.progression_change * seen.nadir_sum_mm, threshold.progression_mm
        ) - threshold.relative_tolerance * greatest(seen.nadir_sum_mm, 1) AS is_sum_progressed,
        seen.baseline_sum_mm - seen.sum_of_diameters_mm
        >= -threshold.partial_change * seen.baseline_sum_mm
        - threshold.relative_tolerance * greatest(seen.baseline_sum_mm, 1) AS is_sum_partial
    FROM looked_back AS seen
    CROSS JOIN threshold
),

in_parts AS (
    SELECT
        *,
        CASE
            WHEN is_baseline THEN NULL
            WHEN is_target_unknown THEN 'NE'
            WHEN n_target_lesions = 0 THEN 'NONE'
            WHEN was_all_gone AND n_target_present > 0 THEN 'PD'
            WHEN is_complete AND n_target_present = 0 THEN 'CR'
            WHEN is_sum_progressed THEN 'PD'
            WHEN NOT is_complete THEN 'NE'
            WHEN is_sum_partial THEN 'PR'
            ELSE 'SD'
        END AS target_response,
        CASE
            WHEN is_baseline THEN NULL
            WHEN n_nontarget = 0 THEN 'NONE'
            WHEN n_nontarget_pd > 0 THEN 'PD'
            WHEN n_nontarget_cr = n_nontarget THEN 'CR'
            WHEN n_nontarget_cr = n_nontarget_assessed THEN 'NE'
            WHEN was_all_gone THEN 'PD'
            ELSE 'NON-CR/NON-PD'
        END AS nontarget_response
    FROM compared
),

-- RECIST's tables are applied to the few combinations that occur, not to every visit.
combination AS (
    SELECT DISTINCT
        target_response,
        nontarget_response,
        has_new_lesion
    FROM in_parts
    WHERE NOT is_baseline
),

overall AS (
    SELECT
        combination.target_response,
        combination.nontarget_response,
        combination.has_new_lesion,
        rule.overall_response,
        rule.priority AS overall_rule_priority
    FROM combination
    INNER JOIN staging.overall_response_rule AS rule
        ON
            (combination.target_response = rule.target_response OR rule.target_response = '*')
            AND (combination.nontarget_response = rule.nontarget_response OR rule.nontarget_response = '*')
            AND coalesce(combination.has_new_lesion = rule.has_new_lesion, TRUE)
    QUALIFY row_number() OVER (
        PARTITION BY combination.target_response, combination.nontarget_response, combination.has_new_lesion
        ORDER BY rule.priority
    ) = 1
),

-- The day on which each part of the response was seen, then the day of the whole.
dated AS (
    SELECT
        part.*,
        overall.overall_response,
        overall.overall_rule_priority,
        rule.progression_day_taken,
        rule.other_day_taken,
        CASE
            WHEN part.n_target_measured > 0
                THEN CASE rule.target_day_taken WHEN 'first' THEN part.first_target_day ELSE part.day END
        END AS target_day,
        CASE
            WHEN part.nontarget_response = 'PD' AND part.n_nontarget_pd > 0
                THEN CASE rule.nontarget_day_taken WHEN 'first' THEN part.first_pd_day ELSE part.last_pd_day END
            ELSE part.last_assessed_day
        END AS nontarget_day,
        CASE rule.new_day_taken WHEN 'first' THEN part.first_new_day ELSE part.last_new_day END AS new_lesion_day
    FROM in_parts AS part
    CROSS JOIN day_rule AS rule
    LEFT JOIN overall
        ON
            part.target_response = overall.target_response
            AND part.nontarget_response = overall.nontarget_response
            AND part.has_new_lesion = overall.has_new_lesion
),

progressed AS (
    SELECT
        *,
        CASE WHEN target_response = 'PD' THEN target_day END AS target_pd_day,
        CASE WHEN nontarget_response = 'PD' THEN nontarget_day END AS nontarget_pd_day
    FROM dated
)

SELECT
    part.patient_id, -- text id of the patient
    part.reader, -- who read the scan; empty text where the source names none
    part.time_point_id, -- text id of the time point; at baseline, that of the last of the lesions' baseline days
    CASE
        WHEN part.is_baseline THEN part.day
        WHEN part.overall_response <> 'PD'
            THEN CASE part.other_day_taken WHEN 'last' THEN part.last_day ELSE part.first_day END
        WHEN part.progression_day_taken = 'first'
            THEN coalesce(least(part.target_pd_day, part.nontarget_pd_day, part.new_lesion_day), part.last_day)
        ELSE coalesce(greatest(part.target_pd_day, part.nontarget_pd_day, part.new_lesion_day), part.last_day)
    END AS day, -- day of the overall response by staging.event_day_rule; at baseline, the last of the baseline days
    part.first_day, -- first scan of the time point, from first dose; at baseline as day
    part.last_day, -- last scan of the time point, from first dose: the order of time points; at baseline as day
    part.target_day, -- last scan of a target lesion that counts; NULL where none was measured
    part.nontarget_day, -- first scan with non-target progression, else the last that assessed; NULL where none did
    part.new_lesion_day, -- first scan with a new lesion that was not there before; NULL where there is none
    part.is_baseline, -- the baseline row: sums without responses
    part.is_analysis_reader, -- the one reader of the patient whose lesions are analysed
    part.visit, -- the source's label of the visit
    part.n_target_lesions, -- target lesions due at the time point
    part.n_target_measured, -- of them, measured
    part.is_complete, -- every target lesion due was measured
    part.sum_of_diameters_mm, -- sum over the target lesions measured, mm; partial where not complete
    part.baseline_sum_mm, -- sum at baseline, mm
    part.nadir_sum_mm, -- smallest complete sum before, baseline included, mm
    part.change_from_baseline_percent, -- percent change of a complete sum from baseline
    part.change_from_nadir_percent, -- percent change of a complete sum from the nadir
    part.change_from_nadir_mm, -- change of a complete sum from the nadir, mm
    part.n_nontarget AS n_nontarget_lesions, -- non-target lesions known by the time point
    part.n_nontarget_assessed, -- of them, assessed
    part.target_response, -- CR, PR, SD, PD, NE, or NONE without target lesions; NULL at baseline
    part.nontarget_response, -- CR, NON-CR/NON-PD, PD, NE, or NONE without non-target lesions; NULL at baseline
    part.has_new_lesion, -- a new lesion was detected at the time point or before
    part.overall_response, -- CR, PR, SD, NON-CR/NON-PD, PD, NE; NULL at baseline
    part.overall_rule_priority -- row of staging.overall_response_rule that says so
FROM progressed AS part
