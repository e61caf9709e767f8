/* One reader's response of a patient on one day by RECIST 1.1, worked out from the lesions.
   Why: sources report responses; these are derived from the sizes and statuses below them, so that the two can be
   compared (analysis.response_agreement) and every patient has one by the same rules.
   Targets: CR = all gone, nodes below 10 mm; PD = at least 20 % and at least 5 mm above the smallest sum so far,
   baseline included; PR = at least 30 % below baseline; else SD; NE where a lesion due was not measured, unless those
   measured reach PD alone. The fractions are those of staging.event_rule, recist_1_1.
   A lesion is not evaluable from its local treatment on, unless local_treatment.policy is kept: the sum is then
   incomplete, the lesion's state is not assessed, and what is left still shows progression (a while on treatment
   strategy of ICH E9(R1), analysis.local_treatment).
   Others: PD where a non-target lesion is PD, CR where all are CR, NE where none is left but those not assessed.
   Overall: the first row that fits of staging.overall_response_rule (RECIST's tables 1 and 2). After an overall CR at
   the last assessment anything seen again is PD.
   Caveats: see analysis.sum_of_diameters. A new lesion stays one. Each time point is compared with baseline anew: a sum
   that has crept back above -30 % is SD though a PR came before. Responses are given for every reader.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, sections 4.3 and 4.4 and tables 1 and 2; EORTC, RECIST 1.1
   questions and clarifications, on lesions that reappear.
   Grain: one row per patient_id, reader and day: a row for baseline, then one for each scan after it
   Key: patient_id, reader, day
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

nontarget AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        coalesce(lesion.reader, '') AS reader
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

nontarget_course AS (
    SELECT
        patient_id,
        reader,
        count(*) AS n_nontarget
    FROM nontarget
    GROUP BY patient_id, reader
),

first_new AS (
    SELECT
        patient_id,
        reader,
        min(detected_day) AS first_new_day
    FROM analysis.new_lesion
    WHERE patient_id IS NOT NULL
    GROUP BY patient_id, reader
),

nontarget_count AS (
    SELECT
        nontarget.patient_id,
        nontarget.reader,
        assessment.day,
        count(*) FILTER (WHERE assessment.status <> 'NE') AS n_nontarget_assessed,
        count(*) FILTER (WHERE assessment.status = 'CR') AS n_nontarget_cr,
        count(*) FILTER (WHERE assessment.status = 'PD') AS n_nontarget_pd
    FROM core.lesion_assessment AS assessment
    INNER JOIN nontarget ON assessment.lesion_id = nontarget.lesion_id
    LEFT JOIN analysis.local_treatment AS treated ON assessment.lesion_id = treated.lesion_id
    WHERE coalesce(assessment.day < treated.not_evaluable_from, TRUE)
    GROUP BY nontarget.patient_id, nontarget.reader, assessment.day
),

counted AS (
    SELECT
        target.patient_id,
        target.reader,
        target.day,
        target.is_baseline,
        target.is_analysis_reader,
        target.visit,
        target.n_target_lesions,
        target.n_target_measured,
        target.n_target_present,
        target.is_complete,
        target.sum_of_diameters_mm,
        target.baseline_sum_mm,
        target.nadir_sum_mm,
        target.change_from_baseline_percent,
        target.change_from_nadir_percent,
        target.change_from_nadir_mm,
        coalesce(course.n_nontarget, 0) AS n_nontarget,
        coalesce(seen.n_nontarget_assessed, 0) AS n_nontarget_assessed,
        coalesce(seen.n_nontarget_cr, 0) AS n_nontarget_cr,
        coalesce(seen.n_nontarget_pd, 0) AS n_nontarget_pd,
        coalesce(first_new.first_new_day <= target.day, FALSE) AS has_new_lesion
    FROM analysis.sum_of_diameters AS target
    LEFT JOIN nontarget_course AS course ON target.patient_id = course.patient_id AND target.reader = course.reader
    LEFT JOIN first_new ON target.patient_id = first_new.patient_id AND target.reader = first_new.reader
    LEFT JOIN nontarget_count AS seen
        ON
            target.patient_id = seen.patient_id
            AND target.reader = seen.reader
            AND target.day = seen.day
),

-- Complete response of everything, without looking back: is it followed by something seen again?
all_gone AS (
    SELECT
        *,
        CASE
            WHEN is_baseline THEN FALSE
            WHEN n_target_lesions > 0 AND NOT is_complete THEN NULL
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
            ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
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
)

SELECT
    part.patient_id, -- text id of the patient
    part.reader, -- who read the scan; empty text where the source names none
    part.day, -- day from first dose; at baseline, the last of the lesions' baseline days
    part.is_baseline, -- the baseline row: sums without responses
    part.is_analysis_reader, -- the one reader of the patient whose lesions are analysed
    part.visit, -- the source's label of the visit
    part.n_target_lesions, -- target lesions due on the day
    part.n_target_measured, -- of them, measured
    part.is_complete, -- every target lesion due was measured
    part.sum_of_diameters_mm, -- sum over the target lesions measured, mm; partial where not complete
    part.baseline_sum_mm, -- sum at baseline, mm
    part.nadir_sum_mm, -- smallest complete sum before the day, baseline included, mm
    part.change_from_baseline_percent, -- percent change of a complete sum from baseline
    part.change_from_nadir_percent, -- percent change of a complete sum from the nadir
    part.change_from_nadir_mm, -- change of a complete sum from the nadir, mm
    part.n_nontarget AS n_nontarget_lesions, -- non-target lesions of the patient
    part.n_nontarget_assessed, -- of them, assessed on the day
    part.target_response, -- CR, PR, SD, PD, NE, or NONE without target lesions; NULL at baseline
    part.nontarget_response, -- CR, NON-CR/NON-PD, PD, NE, or NONE without non-target lesions; NULL at baseline
    part.has_new_lesion, -- a new lesion was detected on the day or before
    overall.overall_response, -- CR, PR, SD, NON-CR/NON-PD, PD, NE; NULL at baseline
    overall.overall_rule_priority -- row of staging.overall_response_rule that says so
FROM in_parts AS part
LEFT JOIN overall
    ON
        part.target_response = overall.target_response
        AND part.nontarget_response = overall.nontarget_response
        AND part.has_new_lesion = overall.has_new_lesion
