/* How many events one rule set calls, and how many of them RECIST 1.1 calls too.
   Why: the wording of Zhou 2023 (20 % and 30 % in volume) is 7 % and 9 % in diameter; this table says what that
   does.
   Caveats: non-target and new lesions have the same rules in every set. The median is of the days of the events
   seen, not a survival estimate.
   Grain: one row per lesion_type, endpoint and rule_set
   Key: lesion_type, endpoint, rule_set
   Tags: public
*/
WITH event AS (
    SELECT
        lesion_id,
        lesion_type,
        endpoint,
        rule_set,
        is_event,
        time_days
    FROM analysis.lesion_event
    WHERE source = 'observed'
),

recist AS (
    SELECT
        lesion_id,
        endpoint,
        is_event,
        time_days
    FROM event
    WHERE rule_set = 'recist_1_1'
)

SELECT
    event.lesion_type, -- target, non-target or new
    event.endpoint, -- response or progression
    event.rule_set, -- rule set of staging.rule_set
    count(*) AS n_lesions, -- lesions that have this endpoint
    count(*) FILTER (WHERE event.is_event) AS n_events, -- of them, with an event
    count(*) FILTER (WHERE event.is_event AND recist.is_event) AS n_events_both, -- event here and under RECIST 1.1
    count(*) FILTER (WHERE event.is_event AND NOT recist.is_event) AS n_events_only_here, -- event here only
    count(*) FILTER (WHERE NOT event.is_event AND recist.is_event) AS n_events_only_recist, -- under RECIST 1.1 only
    count(*) FILTER (WHERE event.is_event = recist.is_event) AS n_agree_with_recist, -- event in both, or in neither
    count(*) FILTER (
        WHERE event.is_event AND recist.is_event AND event.time_days = recist.time_days
    ) AS n_same_day_as_recist, -- event in both on the same day
    count(*) FILTER (
        WHERE event.is_event AND recist.is_event AND event.time_days < recist.time_days
    ) AS n_earlier_than_recist, -- event in both, here on an earlier day
    median(event.time_days) FILTER (WHERE event.is_event) AS median_event_days -- median day of the events seen
FROM event
INNER JOIN recist ON event.lesion_id = recist.lesion_id AND event.endpoint = recist.endpoint
GROUP BY event.lesion_type, event.endpoint, event.rule_set
