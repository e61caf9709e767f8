/* Baseline tumor burden against growth parameters.
   Why: whether large lesions, or patients with much tumor, or organs with large lesions, have lesions that grow or
   shrink otherwise.
   How: correlation of the logarithm of a volume with a parameter on the scale of estimation: log, for f logit.
   Intervals and p-values take patients, not their lesions, as independent. Over organs: between the means of organs
   with five lesions or more, unweighted, which is silent on single lesions (points: analysis.growth_baseline_organ).
   Caveats: the baseline volume also enters the growth model as the curve's start; an error in it makes a correlation of
   its own. Draws draw the size of a correlation towards 0.
   Reference: Zhou et al. 2023, Fig. 2d
   Filled by: step growth_association
   Grain: one row per fit_id, burden, level, parameter and estimate_kind
   Key: fit_id, burden, level, parameter, estimate_kind
   Tags: public
*/
CREATE TABLE analysis.growth_baseline (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    burden VARCHAR, -- lesion_volume (the lesion's at baseline), patient_volume (sum over the patient's fitted target
    -- lesions) or organ_volume (geometric mean of the organ's lesions)
    level VARCHAR, -- lesion; or patient, organ: the mean of the parameter over its lesions
    parameter VARCHAR, -- growth parameter; for two_population kg, kd (per day) or f
    estimate_kind VARCHAR, -- conditional_mode or conditional_mean (a lesion's estimate taken as known), or draws
    -- (computed per draw, pooled by Rubin's rules)
    n_lesions BIGINT, -- lesions
    n_patients BIGINT, -- patients
    n_organs BIGINT, -- organs that were correlated; null for another level
    r DOUBLE, -- Pearson's correlation
    ci_lower DOUBLE, -- lower 95 % limit
    ci_upper DOUBLE, -- upper 95 % limit
    p_value DOUBLE, -- two-sided
    spearman_rho DOUBLE -- Spearman's rank correlation
)
