/* One estimate of a joint model: links, covariates and baseline hazard.
   How: standard errors from Louis' information with what the growth fit's own error adds (Murphy and Topel 1985);
   that error is from the outer products of the patients' scores. Beside it the one with growth taken as known, and
   the sandwich over patients.
   Filled by: step joint
   Grain: one row per fit_id, endpoint, link and parameter
   Key: fit_id, endpoint, link, parameter
   Tags: public
*/
CREATE TABLE analysis.joint_parameter (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS or PFS (analysis.patient_endpoint)
    link VARCHAR, -- what of the lesions the hazard depends on: organ, value, slope, ttg, kg or shared; none without
    parameter VARCHAR, -- alpha_ and the link's term; covariate: level against reference; log_rate_ of a piece,
    -- log_lambda, log_shape
    kind VARCHAR, -- link, covariate or baseline
    estimate DOUBLE, -- log hazard ratio per unit of the link or of the level against the reference; log hazard per day
    -- of a piece
    standard_error DOUBLE, -- with the error of the growth fit
    standard_error_given_growth DOUBLE, -- as if growth were known
    standard_error_sandwich DOUBLE, -- the same, robust, by patient
    mc_error DOUBLE, -- Monte Carlo error of the estimate, half of what two sets of draws differ by
    ci_lower DOUBLE, -- lower 95 % limit
    ci_upper DOUBLE, -- upper 95 % limit
    p_value DOUBLE, -- two-sided Wald test against 0; NULL for the baseline
    from_day DOUBLE, -- of a piece: it begins after this day
    to_day DOUBLE -- of a piece: it ends with this day; NULL for the last
)
