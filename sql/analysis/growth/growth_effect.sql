/* How far growth parameters differ between a treatment with an antibody and chemotherapy alone, within each organ and
   over all.
   How: difference of means on the scale of estimation: log, for f logit. Intervals and p-values take patients, not
   their lesions, as independent. adjustment line_of_therapy compares within lines only. p_adjusted corrects over the
   organs of one contrast, parameter, kind and adjustment.
   Caveats: not randomised against each other unless a trial did so. conditional_mode and draws draw differences towards
   0 by shrinkage; covariate_model (analysis.growth_covariate, over all organs, given its covariates) does not.
   Reference: Zhou et al. 2023, Fig. 2; Hedges 1981, J Educ Stat; Barnard and Rubin 1999, Biometrika
   Filled by: step growth_association
   Grain: one row per fit_id, treatment, control, organ, parameter, estimate_kind and adjustment
   Key: fit_id, treatment, control, organ, parameter, estimate_kind, adjustment
   Tags: public
*/
CREATE TABLE analysis.growth_effect (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    treatment VARCHAR, -- analysis.patient_profile: therapy, or targeting
    control VARCHAR, -- chemotherapy alone
    organ VARCHAR, -- core.organ, or all
    parameter VARCHAR, -- growth parameter; for two_population kg, kd (per day) or f
    estimate_kind VARCHAR, -- conditional_mode, draws, or covariate_model
    adjustment VARCHAR, -- none, line_of_therapy, or the covariates of covariate_model
    n_lesions_treatment BIGINT, -- lesions under the treatment
    n_lesions_control BIGINT, -- lesions under the control
    n_patients BIGINT, -- patients of both; null for covariate_model
    difference DOUBLE, -- treatment - control, on the scale of estimation: log, for f logit
    standard_error DOUBLE, -- its standard error, by patient
    ci_lower DOUBLE, -- lower 95 % limit of difference
    ci_upper DOUBLE, -- upper 95 % limit
    ratio DOUBLE, -- exp(difference): ratio of rates, odds ratio of f; null for a parameter that can be negative
    standardised DOUBLE, -- difference over the standard deviation within groups; null for covariate_model
    standardised_lower DOUBLE, -- lower 95 % limit
    standardised_upper DOUBLE, -- upper 95 % limit
    missing_share DOUBLE, -- share of the variance that comes from not knowing the lesions' parameters; 0 for
    -- conditional_mode; null for covariate_model
    p_value DOUBLE, -- two-sided
    p_adjusted DOUBLE -- corrected over organs; null over all organs
)
