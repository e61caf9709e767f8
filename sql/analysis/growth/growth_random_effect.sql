/* How much lesions differ beyond the covariates, and which parameters go together.
   Why: the published fit takes random effects as independent, so that correlations of draws from it are drawn towards
   0; here they are estimated.
   How: from the extensions of analysis.growth_extended_fit. Standard errors are those of a sandwich by patient: lesions
   of a patient share its treatment and more, and count as one source.
   Filled by: step growth_covariate
   Grain: one row per fit_id, extension and parameter
   Key: fit_id, extension, parameter
   Tags: public
*/
CREATE TABLE analysis.growth_random_effect (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    extension VARCHAR, -- covariates (growth.covariates on every parameter) or correlated (a full covariance of the
    -- random effects)
    parameter VARCHAR, -- omega_: standard deviation between lesions on the scale of estimation: log, for f logit;
    -- corr_: correlation of two parameters
    x VARCHAR, -- first parameter of a correlation; null for omega_
    y VARCHAR, -- second parameter
    estimate DOUBLE, -- estimate
    standard_error DOUBLE, -- its standard error, by patient
    ci_lower DOUBLE, -- lower 95 % limit: on the log scale for omega_, Fisher's z for corr_
    ci_upper DOUBLE, -- upper 95 % limit
    p_value DOUBLE, -- correlation 0; null for omega_
    explained_share DOUBLE -- of omega_ with covariates: share that they explain of the variance in the same model
    -- without them
)
