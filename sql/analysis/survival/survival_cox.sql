/* One hazard ratio of a Cox model of survival.
   Why: how much a group, or so much more heterogeneity, changes the hazard.
   How: the models of staging.survival_plan compare groups with the first one, without strata or other covariates; those
   of staging.cox_plan take numbers together, with a baseline hazard per stratum. Ties by Efron's method, intervals and
   p-values by Wald's; of groups without event the end of the profile-likelihood interval that there is (Heinze and
   Schemper, Biometrics 2001).
   Caveats: the Gower distance is of the whole follow-up, and so is known only after it: a patient who dies early has
   few scans to differ by. An association, no prediction.
   Reference: Cox, JRSS B 1972; Efron, JASA 1977; Zhou et al., Cancer Res 2021, Fig. 2D
   Filled by: step survival_cox
   Grain: one row per subset, model, endpoint, term and level
   Key: subset, model, endpoint, term, level
   Tags: public
*/
CREATE TABLE analysis.survival_cox (
    subset VARCHAR, -- analysis.patient_subset: in which patients
    model VARCHAR, -- name of the model: the grouping, or as staging.cox_plan names it
    endpoint VARCHAR, -- OS, PFS, PPS or another: staging.endpoint
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
