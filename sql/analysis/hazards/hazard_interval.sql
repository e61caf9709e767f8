/* One hazard ratio of a model in which events lie between two scans.
   Why: a scan shows an event that happened since the scan before; models that take the day of the scan for that of the
   event may be off where scans are rare or uneven.
   How: the lesions seen on scans and the terms of the final models of analysis.hazard_fit, without new lesions, which
   are found progressed. Proportional hazards with a baseline that is constant in six pieces and a normal random effect
   of the patient, integrated by adaptive quadrature; who has no event is censored at the lesion's last scan. Columns
   scan_... are the right-censored model of hazards.method of the same lesions.
   Caveats: with several tumor types there is no model of all, whose baselines would differ. Intervals and p-values are
   Wald's.
   Reference: Finkelstein, Biometrics 1986; Bellamy et al., Stat Med 2004
   Filled by: step hazard_interval
   Grain: one row per endpoint, stratum, term and level
   Key: endpoint, stratum, term, level
   Tags: public
*/
CREATE TABLE analysis.hazard_interval (
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all, a class of treatment or a tumor type: analysis.hazard_fit
    term VARCHAR, -- organ or covariate; none where there is no model
    level VARCHAR, -- its level; per unit for numbers
    reference VARCHAR, -- level that it is compared with; NULL for numbers
    n_lesions BIGINT, -- lesions in the model
    n_events BIGINT, -- of them, with the event
    n_patients BIGINT, -- patients in the model
    log_hr DOUBLE, -- log hazard ratio
    standard_error DOUBLE, -- its standard error
    hazard_ratio DOUBLE, -- hazard ratio
    ci_lower DOUBLE, -- lower limit (hazards.confidence)
    ci_upper DOUBLE, -- upper limit
    p_value DOUBLE, -- two-sided, Wald
    scan_log_hr DOUBLE, -- log hazard ratio with events on the day of the scan
    scan_standard_error DOUBLE, -- its standard error
    frailty_variance DOUBLE, -- variance of the patient's effect; NULL without one
    scan_frailty_variance DOUBLE, -- the same with events on the day of the scan
    is_converged BOOLEAN, -- the search ended at a maximum
    null_reason VARCHAR -- why there is no estimate; NULL where there is one
)
