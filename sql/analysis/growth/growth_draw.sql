/* Draws of one lesion's growth parameter given its measurements.
   Why: a lesion's parameters are known only so well. Whatever is computed from lesions (correlations, tests, effects)
   is computed once per draw and pooled by Rubin's rules; estimates taken as known pass shrinkage for agreement.
   How: draw d of all lesions together is one possible data set. growth.pooled_draws draws from the conditional
   distribution at the population estimates.
   Caveats: the population of this fit knows no organ and no treatment, so that differences between groups are drawn
   towards 0 (never made up); sizes of effects are in analysis.growth_covariate.
   Filled by: step growth_check
   Grain: one row per fit_id, lesion_id and parameter
   Key: fit_id, lesion_id, parameter
   Tags: public
*/
CREATE TABLE analysis.growth_draw (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    lesion_id VARCHAR, -- core.lesion
    parameter VARCHAR, -- name of the parameter in the model
    gaussian_draws DOUBLE[] -- draws on the scale of estimation: log, for f logit
)
