/* One growth parameter of one lesion, whatever the model.
   Why: analysis.growth_lesion has columns for kg, kd and F; this table has every parameter of every model
   (growth.model).
   Caveats: estimates are drawn to the typical value; see shrinkage.
   Reference: Zhou et al. 2023, Nat Commun, Methods
   Filled by: step growth_check
   Grain: one row per fit_id, lesion_id, parameter and estimate_kind
   Key: fit_id, lesion_id, parameter, estimate_kind
   Tags: public
*/
CREATE TABLE analysis.growth_lesion_parameter (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    lesion_id VARCHAR, -- core.lesion
    parameter VARCHAR, -- name of the parameter in the model
    estimate_kind VARCHAR, -- conditional_mode (most likely) or conditional_mean
    unit VARCHAR, -- 1/day, mm3; null without unit
    distribution VARCHAR, -- lognormal, logitnormal or normal: the scale of estimation
    value DOUBLE, -- estimate; the conditional mean is taken on the scale of estimation
    sd DOUBLE, -- standard deviation given the data, delta method
    gaussian_value DOUBLE, -- estimate on the scale of estimation: log, for f logit
    gaussian_sd DOUBLE, -- standard deviation given the data on the scale of estimation: log, for f logit
    shrinkage DOUBLE -- gaussian_sd squared over the variance between lesions
)
