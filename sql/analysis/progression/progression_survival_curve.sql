/* Kaplan-Meier curve of a group by progression.
   Why: whether the order of progression goes with survival (Fig. 4b, 5a, S8, S10a).
   Caveats: OS by cluster from the first dose, as the paper has it, is biased: who belongs to a cluster is known only
   later, and had to live until then (guarantee time). OS after a landmark is not, for the groups by what had progressed
   up to it.
   Reference: Zhou et al., Nat Commun 2023, Fig. 4b and 5a; Anderson, Cain and Gelber, J Clin Oncol 1983
   Filled by: step progression_meaning
   Grain: one row per subset, grouping, group_name, endpoint and time_days
   Key: subset, grouping, group_name, endpoint, time_days
   Tags: public
*/
CREATE TABLE analysis.progression_survival_curve (
    subset VARCHAR, -- analysis.progression_cluster, and after a semicolon the cluster within which treatments are
    -- compared
    grouping VARCHAR, -- progression cluster, treatment class, and after a landmark also first progressive organ and
    -- number of progressive organs
    group_name VARCHAR, -- the group
    endpoint VARCHAR, -- OS from the first dose, or OS after a landmark day, from that day
    time_days DOUBLE, -- days from the first dose, or from the landmark; for PPS from the progression
    survival DOUBLE, -- share still without event after the day
    ci_lower DOUBLE, -- lower limit
    ci_upper DOUBLE, -- upper limit
    n_at_risk BIGINT, -- patients at risk just before the day
    n_events BIGINT, -- events on the day
    n_censored BIGINT -- patients censored on the day
)
