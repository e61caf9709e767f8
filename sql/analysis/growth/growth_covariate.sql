/* Effect of an organ, a treatment or another covariate on a growth parameter.
   Why: how much faster lesions of one organ grow, or how much less of them regrows under a treatment, at equal other
   covariates and free of shrinkage.
   How: fixed effects on the scale of estimation: log, for f logit, all at once (analysis.growth_extended_fit). Standard
   errors are those of a sandwich by patient: lesions of a patient share its treatment and more, and count as one
   source. Levels with fewer than growth.fewest_lesions / 3 lesions are joined as 'few lesions'.
   Caveats: treatments differ between trials; only what growth.covariates names is held equal. Informative drop-out and
   what the growth model leaves out bias effects too.
   Reference: Zhou et al. 2023; Huber 1967
   Filled by: step growth_covariate
   Grain: one row per fit_id, parameter, covariate and level
   Key: fit_id, parameter, covariate, level
   Tags: public
*/
CREATE TABLE analysis.growth_covariate (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    parameter VARCHAR, -- growth parameter; for two_population kg, kd (per day) or f
    covariate VARCHAR, -- name of the covariate (growth.covariates)
    level VARCHAR, -- level that is compared
    reference VARCHAR, -- level that it is compared with
    n_lesions BIGINT, -- lesions of the level
    n_reference BIGINT, -- lesions of the reference
    effect DOUBLE, -- difference on the scale of estimation: log, for f logit
    standard_error DOUBLE, -- its standard error, by patient
    standard_error_lesions DOUBLE, -- the same with lesions taken as independent: too small
    ci_lower DOUBLE, -- lower 95 % limit of effect
    ci_upper DOUBLE, -- upper 95 % limit
    ratio DOUBLE, -- exp(effect): ratio of rates; for f odds ratio; null for a parameter that can be negative
    ratio_lower DOUBLE, -- lower 95 % limit of ratio
    ratio_upper DOUBLE, -- upper 95 % limit
    typical DOUBLE, -- typical value of the level, the other covariates at their reference
    p_value DOUBLE, -- Wald test, t with the patients' degrees of freedom
    p_adjusted DOUBLE, -- corrected for the levels of the covariate and parameter (comparisons.correction)
    shows_vs_reference VARCHAR -- higher, lower, or no difference shown at 0.05 (p_adjusted)
)
