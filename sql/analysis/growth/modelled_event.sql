/* One fitted target lesion's response, or its progression, on its growth curve.
   Why: scans show an event weeks late and only if the patient comes; the curve dates it.
   How: the first day from day 0 on which a rule of staging.event_rule holds on the curve at the conditional mode. The
   baseline is the curve's volume on day 0 or the measured one (growth.event_baseline); the nadir is the curve's, the
   baseline included. Diameters keep the relation to volume of the lesion's own baseline. No event more than
   growth.event_horizon_days after the patient's last scan, nor after the patient's last day (up to that day with
   rules.censoring = 'last_day').
   Caveats: a curve never reaches 0, so rules of disappearance never hold. The interval and the probability come from
   draws of the lesion's parameters.
   Reference: Zhou et al. 2023, Methods, Tumor time to response and progression
   Filled by: step growth
   Grain: one row per lesion_id, endpoint, rule_set and source
   Key: lesion_id, endpoint, rule_set, source
   Tags: public
*/
CREATE TABLE analysis.modelled_event (
    lesion_id VARCHAR, -- core.lesion
    endpoint VARCHAR, -- response or progression
    rule_set VARCHAR, -- rule set of staging.rule_set
    source VARCHAR, -- modelled
    patient_id VARCHAR, -- core.patient; null where the source does not say
    organ VARCHAR, -- core.organ
    lesion_type VARCHAR, -- target
    time_days DOUBLE, -- day of the event, or of censoring; from first dose
    time_lower DOUBLE, -- 5 % quantile of the time over draws, or the day of censoring
    time_upper DOUBLE, -- 95 % quantile; null where that lies after the day of censoring
    is_event BOOLEAN, -- the curve at the mode has the event before the end of observation: the last scan and
    -- growth.event_horizon_days, the patient's last day, the lesion's local treatment, merging or splitting
    event_probability DOUBLE, -- share of draws with the event before the end of observation
    rule_id VARCHAR, -- rule that set the event; null where censored
    source_table VARCHAR, -- table of the curve's parameters
    source_row BIGINT, -- null: no single row of a source
    source_file VARCHAR, -- null: no single source file
    censor_reason VARCHAR, -- local_treatment, merged, split, death or end_of_follow_up; null where there is an event
    last_assessment_day DOUBLE, -- the lesion's last scan with a size
    quantity VARCHAR, -- what the rule looked at: diameter or volume; null where censored
    observed_value DOUBLE, -- null: nothing was observed
    reference_value DOUBLE, -- null
    is_imputed BOOLEAN -- null
)
