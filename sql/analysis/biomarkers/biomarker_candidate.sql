/* One result of a biomarker that meets a rule, and what the results after it say.
   Why: a rule that asks for confirmation is decided by later results; both the first and the confirmed are kept.
   Grain: one row per patient_id, test, rule_id and day
   Key: patient_id, test, rule_id, day
*/
WITH compared AS (
    SELECT
        course.patient_id,
        course.test,
        course.day,
        course.value,
        course.is_below_limit,
        course.previous_day,
        course.baseline_value,
        rule.rule_id,
        rule.rule_set,
        rule.endpoint,
        rule.priority,
        rule.direction,
        rule.is_strict,
        rule.confirmation,
        rule.confirm_min_days,
        rule.confirm_factor,
        CASE rule.course_state
            WHEN 'declined' THEN course.nadir_value < course.baseline_value
            WHEN 'not_declined' THEN course.nadir_value >= course.baseline_value
            WHEN 'normalised' THEN course.nadir_value <= course.upper_limit_normal
            WHEN 'not_normalised' THEN course.nadir_value > course.upper_limit_normal
            ELSE TRUE
        END AS is_course_met,
        coalesce(course.day >= rule.from_day, TRUE) AS is_late_enough,
        CASE rule.reference
            WHEN 'baseline' THEN rule.factor * course.baseline_value
            WHEN 'nadir'
                THEN greatest(
                    rule.factor * course.nadir_value, course.nadir_value + coalesce(rule.absolute_change, 0)
                )
            WHEN 'upper_limit' THEN rule.factor * course.upper_limit_normal
            WHEN 'number' THEN rule.factor
        END AS threshold
    FROM analysis.biomarker_course AS course
    INNER JOIN analysis.biomarker_evaluable AS evaluable
        ON course.patient_id = evaluable.patient_id AND course.test = evaluable.test
    INNER JOIN staging.biomarker_rule AS rule ON evaluable.rule_id = rule.rule_id
    WHERE course.is_after_baseline AND evaluable.is_evaluable
),

met AS (
    SELECT *
    FROM compared
    WHERE is_course_met AND is_late_enough AND reaches_threshold(value, is_below_limit, threshold, direction, is_strict)
),

compared_later AS (
    SELECT
        met.patient_id,
        met.test,
        met.rule_id,
        met.day,
        later.day AS later_day,
        later.day >= met.day + met.confirm_min_days AS is_late_enough,
        reaches_threshold(later.value, later.is_below_limit, met.threshold, met.direction, met.is_strict) AS is_met,
        reaches_threshold(
            later.value, later.is_below_limit, met.confirm_factor * met.baseline_value, 'decrease', TRUE
        ) AS is_reversed
    FROM met
    INNER JOIN analysis.biomarker_course AS later
        ON met.patient_id = later.patient_id AND met.test = later.test AND met.day < later.day
    WHERE met.confirmation <> 'none'
),

followed AS (
    SELECT
        patient_id,
        test,
        rule_id,
        day,
        min(later_day) FILTER (WHERE is_late_enough) AS next_day,
        arg_min(is_met, later_day) FILTER (WHERE is_late_enough) AS is_next_met,
        min(later_day) FILTER (WHERE NOT is_met) AS miss_day,
        min(later_day) FILTER (WHERE is_late_enough AND is_met) AS any_day,
        min(later_day) FILTER (WHERE is_late_enough AND is_reversed) AS reverse_day
    FROM compared_later
    GROUP BY patient_id, test, rule_id, day
)

SELECT
    met.patient_id, -- text id of the patient
    met.test, -- marker of staging.biomarker
    met.rule_id, -- rule that the result meets
    met.day, -- day of the result
    met.rule_set, -- its rule set
    met.endpoint, -- its endpoint
    met.priority, -- order within rule set and endpoint
    met.previous_day, -- day of the result before
    met.value, -- result
    met.is_below_limit, -- below the limit
    met.threshold, -- threshold that it reached; NULL where the rule asks for a result below the limit
    CASE met.confirmation
        WHEN 'none' THEN met.day
        WHEN 'next_from' THEN CASE WHEN followed.is_next_met THEN followed.next_day END
        WHEN 'all_up_to'
            THEN
                CASE
                    WHEN followed.is_next_met AND coalesce(followed.miss_day > followed.next_day, TRUE)
                        THEN followed.next_day
                END
        WHEN 'any_from' THEN followed.any_day
        WHEN 'reverse' THEN followed.reverse_day
    END AS confirmed_day -- day of the result that confirms it, its own where none is asked for; NULL: not confirmed
FROM met
LEFT JOIN followed
    ON
        met.patient_id = followed.patient_id
        AND met.test = followed.test
        AND met.rule_id = followed.rule_id
        AND met.day = followed.day
