/* Growth under treatments with an antibody against chemotherapy alone, by organ: a forest plot.
   Why: whether antibodies slow growth, hasten shrinkage or leave less to regrow, and in which organs.
   Caveats: over draws, which draw differences towards 0; the row of covariate_model is free of that.
   Grain: one row per fit_id, treatment, organ, parameter, estimate_kind and adjustment
   Key: fit_id, treatment, organ, parameter, estimate_kind, adjustment
   Tags: figure
*/
SELECT
    effect.fit_id, -- analysis.growth_fit
    effect.subset, -- lesions that were fitted together, or all
    effect.treatment, -- treatment with an antibody
    effect.control, -- chemotherapy alone
    effect.organ, -- id of the organ, or all
    coalesce(organ.display_name, 'All organs') AS display_name, -- name of the organ for a report
    coalesce(organ.sort_order, 0) AS sort_order, -- order in figures; 0 for all organs
    effect.parameter, -- growth parameter
    effect.estimate_kind, -- draws, or covariate_model
    effect.adjustment, -- none, line_of_therapy, or the covariates of covariate_model
    effect.n_lesions_treatment, -- lesions under the treatment
    effect.n_lesions_control, -- lesions under chemotherapy alone
    effect.difference, -- difference on the scale of estimation
    effect.ci_lower, -- lower limit
    effect.ci_upper, -- upper limit
    effect.ratio, -- exp(difference)
    effect.standardised, -- over the standard deviation within groups
    effect.p_value, -- two-sided
    effect.p_adjusted -- corrected over organs
FROM analysis.growth_effect AS effect
LEFT JOIN core.organ AS organ ON effect.organ = organ.organ
WHERE effect.estimate_kind IN ('draws', 'covariate_model')
