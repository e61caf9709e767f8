/* Transitions between organs as a picture shows them: one cell.
   Why: the multi-state picture that Zhou 2023 asks for in its discussion.
   Caveats: cells with fewer than ten patients at risk are left out.
   Grain: one row per subset, stratum, from_organ and to_organ
   Key: subset, stratum, from_organ, to_organ
   Tags: figure
*/
SELECT
    transition.subset, -- all, or the tumor type
    transition.stratum, -- all, or the treatment class
    transition.from_organ, -- organ that had progressed; none: no organ had
    coalesce(source.display_name, transition.from_organ) AS from_name, -- as it is shown
    coalesce(source.sort_order, 0) AS from_order, -- order of the rows
    transition.to_organ, -- organ that progresses then, or death
    coalesce(target.display_name, transition.to_organ) AS to_name, -- as it is shown
    coalesce(target.sort_order, 100) AS to_order, -- order of the columns
    transition.n_at_risk, -- patients at risk
    transition.n_transitions, -- transitions
    transition.patient_years, -- time at risk, years
    transition.rate_per_year, -- transitions per patient-year
    transition.rate_lower, -- lower limit
    transition.rate_upper, -- upper limit
    transition.rate_ratio, -- over the rate after another organ's progression
    transition.ratio_lower, -- lower limit
    transition.ratio_upper -- upper limit
FROM analysis.organ_transition AS transition
LEFT JOIN core.organ AS source ON transition.from_organ = source.organ
LEFT JOIN core.organ AS target ON transition.to_organ = target.organ
WHERE transition.n_at_risk >= 10
