/* When target lesions respond and progress, by the best overall response of their patient.
   Why: lesions of patients who respond should do so early and progress late: whether modelled times agree with what was
   read (Zhou 2023, Fig. S3).
   How: quantiles are those of the days of lesions with the event; the median with censoring is Kaplan and Meier's. The
   response is the one that the source states, else that of analysis.best_overall_response; NON-CR/NON-PD counts as SD.
   Lesions are target lesions under rules.rule_set with an event or with follow-up.
   Caveats: a patient's response is made of the same scans as the observed events.
   Reference: Zhou et al. 2023, Nat Commun, Fig. S3, and Methods, 'Statistics and reproducibility'; Dunn, Technometrics
   1964
   Filled by: step event_by_response
   Grain: one row per endpoint, source and best_overall_response
   Key: endpoint, source, best_overall_response
   Tags: public
*/
CREATE TABLE analysis.event_by_response (
    endpoint VARCHAR, -- response or progression
    source VARCHAR, -- observed: seen on scans; modelled: on the lesion's growth curve
    best_overall_response VARCHAR, -- CR, PR, SD, PD or NE
    response_order BIGINT, -- 1 for CR to 5 for NE
    n_patients BIGINT, -- patients with such lesions
    n_lesions BIGINT, -- target lesions
    n_events BIGINT, -- of them with the event
    mean_days DOUBLE, -- mean day of the event, of lesions with it
    percentile_10 DOUBLE, -- 10th percentile of these days
    first_quartile DOUBLE, -- 25th percentile
    median_event_days DOUBLE, -- median day of the event, of lesions with it
    third_quartile DOUBLE, -- 75th percentile
    percentile_90 DOUBLE, -- 90th percentile
    median_days DOUBLE, -- Kaplan-Meier median of all, those without event censored; null where not reached
    median_lower DOUBLE, -- its lower limit (survival.confidence, survival.interval)
    median_upper DOUBLE, -- its upper limit
    hazard_ratio DOUBLE, -- hazard of the event against SD, with a random effect of the patient; 1 for SD, 0 without any
    -- event, null with too few events
    ci_lower DOUBLE, -- its lower limit (hazards.confidence); null for SD
    ci_upper DOUBLE -- its upper limit, of 0 the profile likelihood's; null for SD
)
