/* The lead of a biomarker's progression over that of the disease, and what follows the marker's, in a group.
   Why: a lead from visit to visit depends on how often samples and scans are made; the estimate between visits does
   not, and a lead among those who had both says nothing of the others, who are counted.
   How: Turnbull's estimate of the paired intervals of analysis.biomarker_lead_time, among those who had both. What
   predicts is progression_after: the incidence (Aalen-Johansen, death competing) of RECIST progression within
   biomarkers.horizon_days of the sample that showed the marker's progression, in those without RECIST progression then.
   Caveats: the two times of a patient are taken as anywhere in their intervals. The sample's day starts the clock of
   progression_after, and the assessment's ends it. A marker judged against its nadir rises by noise alone: unconfirmed
   rules lead by more, and are wrong more often.
   Reference: Turnbull, JRSS B 1976; Aalen and Johansen, Scand J Stat 1978
   Filled by: step biomarker_lead
   Grain: one row per subset, test and rule_set
   Key: subset, test, rule_set
   Tags: public
*/
CREATE TABLE analysis.biomarker_lead_summary (
    subset VARCHAR, -- all, or study and its id
    test VARCHAR, -- marker of staging.biomarker
    rule_set VARCHAR, -- rule set of staging.biomarker_rule
    n_patients BIGINT, -- patients to whom the rule set can be applied
    n_both BIGINT, -- marker and disease progressed
    n_marker_only BIGINT, -- only the marker did
    n_disease_only BIGINT, -- only the disease did: no lead is defined
    n_neither BIGINT, -- neither did
    n_not_known BIGINT, -- no time to progression
    observed_median_days DOUBLE, -- median from visit to visit, of n_both
    lead_median_from_days DOUBLE, -- half of the leads lie up to a day after this one
    lead_median_to_days DOUBLE, -- and up to this one
    share_before_least DOUBLE, -- share with a lead above 0, by Turnbull's masses: at least
    share_before_most DOUBLE, -- and at most
    n_surely_before BIGINT, -- of n_both, whose whole interval is above 0
    n_surely_after BIGINT, -- of n_both, whose whole interval is below 0
    loglik DOUBLE, -- log-likelihood of Turnbull's estimate
    horizon_days DOUBLE, -- days after the marker's progression (biomarkers.horizon_days)
    n_at_risk BIGINT, -- patients with the marker's progression and no RECIST progression yet
    progression_after DOUBLE, -- incidence of RECIST progression within the horizon in them; NULL where nobody was
    -- observed so long
    progression_after_lower DOUBLE, -- lower limit (survival.confidence)
    progression_after_upper DOUBLE -- upper limit
)
