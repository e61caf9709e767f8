/* The Cox model of the Gower distance, fitted to a random sample of its patients.
   Why: whether the association hangs on a few patients (subset), and an interval that leans on no formula (bootstrap).
   How: the model Gower distance of staging.cox_plan, overall survival, all patients; survival.resamples random subsets
   of survival.subset_share without replacement, as the paper drew them, and as many bootstrap samples of all patients
   with replacement.
   Caveats: subsets share most of their patients, so that their spread is smaller than the standard error and the share
   of small p-values says nothing about power; the spread of the bootstrap is the standard error.
   Reference: Zhou et al., Cancer Res 2021, Fig. 2E; Efron, Annals of Statistics 1979
   Filled by: step survival_resample
   Grain: one row per subset, model, endpoint, scheme, replicate and term
   Key: subset, model, endpoint, scheme, replicate, term
   Tags: public
*/
CREATE TABLE analysis.survival_resample (
    subset VARCHAR, -- analysis.patient_subset: in which patients
    model VARCHAR, -- staging.cox_plan
    endpoint VARCHAR, -- OS
    scheme VARCHAR, -- subset (without replacement) or bootstrap (with)
    replicate BIGINT, -- number of the sample, from 1
    term VARCHAR, -- covariate, in the unit of analysis.survival_cox
    log_hr DOUBLE, -- log hazard ratio
    standard_error DOUBLE, -- its standard error in the sample
    p_value DOUBLE, -- two-sided, Wald
    n_patients BIGINT, -- patients drawn, those drawn twice counted twice
    n_events BIGINT, -- events among them
    null_reason VARCHAR -- why there is no estimate; NULL where there is one
)
