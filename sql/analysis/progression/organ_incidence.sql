/* Cumulative incidence of progression in an organ, death competing.
   Why: one minus Kaplan-Meier would count the dead as if they could still progress.
   How: Aalen-Johansen; events of one day are taken together. From the first dose by treatment, for each organ and for
   any; from the first progression by the organ that it was in, for another organ: who is in a group is known when the
   clock starts. A death up to progression.death_window_days after the last scan competes; a later one is censored at
   the last scan, as nobody looked whether the organ had progressed before it.
   Caveats: one row at every day with an event. Limits are pointwise.
   Reference: Aalen and Johansen, Scand J Stat 1978; Andersen and Keiding, Stat Methods Med Res 2002; asked for in Zhou
   et al., Nat Commun 2023, Discussion
   Filled by: step organ_transition
   Grain: one row per subset, origin, group_name, organ and time_days
   Key: subset, origin, group_name, organ, time_days
   Tags: public
*/
CREATE TABLE analysis.organ_incidence (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    origin VARCHAR, -- first dose, or first progression: where days count from
    group_name VARCHAR, -- all, the treatment class, or the organ of the first progression
    organ VARCHAR, -- organ, any organ, or another organ
    time_days DOUBLE, -- days from the origin
    incidence DOUBLE, -- probability of progression by the day
    ci_lower DOUBLE, -- lower limit (survival.confidence)
    ci_upper DOUBLE, -- upper limit
    death_incidence DOUBLE, -- probability of death before it by the day
    n_at_risk BIGINT, -- patients at risk just before the day
    n_events BIGINT, -- progressions on the day
    n_deaths BIGINT -- competing deaths on the day
)
