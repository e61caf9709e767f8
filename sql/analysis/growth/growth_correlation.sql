/* Correlations of growth parameters across organs and across lesions.
   Why: organs whose lesions grow fast may shrink fast as well; lesions need not.
   How: Pearson's on the scale of estimation. organ: between the organs' means, unweighted, organs with five lesions or
   more. lesion: between lesions; intervals by patient. estimate_kind full_omega is the correlation that a model with
   correlated random effects estimates (analysis.growth_random_effect), covariate_model that of the organs' effects
   (analysis.growth_covariate).
   Caveats: across organs it is an ecological correlation over some 18 points, silent on single lesions. Modes and means
   are correlated by shrinkage too. Draws are right about no correlation and draw any other towards 0, as their
   population has none: test with draws, and read the size from full_omega.
   Reference: Zhou et al. 2023, Fig. 2c and d
   Filled by: step growth_association
   Grain: one row per fit_id, level, estimate_kind, x and y
   Key: fit_id, level, estimate_kind, x, y
   Tags: public
*/
CREATE TABLE analysis.growth_correlation (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    level VARCHAR, -- organ (means of the organs) or lesion
    estimate_kind VARCHAR, -- conditional_mode, conditional_mean, draws; covariate_model (organs), full_omega (lesions)
    x VARCHAR, -- log_kg, log_kd or logit_f; of other models likewise
    y VARCHAR, -- another of them
    n BIGINT, -- organs or lesions
    r DOUBLE, -- Pearson's correlation
    ci_lower DOUBLE, -- lower 95 % limit
    ci_upper DOUBLE, -- upper 95 % limit
    p_value DOUBLE, -- two-sided
    is_ecological BOOLEAN, -- between organs: says nothing of single lesions
    reading VARCHAR -- what the number is, in a sentence
)
