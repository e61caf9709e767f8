/* Cumulative incidence of progression on given days, and its tests.
   How: days of progression.landmarks. p_value: log-rank test between the groups of the organ, deaths censored
   (cause-specific hazards).
   Caveats: p-values are not corrected for the number of organs.
   Reference: Aalen and Johansen, Scand J Stat 1978; Andersen and Keiding, Stat Methods Med Res 2002; asked for in Zhou
   et al., Nat Commun 2023, Discussion
   Filled by: step organ_transition
   Grain: one row per subset, origin, group_name, organ and day
   Key: subset, origin, group_name, organ, day
   Tags: public
*/
CREATE TABLE analysis.organ_incidence_summary (
    subset VARCHAR, -- all; where there are several tumor types, each by itself
    origin VARCHAR, -- first dose, or first progression
    group_name VARCHAR, -- all, the treatment class, or the organ of the first progression
    organ VARCHAR, -- organ, any organ, or another organ
    day DOUBLE, -- days from the origin
    n_patients BIGINT, -- patients of the group
    n_events BIGINT, -- progressions, whenever
    n_deaths BIGINT, -- competing deaths, whenever
    n_left BIGINT, -- patients at risk after the day
    incidence DOUBLE, -- probability of progression by the day; NULL where nobody was followed so far
    ci_lower DOUBLE, -- lower limit
    ci_upper DOUBLE, -- upper limit
    p_value DOUBLE -- of the groups of this organ and origin; NULL for all, and without events
)
