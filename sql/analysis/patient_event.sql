/* One patient's first lesion response, or first lesion progression.
   Why: the day on which a patient's disease first gave way anywhere, and where.
   Caveats: this is the first of single lesions, not RECIST's response or progression of the patient by the sum of
   diameters, which is analysis.visit_response and analysis.best_overall_response. Without an event the patient is
   censored with the lesion followed longest. Of lesions with the same day, the one of the lowest id sets the row.
   Grain: one row per patient_id, endpoint, rule_set and source
   Key: patient_id, endpoint, rule_set, source
   Tags: public
*/
WITH ranked AS (
    SELECT
        lesion_id,
        patient_id,
        organ,
        endpoint,
        rule_set,
        source,
        time_days,
        time_lower,
        time_upper,
        is_event,
        event_probability,
        rule_id,
        source_table,
        source_row,
        source_file,
        censor_reason,
        row_number() OVER (
            PARTITION BY patient_id, endpoint, rule_set, source
            ORDER BY is_event DESC, CASE WHEN is_event THEN time_days ELSE -time_days END ASC, lesion_id ASC
        ) AS place
    FROM analysis.lesion_event
    WHERE patient_id IS NOT NULL
),

first_lesion AS (
    SELECT *
    FROM ranked
    WHERE place = 1
),

counted AS (
    SELECT
        ranked.patient_id,
        ranked.endpoint,
        ranked.rule_set,
        ranked.source,
        count(*) AS n_lesions,
        count(*) FILTER (WHERE ranked.is_event) AS n_lesion_events,
        count(DISTINCT ranked.organ) FILTER (
            WHERE ranked.is_event AND ranked.time_days = first_lesion.time_days
        ) AS n_organs_at_first_event
    FROM ranked
    INNER JOIN first_lesion
        ON
            ranked.patient_id = first_lesion.patient_id
            AND ranked.endpoint = first_lesion.endpoint
            AND ranked.rule_set = first_lesion.rule_set
            AND ranked.source = first_lesion.source
    GROUP BY ranked.patient_id, ranked.endpoint, ranked.rule_set, ranked.source
)

SELECT
    first_lesion.patient_id, -- text id of the patient
    first_lesion.endpoint, -- response or progression
    first_lesion.rule_set, -- rule set of staging.rule_set
    first_lesion.source, -- observed, or modelled
    first_lesion.time_days, -- day of the first lesion's event, or of censoring; from first dose
    first_lesion.time_lower, -- last scan of that lesion without the event
    first_lesion.time_upper, -- scan with the event; NULL where censored
    first_lesion.is_event, -- a lesion of the patient had the event
    first_lesion.event_probability, -- probability of that lesion's event: 1 or 0 where observed
    first_lesion.rule_id, -- rule that set the event; NULL where censored
    first_lesion.source_table, -- table of the scan that sets the row
    first_lesion.source_row, -- its row in source_file
    first_lesion.source_file, -- source file of that scan
    first_lesion.censor_reason, -- why there is no event; see analysis.lesion_event
    first_lesion.lesion_id, -- lesion that sets the row
    first_lesion.organ, -- its organ
    counted.n_lesions, -- lesions of the patient that have this endpoint
    counted.n_lesion_events, -- of them, with an event
    counted.n_organs_at_first_event -- organs with an event on that same day; 0 where censored
FROM first_lesion
INNER JOIN counted
    ON
        first_lesion.patient_id = counted.patient_id
        AND first_lesion.endpoint = counted.endpoint
        AND first_lesion.rule_set = counted.rule_set
        AND first_lesion.source = counted.source
