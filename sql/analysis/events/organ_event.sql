/* One organ's response, or its progression, in one patient: that of the first lesion there to respond or to
   progress.
   Why: sequences of progression across organs, and hazards by organ of a patient, start from the first lesion.
   Caveats: the first-lesion rule is used for response too: an organ has responded when one of its lesions has,
   whatever the others do (a rule on the sum of an organ's lesions would leave out non-target lesions). New lesions
   count for progression. Without an event the organ is censored with the lesion followed longest. The interval is
   that of the lesion that sets the row; of lesions with the same day, the one of the lowest id. Lesions without a
   known patient have no row. Organs with an event on one scan are tied (is_tied); which of them event_order puts first
   is the macro organ_order's choice, the same in every table that names a first organ. Modelled rows stand for
   target lesions only, the ones that have a curve.
   Grain: one row per patient_id, organ, endpoint, rule_set and source
   Key: patient_id, organ, endpoint, rule_set, source
   Tags: public
*/
WITH setting AS (
    SELECT value AS ties
    FROM meta.setting
    WHERE name = 'progression.ties'
),

ranked AS (
    SELECT
        lesion_id,
        endpoint,
        rule_set,
        source,
        row_number() OVER (
            PARTITION BY patient_id, organ, endpoint, rule_set, source
            ORDER BY is_event DESC, CASE WHEN is_event THEN time_days ELSE -time_days END ASC, lesion_id ASC
        ) AS place,
        count(*) OVER organ_lesions AS n_lesions,
        count(*) FILTER (WHERE is_event) OVER organ_lesions AS n_lesion_events
    FROM analysis.lesion_event
    WHERE patient_id IS NOT NULL
    WINDOW organ_lesions AS (PARTITION BY patient_id, organ, endpoint, rule_set, source)
),

first_lesion AS (
    SELECT
        lesion_id,
        endpoint,
        rule_set,
        source,
        n_lesions,
        n_lesion_events
    FROM ranked
    WHERE place = 1
),

ordered AS (
    SELECT
        first_lesion.lesion_id,
        first_lesion.endpoint,
        first_lesion.rule_set,
        first_lesion.source,
        row_number() OVER (
            PARTITION BY event.patient_id, event.endpoint, event.rule_set, event.source
            ORDER BY
                organ_order(
                    event.time_days, event.time_lower, organ.sort_order, setting.ties, event.patient_id, event.organ
                )
        ) AS event_order,
        count(*) OVER (
            PARTITION BY event.patient_id, event.endpoint, event.rule_set, event.source, event.time_days
        ) AS n_same_day
    FROM first_lesion
    INNER JOIN analysis.lesion_event AS event
        ON
            first_lesion.lesion_id = event.lesion_id
            AND first_lesion.endpoint = event.endpoint
            AND first_lesion.rule_set = event.rule_set
            AND first_lesion.source = event.source
    CROSS JOIN setting
    LEFT JOIN core.organ AS organ ON event.organ = organ.organ
    WHERE event.is_event
)

SELECT
    event.patient_id, -- text id of the patient
    event.organ, -- organ
    event.endpoint, -- response or progression
    event.rule_set, -- rule set of staging.rule_set
    event.source, -- observed, or modelled
    event.time_days, -- day of the first lesion's event, or of censoring; from first dose
    event.time_lower, -- last scan of that lesion without the event; of curves the 5 % quantile of time_days
    event.time_upper, -- scan with the event, of curves the 95 % quantile; NULL where censored
    event.is_event, -- a lesion of the organ had the event
    CAST(ordered.event_order AS INTEGER) AS event_order, -- 1 is the patient's first organ; NULL where censored
    coalesce(ordered.n_same_day > 1, FALSE) AS is_tied, -- another organ of the patient had the event on the same day
    event.event_probability, -- probability of that lesion's event: 1 or 0 where observed
    event.rule_id, -- rule that set the event; NULL where censored
    event.source_table, -- table of the scan that sets the row
    event.source_row, -- its row in source_file
    event.source_file, -- source file of that scan
    event.censor_reason, -- why there is no event; see analysis.lesion_event
    event.lesion_id, -- lesion that sets the row
    first_lesion.n_lesions, -- lesions of the organ that have this endpoint
    first_lesion.n_lesion_events -- of them, with an event
FROM first_lesion
INNER JOIN analysis.lesion_event AS event
    ON
        first_lesion.lesion_id = event.lesion_id
        AND first_lesion.endpoint = event.endpoint
        AND first_lesion.rule_set = event.rule_set
        AND first_lesion.source = event.source
LEFT JOIN ordered
    ON
        first_lesion.lesion_id = ordered.lesion_id
        AND first_lesion.endpoint = ordered.endpoint
        AND first_lesion.rule_set = ordered.rule_set
        AND first_lesion.source = ordered.source
