/* Restricted mean survival of one group: mean days without event up to survival.rmst_days, and how many more or less
   than in the first group.
   Why: a difference in days, without proportional hazards, also where no median is reached.
   How: the area under the Kaplan-Meier curve with Greenwood's variance; variances of two groups add up. The groups and
   endpoints are those of staging.survival_plan.
   Caveats: NULL where the group is not followed up to the horizon. p-values are not corrected for the number of groups.
   Reference: Royston and Parmar, BMC Med Res Methodol 2013; Uno et al., J Clin Oncol 2014
   Filled by: step survival_rmst
   Grain: one row per subset, grouping, group_name and endpoint
   Key: subset, grouping, group_name, endpoint
   Tags: public
*/
CREATE TABLE analysis.survival_rmst (
    subset VARCHAR, -- analysis.patient_subset: in which patients
    grouping VARCHAR, -- by what they are grouped: staging.survival_plan
    group_name VARCHAR, -- analysis.patient_group
    endpoint VARCHAR, -- OS, PFS, PPS or another: staging.endpoint
    group_order BIGINT, -- order of the groups
    is_guarantee_time_free BOOLEAN, -- the groups are known when the clock starts (staging.survival_plan); where not,
    -- who lives longer may fall into another group for that alone
    landmark_days DOUBLE, -- days from the first dose to where time_days counts from, in patients at risk then; NULL
    -- where it counts as the endpoint says
    horizon_days DOUBLE, -- survival.rmst_days
    n_patients BIGINT, -- patients of the group with the endpoint
    n_events BIGINT, -- events up to the horizon
    mean_days DOUBLE, -- mean days without event up to the horizon
    standard_error DOUBLE, -- of it
    ci_lower DOUBLE, -- lower limit (survival.confidence)
    ci_upper DOUBLE, -- upper limit
    reference VARCHAR, -- the first group; NULL for itself
    difference_days DOUBLE, -- mean_days less that of the reference
    difference_standard_error DOUBLE, -- of it
    difference_lower DOUBLE, -- lower limit
    difference_upper DOUBLE, -- upper limit
    p_value DOUBLE, -- two-sided, Wald, that there is no difference
    null_reason VARCHAR -- why there is no mean; NULL where there is one
)
