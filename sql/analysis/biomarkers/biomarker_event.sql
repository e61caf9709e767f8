/* When one biomarker of one patient met one rule set's endpoint: molecular response, clearance, flare, progression.
   Why: the marker's events beside those of the lesions (analysis.patient_endpoint, analysis.lesion_event), each with
   the rule that set it.
   How: rules are rows of staging.biomarker_rule. The event has the day of the first result that meets a rule and, where
   the rule asks for it, is confirmed; it happened after the result before (time_lower) and up to that day (time_upper).
   Without an event the patient is censored at the last result. Where a rule cannot be applied the row says why; where
   results below the limit cannot show whether a decrease was large enough, the status is unknown.
   Caveats: a marker's progression is no progression of the disease. Draws between scans make an event by marker earlier
   for the calendar alone: compare intervals, not days (analysis.biomarker_lead_time).
   Reference: each rule's reference_text in staging.biomarker_rule
   Grain: one row per patient_id, test, rule_set and endpoint
   Key: patient_id, test, rule_set, endpoint
   Tags: public
*/
WITH asked AS (
    SELECT
        patient_id,
        test,
        rule_set,
        endpoint,
        max(study_id) AS study_id,
        bool_or(is_evaluable) AS is_evaluable,
        CASE WHEN NOT bool_or(is_evaluable) THEN arg_min(reason, rule_id) END AS reason
    FROM analysis.biomarker_evaluable
    GROUP BY patient_id, test, rule_set, endpoint
),

first_met AS (
    SELECT *
    FROM analysis.biomarker_candidate
    WHERE confirmed_day IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY patient_id, test, rule_set, endpoint ORDER BY day, priority, rule_id
    ) = 1
),

unconfirmed AS (
    SELECT
        patient_id,
        test,
        rule_set,
        endpoint,
        min(day) AS first_met_day
    FROM analysis.biomarker_candidate
    GROUP BY patient_id, test, rule_set, endpoint
),

-- A result below its limit lies anywhere from 0 to the limit: a decrease that it does not show may be there.
hidden AS (
    SELECT DISTINCT
        course.patient_id,
        course.test,
        rule.rule_set,
        rule.endpoint
    FROM analysis.biomarker_course AS course
    INNER JOIN staging.biomarker_rule AS rule ON course.test = rule.marker AND rule.direction = 'decrease'
    WHERE course.is_after_baseline AND course.is_below_limit
)

SELECT
    asked.patient_id, -- text id of the patient
    asked.test, -- marker of staging.biomarker
    asked.rule_set, -- rule set of staging.biomarker_rule
    asked.endpoint, -- response, progression, clearance, flare or conversion
    asked.study_id, -- text id of the study
    CASE
        WHEN NOT asked.is_evaluable THEN 'not evaluable'
        WHEN first_met.day IS NOT NULL THEN 'event'
        WHEN hidden.patient_id IS NOT NULL THEN 'unknown'
        ELSE 'no event'
    END AS status, -- event; no event; unknown: results below the limit hide it; not evaluable
    CASE WHEN asked.is_evaluable THEN first_met.day IS NOT NULL END AS is_event, -- NULL where not evaluable
    CASE
        WHEN asked.is_evaluable THEN coalesce(first_met.day, series.last_day)
    END AS time_days, -- day of the event, or of the last result; from first dose
    CASE
        WHEN asked.is_evaluable THEN coalesce(first_met.previous_day, series.last_day)
    END AS time_lower, -- last result before the event; without one, the last result
    first_met.day AS time_upper, -- result that shows it; NULL without event
    first_met.confirmed_day, -- result that confirms it; its own day where the rule asks for none
    unconfirmed.first_met_day, -- first result that met a rule, confirmed or not
    first_met.value, -- that of the event, in the marker's unit
    first_met.threshold, -- what it was compared with, in the marker's unit
    first_met.rule_id, -- rule that set the event; NULL without
    asked.reason -- why no rule could be applied; NULL where one could
FROM asked
INNER JOIN analysis.biomarker_series AS series ON asked.patient_id = series.patient_id AND asked.test = series.test
LEFT JOIN first_met
    ON
        asked.patient_id = first_met.patient_id
        AND asked.test = first_met.test
        AND asked.rule_set = first_met.rule_set
        AND asked.endpoint = first_met.endpoint
LEFT JOIN unconfirmed
    ON
        asked.patient_id = unconfirmed.patient_id
        AND asked.test = unconfirmed.test
        AND asked.rule_set = unconfirmed.rule_set
        AND asked.endpoint = unconfirmed.endpoint
LEFT JOIN hidden
    ON
        asked.patient_id = hidden.patient_id
        AND asked.test = hidden.test
        AND asked.rule_set = hidden.rule_set
        AND asked.endpoint = hidden.endpoint
