/* Kaplan-Meier curve of the lesions of an organ and arm.
   Why: when lesions respond and progress, with those that never do counted as censored.
   How: target and non-target lesions under rules.rule_set that were assessed after baseline; new lesions, which are
   found progressed, are not at risk before. Lesions without the event are censored as rules.censoring says. Lesions of
   a patient are not independent: limits are from a variance of patients (infinitesimal jackknife, as R's survfit with
   cluster), with survival.confidence and on the scale of survival.interval.
   Reference: Kaplan and Meier, JASA 1958; Williams, Stat Med 1995
   Filled by: step lesion_survival
   Grain: one row per subset, arm, organ, endpoint, source and time_days
   Key: subset, arm, organ, endpoint, source, time_days
   Tags: public
*/
CREATE TABLE analysis.lesion_survival_curve (
    subset VARCHAR, -- all, or study and its id
    arm VARCHAR, -- arm of the study; all for every arm together
    organ VARCHAR, -- organ of the lesions; all for every organ
    endpoint VARCHAR, -- response or progression
    source VARCHAR, -- observed on scans, or modelled
    time_days DOUBLE, -- days from the first dose
    survival DOUBLE, -- share of lesions still without the event after the day
    ci_lower DOUBLE, -- lower limit
    ci_upper DOUBLE, -- upper limit
    n_at_risk BIGINT, -- lesions at risk just before the day
    n_events BIGINT, -- events on the day
    n_censored BIGINT -- lesions censored on the day
)
