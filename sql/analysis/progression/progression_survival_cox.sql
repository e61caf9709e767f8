/* Hazard ratio of death of a group by progression against the first group (Cox, Efron's ties).
   Why: whether the order of progression goes with survival (Fig. 4b, 5a, S8, S10a).
   Caveats: OS by cluster from the first dose, as the paper has it, is biased: who belongs to a cluster is known only
   later, and had to live until then (guarantee time). OS after a landmark is not, for the groups by what had progressed
   up to it.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4b and 5a; Anderson, Cain and Gelber, J Clin Oncol 1983
   Filled by: step progression_meaning
   Grain: one row per subset, model, endpoint, term and level
   Key: subset, model, endpoint, term, level
   Tags: public
*/
CREATE TABLE analysis.progression_survival_cox (
    subset VARCHAR, -- analysis.progression_cluster, and after a semicolon the cluster within which treatments are
    -- compared
    model VARCHAR, -- name of the model: the grouping, or as staging.cox_plan names it
    endpoint VARCHAR, -- OS from the first dose, or OS after a landmark day, from that day
    term VARCHAR, -- the grouping, or the covariate of analysis.patient_profile
    level VARCHAR, -- the group, or the unit of the covariate in words
    reference VARCHAR, -- group that it is compared with; NULL for numbers
    unit DOUBLE, -- the hazard ratio is per this much; NULL for groups
    log_hr DOUBLE, -- log hazard ratio; NULL where separated
    standard_error DOUBLE, -- its standard error
    hazard_ratio DOUBLE, -- hazard ratio; where separated 0, or NULL for infinite
    ci_lower DOUBLE, -- lower limit of the hazard ratio (survival.confidence)
    ci_upper DOUBLE, -- upper limit; NULL where the hazard ratio is infinite
    p_value DOUBLE, -- two-sided, Wald; NULL where separated
    is_separated BOOLEAN, -- one of the two groups has no event, so that the hazard ratio is 0 or infinite (NULL): the
    -- row holds the one end of its profile-likelihood interval
    lr_p_value DOUBLE, -- where separated: likelihood ratio of a hazard ratio of 1; else NULL
    is_guarantee_time_free BOOLEAN, -- the groups are known when the clock starts (staging.survival_plan); where not,
    -- who lives longer may fall into another group for that alone
    landmark_days DOUBLE, -- days from the first dose to where time_days counts from, in patients at risk then; NULL
    -- where it counts as the endpoint says
    n_patients BIGINT, -- patients in the model
    n_events BIGINT, -- events in the model
    n_strata BIGINT, -- baseline hazards
    n_left_out BIGINT, -- patients with the endpoint but without a covariate; 0 for groups
    stratum VARCHAR, -- what has a baseline hazard of its own; NULL where all share one
    adjusted_for VARCHAR, -- the model's other covariates; NULL where there is none
    model_chi2 DOUBLE, -- likelihood ratio test of the whole model
    model_df BIGINT, -- its degrees of freedom
    model_p_value DOUBLE, -- its p-value
    null_reason VARCHAR -- why there is no hazard ratio; NULL where there is one
)
