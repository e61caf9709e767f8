/* One organ's response, or its progression, in one patient: that of its first lesion.
   Why: the fact behind sequences of progression across organs.
   Grain: one row per patient_id, organ, endpoint, rule_set and source
   Key: patient_id, organ, endpoint, rule_set, source
   Tags: public
*/
WITH selected AS (
    SELECT value AS rule_set
    FROM meta.setting
    WHERE name = 'rules.rule_set'
)

SELECT
    event.patient_id, -- text id of the patient
    event.organ, -- id of the organ
    event.endpoint, -- response or progression
    event.rule_set, -- rule set by which it was called
    event.source, -- observed on scans, or modelled
    patient.study_id, -- text id of the study
    event.rule_set = selected.rule_set AS is_selected_rule_set, -- the rule set that lesions.toml selects
    event.time_days, -- day of the first lesion's event, or of censoring; from first dose
    CASE WHEN event.source = 'observed' THEN event.time_lower END
        AS time_lower_days, -- last scan of that lesion without the event; NULL where modelled
    CASE WHEN event.source = 'observed' THEN event.time_upper END
        AS time_upper_days, -- scan with the event; NULL where censored or modelled
    CASE WHEN event.source = 'modelled' THEN event.time_lower END
        AS quantile_5_days, -- 5 % quantile of the time over draws of the growth curve; NULL where observed
    CASE WHEN event.source = 'modelled' THEN event.time_upper END
        AS quantile_95_days, -- its 95 % quantile; NULL where observed, or after the day of censoring
    event.is_event, -- a lesion of the organ had the event
    event.event_order, -- 1 is the patient's first organ; NULL where censored
    event.is_tied, -- another organ of the patient had the event on the same day: which came first is open
    event.event_probability, -- probability of the event of the lesion that sets the row
    event.lesion_id, -- lesion that sets the row
    event.rule_id, -- rule that set the event
    event.censor_reason, -- why there is no event
    event.n_lesions, -- lesions of the organ that have this endpoint
    event.n_lesion_events -- of them, with an event
FROM analysis.organ_event AS event
INNER JOIN core.patient AS patient ON event.patient_id = patient.patient_id
CROSS JOIN selected
