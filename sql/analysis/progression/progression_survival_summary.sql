/* Survival of a group by progression in a line: patients, events, median with interval.
   Why: whether the order of progression goes with survival (Fig. 4b, 5a, S8, S10a).
   Caveats: OS by cluster from the first dose, as the paper has it, is biased: who belongs to a cluster is known only
   later, and had to live until then (guarantee time). OS after a landmark is not, for the groups by what had progressed
   up to it.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4b and 5a; Anderson, Cain and Gelber, J Clin Oncol 1983
   Filled by: step progression_meaning
   Grain: one row per subset, grouping, group_name and endpoint
   Key: subset, grouping, group_name, endpoint
   Tags: public
*/
CREATE TABLE analysis.progression_survival_summary (
    subset VARCHAR, -- analysis.progression_cluster, and after a semicolon the cluster within which treatments are
    -- compared
    grouping VARCHAR, -- progression cluster, treatment class, and after a landmark also first progressive organ and
    -- number of progressive organs
    group_name VARCHAR, -- the group
    endpoint VARCHAR, -- OS from the first dose, or OS after a landmark day, from that day
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
