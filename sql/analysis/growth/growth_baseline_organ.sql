/* An organ's baseline volume and growth parameter, and the line through the organs.
   Why: whether organs with large lesions are those that grow or shrink otherwise.
   How: means over the organ's lesions, of the logarithm of the volume and on the scale of estimation: log, for f logit,
   put back. Organs with five lesions or more. The line is of least squares through these means, unweighted, with
   pointwise 95 % limits; its correlation is in analysis.growth_baseline.
   Caveats: over organs it is ecological, silent on single lesions.
   Reference: Zhou et al. 2023, Fig. 2d
   Filled by: step growth_association
   Grain: one row per fit_id, parameter, estimate_kind and organ
   Key: fit_id, parameter, estimate_kind, organ
   Tags: public
*/
CREATE TABLE analysis.growth_baseline_organ (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    parameter VARCHAR, -- growth parameter; for two_population kg, kd (per day) or f
    estimate_kind VARCHAR, -- conditional_mode or conditional_mean (a lesion's estimate taken as known), or draws
    -- (computed per draw, pooled by Rubin's rules)
    organ VARCHAR, -- core.organ
    n_lesions BIGINT, -- lesions
    n_patients BIGINT, -- their patients
    baseline_volume_mm3 DOUBLE, -- geometric mean of the lesions' volumes at baseline, mm3
    value DOUBLE, -- mean parameter of the lesions
    fitted DOUBLE, -- the line at the organ's volume
    fitted_lower DOUBLE, -- lower 95 % limit of the line
    fitted_upper DOUBLE -- upper 95 % limit
)
