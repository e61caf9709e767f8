/* One lesion's response, or its progression, under one rule set.
   Why: the fact behind times to response and progression of single lesions.
   Grain: one row per lesion_id, endpoint, rule_set and source
   Key: lesion_id, endpoint, rule_set, source
   Tags: public
*/
WITH selected AS (
    SELECT value AS rule_set
    FROM meta.setting
    WHERE name = 'rules.rule_set'
)

SELECT
    event.lesion_id, -- text id of the lesion
    event.endpoint, -- response or progression
    event.rule_set, -- rule set by which it was called
    event.source, -- observed on scans, or modelled
    event.patient_id, -- text id of the patient; NULL where the source does not say
    lesion.study_id, -- text id of the study
    event.organ, -- id of the organ
    event.lesion_type, -- target, non-target or new
    event.rule_set = selected.rule_set AS is_selected_rule_set, -- the rule set that lesions.toml selects
    event.time_days, -- day of the event, or of censoring; from first dose
    CASE WHEN event.source = 'observed' THEN event.time_lower END
        AS time_lower_days, -- last scan without the event; NULL where modelled
    CASE WHEN event.source = 'observed' THEN event.time_upper END
        AS time_upper_days, -- scan with the event; NULL where censored or modelled
    CASE WHEN event.source = 'modelled' THEN event.time_lower END
        AS quantile_5_days, -- 5 % quantile of the time over draws of the growth curve; NULL where observed
    CASE WHEN event.source = 'modelled' THEN event.time_upper END
        AS quantile_95_days, -- its 95 % quantile; NULL where observed, or after the day of censoring
    event.is_event, -- the event happened
    event.event_probability, -- probability of the event: 1 or 0 where observed
    event.rule_id, -- rule that set the event
    rule.sentence AS rule_sentence, -- the rule in words
    event.censor_reason, -- why there is no event
    event.last_assessment_day -- the lesion's own last scan with a value
FROM analysis.lesion_event AS event
INNER JOIN core.lesion AS lesion ON event.lesion_id = lesion.lesion_id
LEFT JOIN staging.event_rule AS rule ON event.rule_id = rule.rule_id
CROSS JOIN selected
