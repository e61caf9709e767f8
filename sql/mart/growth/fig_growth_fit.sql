/* One population fit of growth: what went in, how well it fits, whether it can be trusted.
   Why: convergence is looked at before estimates are.
   Reference: Zhou et al. 2023, Methods.
   Grain: one row per fit_id
   Key: fit_id
   Tags: figure
*/
SELECT
    fit.fit_id, -- id of the fit: subset / model
    fit.model, -- growth model
    fit.subset, -- lesions that were fitted together, or all
    fit.model = setting.value AS is_main, -- the fit that curves and events come from
    fit.n_lesions, -- lesions
    fit.n_excluded, -- lesions excluded
    fit.n_observations, -- sizes
    fit.n_censored, -- of them below the limit of quantification
    fit.censoring_method, -- how those are taken
    fit.minus2ll, -- -2 log likelihood
    fit.minus2ll_mc_se, -- its Monte Carlo error
    fit.aic, -- Akaike's criterion
    fit.bic, -- Bayes's criterion
    fit.is_converged, -- every criterion of convergence holds
    fit.verdict, -- what the criteria say
    fit.newton_decrement, -- Newton decrement at the end: distance from the maximum
    fit.largest_mc_share, -- largest share of Monte Carlo error in a standard error
    fit.smallest_ess -- smallest effective sample size of a lesion's draws
FROM analysis.growth_fit AS fit
INNER JOIN meta.setting AS setting ON setting.name = 'growth.model'
