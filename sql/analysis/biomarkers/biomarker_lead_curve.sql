/* Turnbull's masses of the lead of a biomarker's progression over that of the disease.
   Why: the estimate behind the median of analysis.biomarker_lead_summary.
   Caveats: where in an interval its mass lies is not known. Of those who had both.
   Reference: Turnbull, JRSS B 1976
   Filled by: step biomarker_lead
   Grain: one row per subset, test, rule_set, from_days and to_days
   Key: subset, test, rule_set, from_days, to_days
   Tags: public
*/
CREATE TABLE analysis.biomarker_lead_curve (
    subset VARCHAR, -- all, or study and its id
    test VARCHAR, -- marker of staging.biomarker
    rule_set VARCHAR, -- rule set of staging.biomarker_rule
    from_days DOUBLE, -- the lead is more than this; below 0: the disease came first
    to_days DOUBLE, -- and at most this
    mass DOUBLE, -- share of patients
    share_at_most DOUBLE -- share with a lead up to to_days
)
