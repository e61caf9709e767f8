/* Cumulative incidence of progression per organ, death competing: one step of one curve.
   Why: what share of patients progresses where, by when, when the dead cannot.
   Grain: one row per subset, origin, group_name, organ and time_days
   Key: subset, origin, group_name, organ, time_days
   Tags: figure
*/
WITH tested AS (
    SELECT
        subset,
        origin,
        organ,
        max(p_value) AS p_value
    FROM analysis.organ_incidence_summary
    GROUP BY subset, origin, organ
)

SELECT
    incidence.subset, -- all, or the tumor type
    incidence.origin, -- first dose, or first progression
    incidence.group_name, -- all, treatment class, or organ of the first progression
    incidence.organ, -- organ, any organ, or another organ
    coalesce(organ.display_name, incidence.organ) AS organ_name, -- as it is shown
    incidence.time_days, -- days from the origin
    incidence.incidence, -- probability of progression by the day
    incidence.ci_lower, -- lower limit
    incidence.ci_upper, -- upper limit
    incidence.death_incidence, -- probability of death before it
    incidence.n_at_risk, -- patients at risk just before the day
    tested.p_value -- log-rank test between the groups, deaths censored
FROM analysis.organ_incidence AS incidence
LEFT JOIN tested
    ON
        incidence.subset = tested.subset
        AND incidence.origin = tested.origin
        AND incidence.organ = tested.organ
LEFT JOIN core.organ AS organ ON incidence.organ = organ.organ
