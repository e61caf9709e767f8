/* Survival of one group in a line: patients, events, median with interval.
   Why: the medians that papers state.
   Caveats: limits are those of the curve's confidence limits (Brookmeyer and Crowley); a limit that the curve does not
   reach is NULL. Expected events are those of the log-rank test of all groups.
   Reference: Kaplan and Meier, JASA 1958; Zhou et al., Cancer Res 2021, Fig. 2 to 6
   Filled by: step survival
   Grain: one row per subset, grouping, group_name and endpoint
   Key: subset, grouping, group_name, endpoint
   Tags: public
*/
CREATE TABLE analysis.survival_summary (
    subset VARCHAR, -- analysis.patient_subset: in which patients
    grouping VARCHAR, -- by what they are grouped: staging.survival_plan
    group_name VARCHAR, -- analysis.patient_group
    endpoint VARCHAR, -- OS, PFS, PPS or another: staging.endpoint
    group_order BIGINT, -- order of the groups
    is_guarantee_time_free BOOLEAN, -- the groups are known when the clock starts (staging.survival_plan); where not,
    -- who lives longer may fall into another group for that alone
    landmark_days DOUBLE, -- days from the first dose to where time_days counts from, in patients at risk then; NULL
    -- where it counts as the endpoint says
    n_patients BIGINT, -- patients of the group with the endpoint
    n_missing BIGINT, -- patients of the group without it (analysis.patient_endpoint says why), or who had it by the
    -- landmark
    n_events BIGINT, -- events
    n_expected DOUBLE, -- events expected if the groups were alike; NULL without another group
    median_days DOUBLE, -- median survival, days
    median_lower DOUBLE, -- lower limit, days
    median_upper DOUBLE, -- upper limit, days
    first_quartile_days DOUBLE, -- day by which a quarter had the event
    third_quartile_days DOUBLE, -- day by which three quarters had the event
    longest_days DOUBLE, -- longest time in the group, days
    null_reason VARCHAR -- why there is no median; NULL where there is one
)
