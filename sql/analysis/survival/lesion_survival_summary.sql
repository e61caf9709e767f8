/* Time to response or progression of the lesions of an organ and arm in a line.
   Why: a median of the lesions that had the event is no time to it; this is.
   How: target and non-target lesions under rules.rule_set that were assessed after baseline; new lesions, which are
   found progressed, are not at risk before. Lesions without the event are censored as rules.censoring says. Lesions of
   a patient are not independent: limits are from a variance of patients (infinitesimal jackknife, as R's survfit with
   cluster), with survival.confidence and on the scale of survival.interval.
   Reference: Kaplan and Meier, JASA 1958; Williams, Stat Med 1995
   Filled by: step lesion_survival
   Grain: one row per subset, arm, organ, endpoint and source
   Key: subset, arm, organ, endpoint, source
   Tags: public
*/
CREATE TABLE analysis.lesion_survival_summary (
    subset VARCHAR, -- all, or study and its id
    arm VARCHAR, -- arm of the study; all for every arm together
    organ VARCHAR, -- organ of the lesions; all for every organ
    endpoint VARCHAR, -- response or progression
    source VARCHAR, -- observed on scans, or modelled
    n_lesions BIGINT, -- lesions
    n_patients BIGINT, -- patients that they are of
    n_events BIGINT, -- of the lesions, with the event
    median_days DOUBLE, -- Kaplan-Meier median, days from the first dose; NULL where not reached
    median_lower DOUBLE, -- its lower limit; NULL where not reached
    median_upper DOUBLE, -- its upper limit; NULL where not reached
    is_median_reached BOOLEAN, -- half of the lesions had the event, by the curve
    longest_days DOUBLE, -- longest time in the group, days
    confidence DOUBLE, -- of the limits: survival.confidence
    method VARCHAR -- of the limits
)
