/* The population estimates of a growth fit.
   How: standard errors from the observed information (Louis). Intervals are symmetric on the scale of estimation: log,
   for F logit.
   Reference: Zhou et al. 2023, Nat Commun, Methods, equation (2), Figs. 2 and S1 to S3
   Filled by: step growth
   Grain: one row per fit_id and parameter
   Key: fit_id, parameter
   Tags: public
*/
CREATE TABLE analysis.growth_population (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    parameter VARCHAR, -- kg_pop, kd_pop, f_pop typical values; omega_ standard deviations of log kg, log kd, logit F
    -- between lesions (of one patient, where there are gamma_), gamma_ between patients; b proportional residual error
    estimate DOUBLE, -- maximum-likelihood estimate; rates per day
    standard_error DOUBLE, -- its standard error; NULL for a patients' effect of 0, and where a failed fit has none
    rse_percent DOUBLE, -- standard error in percent of the estimate
    ci_lower DOUBLE, -- lower 95 % limit
    ci_upper DOUBLE, -- upper 95 % limit
    unit VARCHAR, -- unit of the estimate; null without one
    total_sd DOUBLE, -- of omega_: standard deviation between lesions of all patients, sqrt(omega^2 + gamma^2)
    shrinkage_modes DOUBLE, -- of omega_: share of the variance that conditional modes lack
    shrinkage_means DOUBLE -- of omega_: share of the variance that conditional means lack
)
