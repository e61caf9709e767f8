/* A larger growth model, started from the published fit: with covariates, or with correlated random effects.
   Why: organs and treatments are compared by fixed effects in one model rather than by lesions' estimates, which
   shrinkage draws together.
   How: Newton's method on the likelihood of analysis.growth_fit, from its maximum; same rows, same conventions. The
   likelihood ratio is taken on the same importance nodes.
   Caveats: the likelihood takes lesions as independent, even where the published fit does not (growth.patient_effects),
   so that typical values differ from analysis.growth_population; see analysis.growth_covariate_test for tests that know
   patients. No row where the setting is off or the model cannot be fitted; the run says so.
   Filled by: step growth_covariate
   Grain: one row per fit_id and extension
   Key: fit_id, extension
   Tags: public
*/
CREATE TABLE analysis.growth_extended_fit (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    extension VARCHAR, -- covariates (growth.covariates on every parameter) or correlated (a full covariance of the
    -- random effects)
    n_lesions BIGINT, -- lesions fitted
    n_patients BIGINT, -- their patients; a lesion of an unknown patient counts as one
    n_estimates BIGINT, -- estimates of the larger model
    minus2ll DOUBLE, -- -2 log-likelihood
    minus2ll_mc_se DOUBLE, -- its Monte Carlo standard error, an upper bound
    gain DOUBLE, -- -2 log-likelihood of the smaller model minus that of the larger one
    df BIGINT, -- estimates that the larger model has more
    p_value DOUBLE, -- likelihood-ratio test, lesions taken as independent
    aic_gain DOUBLE, -- gain - 2 df: above 0 speaks for the larger model
    largest_mc_share DOUBLE, -- largest Monte Carlo error over standard error, an upper bound
    newton_decrement DOUBLE, -- squared distance to the maximum, in standard errors
    is_converged BOOLEAN -- every estimate is exact to a fifth of its standard error
)
