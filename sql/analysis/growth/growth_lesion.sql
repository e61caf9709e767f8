/* The growth parameters of one lesion, given its measurements and the population.
   Caveats: estimates of lesions with few scans are drawn to the typical value (shrinkage); do not compare or correlate
   them as if they were measured. Each rests on the lesion's own measurements, not on the patient's other lesions. The
   conditional mean is taken on the scale of log kg, log kd, logit F and put back.
   Reference: Zhou et al. 2023, Nat Commun, Methods, equation (2), Figs. 2 and S1 to S3
   Filled by: step growth
   Grain: one row per fit_id, lesion_id and estimate_kind
   Key: fit_id, lesion_id, estimate_kind
   Tags: public
*/
CREATE TABLE analysis.growth_lesion (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    lesion_id VARCHAR, -- core.lesion
    estimate_kind VARCHAR, -- conditional_mode (most likely values) or conditional_mean
    patient_id VARCHAR, -- core.patient; null where the source does not say
    organ VARCHAR, -- core.organ
    kg_per_day DOUBLE, -- growth rate, per day
    kd_per_day DOUBLE, -- shrinkage rate, per day
    f DOUBLE, -- part of the lesion that grows, 0 to 1
    kg_sd DOUBLE, -- standard deviation of kg_per_day given the data, delta method
    kd_sd DOUBLE, -- standard deviation of kd_per_day given the data, delta method
    f_sd DOUBLE, -- standard deviation of f given the data, delta method
    log_kg_sd DOUBLE, -- standard deviation of log kg given the data
    log_kd_sd DOUBLE, -- standard deviation of log kd given the data
    logit_f_sd DOUBLE, -- standard deviation of logit F given the data
    kg_shrinkage DOUBLE, -- variance of log kg given the data, over that between lesions; above 1 where the curvature at
    -- a mode is flatter than the population's
    kd_shrinkage DOUBLE, -- variance of log kd given the data, over that between lesions; above 1 where the curvature at
    -- a mode is flatter than the population's
    f_shrinkage DOUBLE, -- variance of logit F given the data, over that between lesions; above 1 where the curvature at
    -- a mode is flatter than the population's
    nadir_day DOUBLE, -- day of the curve's smallest volume, from day 0 on
    nadir_volume_mm3 DOUBLE, -- that volume, mm3
    n_modes BIGINT, -- local maxima found; more than 1: other values fit nearly as well. Null for the conditional mean
    is_converged BOOLEAN -- the mode was found; null for the conditional mean
)
