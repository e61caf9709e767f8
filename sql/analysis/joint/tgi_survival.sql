/* Survival regressed on growth rate and baseline sum of diameters: the model of tumor growth inhibition and survival.
   Why: with it survival of a new arm is simulated from its growth.
   How: log T = x beta + sigma W, W normal (lognormal), logistic (loglogistic) or smallest extreme value (weibull), T
   right-censored; x is log kG, log of the sum on day 0, and joint.covariates. Fitted to each of 20 draws of the
   curves, pooled by Rubin's rules. The distribution of smallest mean AIC is_best.
   Caveats: draws do not know who died when, which pulls the effect of kG towards 0; analysis.joint_link does not have
   that. Who dies early was scanned little.
   Reference: Claret et al. 2009, J Clin Oncol 27:4103; Rubin 1987
   Filled by: step joint
   Grain: one row per fit_id, endpoint, distribution and parameter
   Key: fit_id, endpoint, distribution, parameter
   Tags: public
*/
CREATE TABLE analysis.tgi_survival (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS or PFS (analysis.patient_endpoint)
    distribution VARCHAR, -- lognormal, loglogistic or weibull
    parameter VARCHAR, -- intercept, log_kg, log_sum_day_0, a covariate, or log_scale (log sigma)
    n_patients BIGINT, -- patients
    n_events BIGINT, -- of them with the event
    estimate DOUBLE, -- mean over draws; log time ratio per unit
    standard_error DOUBLE, -- within and between draws
    between_share DOUBLE, -- share of the variance that is between draws
    ci_lower DOUBLE, -- lower 95 % limit
    ci_upper DOUBLE, -- upper 95 % limit
    p_value DOUBLE, -- two-sided Wald test against 0; NULL for intercept and log_scale
    aic DOUBLE, -- mean over draws
    is_best BOOLEAN -- distribution of the smallest AIC
)
