/* One biomarker of one patient and one rule set: when it responded, was cleared or progressed, for BI.
   Why: marker events beside mart.fct_lesion_event and mart.fct_patient_outcome.
   Grain: one row per patient_id, test, rule_set and endpoint
   Key: patient_id, test, rule_set, endpoint
   Tags: public
*/
SELECT
    event.patient_id, -- text id of the patient
    event.test, -- marker of staging.biomarker
    event.rule_set, -- rule set of staging.biomarker_rule
    event.endpoint, -- response, progression, clearance, flare or conversion
    event.study_id, -- text id of the study
    marker.display_name, -- the marker's name
    event.status, -- event; no event; unknown: results below the limit hide it; not evaluable
    event.is_event, -- NULL where not evaluable
    event.time_days, -- day of the event, or of the last result; from first dose
    event.time_lower, -- last result before the event
    event.time_upper, -- result that shows it; NULL without event
    event.reason -- why it is not evaluable
FROM analysis.biomarker_event AS event
INNER JOIN staging.biomarker AS marker ON event.test = marker.marker
