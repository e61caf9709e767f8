/* Log-rank tests between groups: all together, their trend where they have an order, and every pair where there are
   more than two.
   Why: the p-values under survival curves.
   Caveats: p_adjusted is corrected for the pairs of one analysis (comparisons.correction), not for the number of
   analyses.
   Reference: Harrington and Fleming, Biometrika 1982; Tarone, Biometrika 1975; Zhou et al., Cancer Res 2021, Methods,
   Statistical analysis
   Filled by: step survival
   Grain: one row per subset, grouping, endpoint, test, group_a and group_b
   Key: subset, grouping, endpoint, test, group_a, group_b
   Tags: public
*/
CREATE TABLE analysis.survival_test (
    subset VARCHAR, -- analysis.patient_subset: in which patients
    grouping VARCHAR, -- by what they are grouped: staging.survival_plan
    endpoint VARCHAR, -- OS, PFS, PPS or another: staging.endpoint
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
