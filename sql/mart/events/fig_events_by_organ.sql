/* How often and how soon lesions of an organ respond, or progress.
   Why: the plain count beside the hazard ratios of Zhou 2023, Fig. 3.
   Caveats: a rate per time under observation takes the hazard as constant and lesions of one patient as
   independent; analysis.hazard_ratio does neither. Lesions with no day, or with a day not after day 0, give no
   time. Modelled rows stand for target lesions only: do not add the two sources up.
   Grain: one row per organ, endpoint, rule_set and source
   Key: organ, endpoint, rule_set, source
   Tags: figure
*/
SELECT
    event.organ, -- id of the organ
    event.endpoint, -- response or progression
    event.rule_set, -- rule set by which events were called
    event.source, -- observed on scans, or modelled
    organ.display_name, -- name of the organ for a report
    organ.sort_order, -- order of the organ in figures
    bool_or(event.is_selected_rule_set) AS is_selected_rule_set, -- lesions.toml selects it
    count(*) AS n_lesions, -- lesions that have this endpoint
    count(DISTINCT event.patient_id) AS n_patients, -- patients that they are of
    count(*) FILTER (WHERE event.is_event) AS n_events, -- lesions with the event
    100 * count(*) FILTER (WHERE event.is_event) / count(*) AS events_percent, -- events in percent of the lesions
    sum(event.time_days ORDER BY event.lesion_id) FILTER (WHERE event.time_days > 0) AS lesion_days, -- days observed
    365.25e0 * 100 * count(*) FILTER (WHERE event.is_event AND event.time_days > 0)
    / sum(event.time_days ORDER BY event.lesion_id) FILTER (WHERE event.time_days > 0)
        AS events_per_100_lesion_years -- events in 100 lesions each followed for a year
FROM mart.fct_lesion_event AS event
LEFT JOIN core.organ AS organ ON event.organ = organ.organ
GROUP BY event.organ, event.endpoint, event.rule_set, event.source, organ.display_name, organ.sort_order
