/* One Cox model of the times of lesions, with a Gaussian random effect of the patient.
   Why: lesions of one patient are alike; without the random effect their number is taken for evidence. The naive model
   beside each shows what it changes.
   Caveats: events are seen on scans, so patients scanned on the same days share ties, which inflates the variance. With
   several tumor types each has a baseline hazard of its own.
   Reference: Zhou et al. 2023, Nat Commun, Methods, 'Cox proportional regression model', Figs. 3, S4 to S6; Ripatti and
   Palmgren, Biometrics 2000. See docs/hazards.md
   Filled by: step hazard
   Grain: one row per model_id
   Key: model_id
   Tags: public
*/
CREATE TABLE analysis.hazard_fit (
    model_id VARCHAR, -- endpoint/stratum/model/method
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all; a class of treatment; or a tumor type, where there are several
    model VARCHAR, -- final; without new lesions (progression); observed times; or antibody within organ
    method VARCHAR, -- laplace, sparse or aghq: how the patient's random effect was integrated; naive: without one
    organ_reference VARCHAR, -- organ that the others are compared with
    covariates VARCHAR, -- covariates beside organ, commas between; empty without any
    n_lesions BIGINT, -- lesions at risk in the model
    n_events BIGINT, -- of them with an event
    n_patients BIGINT, -- patients that they are of
    n_coefficients BIGINT, -- coefficients
    frailty_variance DOUBLE, -- variance of the patient's effect on the log hazard; null if naive
    frailty_variance_lower DOUBLE, -- its profile-likelihood limit (hazards.confidence); of the final models of all
    -- lesions and of tumor types only
    frailty_variance_upper DOUBLE, -- the same, above
    variance_chi2 DOUBLE, -- likelihood-ratio statistic of variance 0
    variance_p_value DOUBLE, -- its p-value, from the 50:50 mixture of chi-squared with 0 and 1 df
    loglik_null DOUBLE, -- log partial likelihood at coefficients 0 without random effect
    loglik_fixed DOUBLE, -- its maximum without random effect
    loglik_integrated DOUBLE, -- its maximum with the random effect integrated out
    ties VARCHAR, -- efron or breslow
    determinant VARCHAR, -- how the Laplace determinant was computed: exact, lanczos, sparse or none
    n_evaluations BIGINT, -- variances at which the model was fitted; 0 if naive
    is_boundary BOOLEAN, -- the likelihood is highest at variance 0
    is_converged BOOLEAN, -- the search ended and no coefficient diverges
    is_primary BOOLEAN, -- the row to read: with random effect; naive where no patient has several lesions, so that
    -- there can be none
    notes VARCHAR -- what was merged, left out or taken out to make it fit; empty if nothing
)
