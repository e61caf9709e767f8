/* Growth parameters by organ: box plots, the typical lesion with its interval, and the effect of the organ.
   Why: Zhou 2023, Fig. 2: in which organs lesions grow and shrink fast, and how much of them regrows.
   Caveats: boxes are of conditional modes, which shrinkage draws together; compare organs by the effect, which is free
   of that (NULL unless growth.covariates names organ). The reference organ has effect 0 without interval.
   Reference: Zhou et al. 2023, Fig. 2.
   Grain: one row per fit_id, parameter and organ
   Key: fit_id, parameter, organ
   Tags: figure
*/
WITH effect AS (
    SELECT
        fit_id,
        CASE WHEN parameter IN ('kg', 'kd') THEN parameter || '_per_day' ELSE parameter END AS parameter,
        level,
        reference,
        effect,
        ci_lower,
        ci_upper,
        p_adjusted,
        shows_vs_reference
    FROM analysis.growth_covariate
    WHERE covariate = 'organ'
),

reference_organ AS (
    SELECT DISTINCT
        fit_id,
        parameter,
        reference
    FROM effect
)

SELECT
    box.fit_id, -- analysis.growth_fit
    box.subset, -- lesions that were fitted together, or all
    box.parameter, -- kg_per_day, kd_per_day or f; of other models their own names
    box.organ, -- id of the organ
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    box.n_lesions, -- lesions
    box.n_patients, -- their patients
    box.minimum, -- smallest conditional mode
    box.lower_quartile, -- lower quartile
    box.median, -- median
    box.upper_quartile, -- upper quartile
    box.maximum, -- largest
    box.typical, -- typical value, over draws
    box.typical_lower, -- lower limit
    box.typical_upper, -- upper limit
    reference_organ.reference AS reference_organ, -- organ that effects compare with
    CASE WHEN box.organ = reference_organ.reference THEN 0 ELSE effect.effect END AS effect, -- on estimation's scale
    effect.ci_lower AS effect_lower, -- lower limit
    effect.ci_upper AS effect_upper, -- upper limit
    effect.p_adjusted, -- Wald test of the effect, corrected over organs
    effect.shows_vs_reference, -- higher, lower, or no difference shown
    box.kruskal_wallis_p, -- over all organs, of modes
    box.kruskal_wallis_p_draws -- over all organs, pooled over draws
FROM analysis.growth_by_organ AS box
LEFT JOIN core.organ AS organ ON box.organ = organ.organ
LEFT JOIN effect
    ON box.fit_id = effect.fit_id AND box.parameter = effect.parameter AND box.organ = effect.level
LEFT JOIN reference_organ
    ON box.fit_id = reference_organ.fit_id AND box.parameter = reference_organ.parameter
