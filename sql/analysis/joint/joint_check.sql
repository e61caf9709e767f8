/* Survival as observed and as the best joint model simulates it from baseline.
   Why: a model that cannot reproduce the trials it was fitted to predicts nothing.
   How: Kaplan-Meier against trials simulated for the same patients: curves drawn from the population given nothing
   but baseline sizes, organs and covariates, then days of the event. Limits are of 95 % of the simulated trials.
   Caveats: simulated trials are not censored, so that their limits are a little narrower than those of the data.
   Filled by: step joint
   Grain: one row per fit_id, endpoint, group_name and day
   Key: fit_id, endpoint, group_name, day
   Tags: public
*/
CREATE TABLE analysis.joint_check (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    endpoint VARCHAR, -- OS or PFS (analysis.patient_endpoint)
    link VARCHAR, -- what of the lesions the hazard depends on: organ, value, slope, ttg, kg or shared; none without
    group_name VARCHAR, -- all, or level of a covariate of the hazard
    day DOUBLE, -- days from the first dose
    n_patients BIGINT, -- patients of the group
    n_at_risk BIGINT, -- still followed
    observed DOUBLE, -- Kaplan-Meier estimate
    observed_lower DOUBLE, -- lower 95 % limit
    observed_upper DOUBLE, -- upper 95 % limit
    simulated DOUBLE, -- mean of the simulated trials
    simulated_lower DOUBLE, -- 2.5 % of them are below
    simulated_upper DOUBLE, -- 2.5 % of them are above
    is_within BOOLEAN -- the intervals overlap
)
