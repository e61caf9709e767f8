/* What new lesions do to the hazard of progression, by organ.
   Why: the published analysis has new lesions at risk from the first dose, though they are known only because they
   appeared, so that each has an event; organs in which lesions appear often look as if they progressed more readily.
   Caveats: a hazard ratio of 0 or infinity (an organ without progressions but for new lesions) has one limit. Both
   hazard ratios are against the same reference organ, which has new lesions too. Where other stands for
   organs with few events (hazards.rare_organs) it has a row only if it stands for the same ones with and without new
   lesions.
   Grain: one row per stratum and organ
   Key: stratum, organ
   Tags: figure
*/
WITH ratio AS (
    SELECT
        ratio.stratum,
        ratio.model,
        ratio.level AS organ,
        ratio.reference,
        ratio.hazard_ratio,
        ratio.ci_lower,
        ratio.ci_upper,
        ratio.log_hr,
        ratio.standard_error,
        ratio.n_lesions,
        ratio.n_events,
        ratio.is_separated,
        CASE
            WHEN ratio.level = 'other'
                THEN
                    list_sort(
                        string_split(
                            array_to_string(
                                regexp_extract_all(fit.notes, 'few events counted as other: ([^;]*)', 1), ', '
                            ),
                            ', '
                        )
                    )
        END AS members
    FROM analysis.hazard_ratio AS ratio
    INNER JOIN analysis.hazard_fit AS fit ON ratio.model_id = fit.model_id
    WHERE
        ratio.endpoint = 'progression'
        AND ratio.term = 'organ'
        AND ratio.is_primary
        AND ratio.reference <> 'mean'
)

SELECT
    everything.stratum, -- all, or a tumor type
    everything.organ, -- id of the organ
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    everything.reference AS organ_reference, -- organ compared with
    everything.n_lesions - others.n_lesions AS n_new_lesions, -- new lesions of the organ
    everything.n_events AS n_events_with, -- progressions, new lesions among them
    others.n_events AS n_events_without, -- progressions of target and non-target lesions
    everything.hazard_ratio AS hazard_ratio_with, -- with new lesions
    everything.ci_lower AS ci_lower_with, -- lower limit
    everything.ci_upper AS ci_upper_with, -- upper limit
    others.hazard_ratio AS hazard_ratio_without, -- without new lesions
    others.ci_lower AS ci_lower_without, -- lower limit
    others.ci_upper AS ci_upper_without, -- upper limit
    everything.is_separated AS is_separated_with, -- with new lesions the hazard ratio is 0 or infinite (NULL)
    others.is_separated AS is_separated_without, -- without them
    CASE
        WHEN NOT (everything.is_separated OR others.is_separated) THEN everything.hazard_ratio / others.hazard_ratio
    END AS ratio_of_hazard_ratios, -- what new lesions change; NULL where one of the two is separated
    (everything.log_hr - others.log_hr) / others.standard_error AS change_in_standard_errors, -- the same, in errors
    (coalesce(everything.hazard_ratio, 2) > 1) <> (coalesce(others.hazard_ratio, 2) > 1)
        AS is_side_changed -- from above the reference to below; an infinite one lies above
FROM ratio AS everything
INNER JOIN ratio AS others
    ON
        everything.stratum = others.stratum
        AND everything.organ = others.organ
        AND everything.reference = others.reference
        AND everything.members IS NOT DISTINCT FROM others.members
        AND others.model = 'without new lesions'
LEFT JOIN core.organ AS organ ON everything.organ = organ.organ
WHERE everything.model = 'final'
