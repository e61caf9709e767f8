/* Kaplan-Meier curves of lesions, by organ within an arm and by arm within an organ: one step of one curve.
   Why: when lesions respond and progress, with those that never do counted as censored; a median of the lesions that
   progressed leaves them out.
   Caveats: events observed on scans. Lesions of one patient are not independent: the limits are clustered by patient.
   Survival stays as it is until the next row. The largest groups come first.
   Reference: Zhou et al. 2023, Fig. 3; Williams, Stat Med 1995.
   Grain: one row per subset, endpoint, grouping, stratum, group_name and time_days
   Key: subset, endpoint, grouping, stratum, group_name, time_days
   Tags: figure
*/
WITH named AS (
    SELECT
        summary.subset,
        summary.endpoint,
        summary.arm,
        summary.organ,
        CASE summary.organ WHEN 'all' THEN 'All organs' ELSE coalesce(organ.display_name, summary.organ) END
            AS organ_name,
        summary.n_lesions,
        summary.n_patients,
        summary.n_events,
        summary.median_days,
        summary.median_lower,
        summary.median_upper,
        summary.is_median_reached,
        summary.confidence
    FROM analysis.lesion_survival_summary AS summary
    LEFT JOIN core.organ AS organ ON summary.organ = organ.organ
    WHERE summary.source = 'observed'
),

grouped AS (
    SELECT
        *,
        'organ' AS grouping,
        CASE arm WHEN 'all' THEN 'All arms' ELSE arm END AS stratum,
        organ_name AS group_name
    FROM named
    UNION ALL
    SELECT
        *,
        'arm' AS grouping,
        organ_name AS stratum,
        arm AS group_name
    FROM named
    WHERE arm <> 'all'
),

ordered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY subset, endpoint, grouping, stratum
            ORDER BY organ = 'all' DESC, n_lesions DESC, group_name ASC
        ) AS group_order
    FROM grouped
)

SELECT
    ordered.subset, -- all, or study and its id
    ordered.endpoint, -- response or progression
    ordered.grouping, -- organ: the organs within an arm; arm: the arms within an organ
    ordered.stratum, -- that arm or organ
    ordered.group_name, -- name of the curve
    curve.time_days, -- days from the first dose
    CAST(ordered.group_order AS INTEGER) AS group_order, -- all organs first, then by the number of lesions
    curve.survival, -- share of lesions still without the event after the day
    curve.ci_lower, -- lower confidence limit
    curve.ci_upper, -- upper confidence limit
    curve.n_at_risk, -- lesions at risk just before the day
    curve.n_censored > 0 AS is_censoring, -- a lesion was censored on the day: a tick on the curve
    ordered.n_lesions, -- lesions of the group
    ordered.n_patients, -- patients that they are of
    ordered.n_events, -- of the lesions, with the event
    ordered.median_days, -- Kaplan-Meier median, days; NULL where not reached
    ordered.median_lower, -- its lower limit, days; NULL where not reached
    ordered.median_upper, -- its upper limit, days; NULL where not reached
    ordered.is_median_reached, -- half of the lesions had the event, by the curve
    ordered.confidence -- of the limits
FROM ordered
INNER JOIN analysis.lesion_survival_curve AS curve
    ON
        ordered.subset = curve.subset
        AND ordered.endpoint = curve.endpoint
        AND ordered.arm = curve.arm
        AND ordered.organ = curve.organ
        AND curve.source = 'observed'
