/* One joint model of lesions' growth and survival: a hazard that depends on the lesions' curves, or why it has no
   estimates.
   Why: whether, and through what, growth of lesions goes with survival: size by organ, size, change, time to growth,
   growth rate. One link fits better than another where its AIC is smaller; p_value tests it against no link.
   How: the curves are those of analysis.growth_fit. The likelihood of the event given the sizes is a mean over draws
   of all of a patient's curves given the sizes, importance weights of the event included: exact but for the number of
   draws (loglik_mc_error). Newton's method with Louis' information. Time is from the first dose; who entered later is
   at risk from then on.
   Caveats: growth's own estimates are taken as the growth fit has them, with their error in the standard errors.
   Beyond the last scan curves are extrapolated. Progression is seen on the same sizes: read PFS as description.
   Reference: Rizopoulos 2012, Joint Models for Longitudinal and Time-to-Event Data; Kerioui et al. 2022, ESMO Open
   7:100346
   Filled by: step joint
   Grain: one row per fit_id, endpoint and link
   Key: fit_id, endpoint, link
   Tags: public
*/
CREATE TABLE analysis.joint_fit (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS or PFS (analysis.patient_endpoint)
    link VARCHAR, -- what of the lesions the hazard depends on: organ, value, slope, ttg, kg or shared; none without
    baseline VARCHAR, -- baseline hazard: piecewise (constant between quantiles of the events) or weibull
    covariates VARCHAR, -- covariates of the hazard, comma between; empty without any
    n_patients BIGINT, -- patients with a baseline of a target lesion and a time after the first dose
    n_events BIGINT, -- of them with the event
    n_draws BIGINT, -- draws of each patient's curves
    n_parameters BIGINT, -- links, covariates and baseline
    loglik DOUBLE, -- log-likelihood of the event given the sizes; NULL where there are no estimates
    loglik_mc_error DOUBLE, -- its Monte Carlo error, half of what two sets of draws differ by
    aic DOUBLE, -- -2 loglik + 2 n_parameters
    aic_difference DOUBLE, -- to the smallest of this endpoint, models without links included
    is_best BOOLEAN, -- smallest AIC of the models with a link; residuals, checks and predictions are of it
    chi2 DOUBLE, -- likelihood-ratio statistic of the links together; NULL without
    df BIGINT, -- its degrees of freedom
    p_value DOUBLE, -- of it
    chi2_mc_error DOUBLE, -- Monte Carlo error of chi2
    effective_draws DOUBLE, -- effective draws of a patient that the event leaves, 5 % quantile
    n_few_draws BIGINT, -- patients with fewer than 20 of them; more joint.draws help
    n_steps BIGINT, -- Newton steps
    newton_decrement DOUBLE, -- squared distance to the maximum in standard errors
    is_converged BOOLEAN, -- at the maximum, with positive information
    verdict_id VARCHAR, -- estimated, few_events, few_patients, no_spread, not_identified, not_converged, wrong_model or
    -- no_follow_up
    verdict VARCHAR, -- the same in a sentence
    seed BIGINT -- of the draws
)
