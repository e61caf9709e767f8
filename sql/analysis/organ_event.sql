/* One organ's response, or its progression, in one patient: that of the first lesion there to respond or to
   progress.
   Why: sequences of progression across organs, and hazards by organ of a patient, start from the first lesion.
   Caveats: the first-lesion rule is used for response too: an organ has responded when one of its lesions has,
   whatever the others do (a rule on the sum of an organ's lesions would leave out non-target lesions). New lesions
   count for progression. Without an event the organ is censored with the lesion followed longest. The interval is
   that of the lesion that sets the row; of lesions with the same day, the one of the lowest id. Lesions without a
   known patient have no row. Modelled rows stand for target lesions only, the ones that have a curve.
   Grain: one row per patient_id, organ, endpoint, rule_set and source
   Key: patient_id, organ, endpoint, rule_set, source
   Tags: public
*/
WITH ranked AS (
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
)

SELECT
    event.patient_id, -- text id of the patient
    event.organ, -- organ
    event.endpoint, -- response or progression
    event.rule_set, -- rule set of staging.rule_set
    event.source, -- observed, or modelled
    event.time_days, -- day of the first lesion's event, or of censoring; from first dose
    event.time_lower, -- last scan of that lesion without the event
    event.time_upper, -- scan with the event; NULL where censored
    event.is_event, -- a lesion of the organ had the event
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
