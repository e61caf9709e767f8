/* Kaplan-Meier curve of one group.
   Why: what a survival figure draws, with the numbers at risk under it.
   Caveats: one row at day 0 and at every day with an event or a censoring. Limits are pointwise (survival.interval,
   survival.confidence), NULL from where survival is 0.
   Reference: Kaplan and Meier, JASA 1958; Zhou et al., Cancer Res 2021, Fig. 2 to 6
   Filled by: step survival
   Grain: one row per subset, grouping, group_name, endpoint and time_days
   Key: subset, grouping, group_name, endpoint, time_days
   Tags: public
*/
CREATE TABLE analysis.survival_curve (
    subset VARCHAR, -- analysis.patient_subset: in which patients
    grouping VARCHAR, -- by what they are grouped: staging.survival_plan
    group_name VARCHAR, -- analysis.patient_group
    endpoint VARCHAR, -- OS, PFS, PPS or another: staging.endpoint
    time_days DOUBLE, -- days from the first dose, or from the landmark; for PPS from the progression
    survival DOUBLE, -- share still without event after the day
    ci_lower DOUBLE, -- lower limit
    ci_upper DOUBLE, -- upper limit
    n_at_risk BIGINT, -- patients at risk just before the day
    n_events BIGINT, -- events on the day
    n_censored BIGINT -- patients censored on the day
)
