/* Log-rank tests between groups by progression, all together and pair by pair.
   Why: whether the order of progression goes with survival (Fig. 4b, 5a, S8, S10a).
   Caveats: OS by cluster from the first dose, as the paper has it, is biased: who belongs to a cluster is known only
   later, and had to live until then (guarantee time). OS after a landmark is not, for the groups by what had progressed
   up to it.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4b and 5a; Anderson, Cain and Gelber, J Clin Oncol 1983
   Filled by: step progression_meaning
   Grain: one row per subset, grouping, endpoint, test, group_a and group_b
   Key: subset, grouping, endpoint, test, group_a, group_b
   Tags: public
*/
CREATE TABLE analysis.progression_survival_test (
    subset VARCHAR, -- analysis.progression_cluster, and after a semicolon the cluster within which treatments are
    -- compared
    grouping VARCHAR, -- progression cluster, treatment class, and after a landmark also first progressive organ and
    -- number of progressive organs
    endpoint VARCHAR, -- OS from the first dose, or OS after a landmark day, from that day
    test VARCHAR, -- log-rank, or log-rank trend
    group_a VARCHAR, -- one group of a pair; all where all groups are compared
    group_b VARCHAR, -- the other; all where all groups are compared
    statistic DOUBLE, -- chi-squared; for a trend above 0 whichever its direction
    df BIGINT, -- degrees of freedom
    direction BIGINT, -- for a trend: 1 where later groups have more events than expected, else -1
    p_value DOUBLE, -- two-sided
    p_adjusted DOUBLE, -- corrected for the pairs of this analysis
    is_guarantee_time_free BOOLEAN, -- the groups are known when the clock starts (staging.survival_plan); where not,
    -- who lives longer may fall into another group for that alone
    landmark_days DOUBLE, -- days from the first dose to where time_days counts from, in patients at risk then; NULL
    -- where it counts as the endpoint says
    n_groups BIGINT, -- groups compared
    n_patients BIGINT, -- patients in them
    n_events BIGINT, -- events in them
    is_ordered BOOLEAN, -- the groups have an order
    null_reason VARCHAR -- why there is no test; NULL where there is one
)
