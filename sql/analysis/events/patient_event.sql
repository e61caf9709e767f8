/* One patient's first lesion response, or first lesion progression.
   Why: the day on which a patient's disease first gave way anywhere, and where.
   Caveats: this is the first of single lesions, not RECIST's response or progression of the patient by the sum of
   diameters, which is analysis.visit_response and analysis.best_overall_response. Without an event the patient is
   censored with the lesion followed longest. Of organs with the same day, analysis.organ_event.event_order says which
   sets the row, and is_tied that there are several. Modelled rows stand for target lesions only, the ones that have a
   curve.
   Grain: one row per patient_id, endpoint, rule_set and source
   Key: patient_id, endpoint, rule_set, source
   Tags: public
*/
WITH ranked AS (
    SELECT
        patient_id,
        organ,
        endpoint,
        rule_set,
        source,
        time_days,
        is_event,
        n_lesions,
        n_lesion_events,
        first_value(time_days) OVER first_organ AS first_time_days,
        row_number() OVER first_organ AS place
    FROM analysis.organ_event
    WINDOW
        first_organ AS (
            PARTITION BY patient_id, endpoint, rule_set, source
            ORDER BY event_order ASC NULLS LAST, time_days DESC, lesion_id ASC
        )
),

counted AS (
    SELECT
        patient_id,
        endpoint,
        rule_set,
        source,
        max(organ) FILTER (WHERE place = 1) AS organ,
        CAST(sum(n_lesions) AS BIGINT) AS n_lesions,
        CAST(sum(n_lesion_events) AS BIGINT) AS n_lesion_events,
        count(*) FILTER (WHERE is_event AND time_days = first_time_days) AS n_organs_at_first_event
    FROM ranked
    GROUP BY patient_id, endpoint, rule_set, source
)

SELECT
    event.patient_id, -- text id of the patient
    event.endpoint, -- response or progression
    event.rule_set, -- rule set of staging.rule_set
    event.source, -- observed, or modelled
    event.time_days, -- day of the first lesion's event, or of censoring; from first dose
    event.time_lower, -- last scan of that lesion without the event; of curves the 5 % quantile of time_days
    event.time_upper, -- scan with the event, of curves the 95 % quantile; NULL where censored
    event.is_event, -- a lesion of the patient had the event
    event.event_probability, -- probability of that lesion's event: 1 or 0 where observed
    event.rule_id, -- rule that set the event; NULL where censored
    event.source_table, -- table of the scan that sets the row
    event.source_row, -- its row in source_file
    event.source_file, -- source file of that scan
    event.censor_reason, -- why there is no event; see analysis.lesion_event
    event.lesion_id, -- lesion that sets the row
    event.organ, -- its organ
    counted.n_lesions, -- lesions of the patient that have this endpoint
    counted.n_lesion_events, -- of them, with an event
    counted.n_organs_at_first_event > 1 AS is_tied, -- several organs had it on that day: which came first is open
    counted.n_organs_at_first_event -- organs with an event on that same day; 0 where censored
FROM counted
INNER JOIN analysis.organ_event AS event
    ON
        counted.patient_id = event.patient_id
        AND counted.organ = event.organ
        AND counted.endpoint = event.endpoint
        AND counted.rule_set = event.rule_set
        AND counted.source = event.source
