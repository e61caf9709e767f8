/* One organ's response, or its progression, in one patient: that of the first lesion there to respond or to
   progress.
   Why: sequences of progression across organs, and hazards by organ of a patient, start from the first lesion.
   Caveats: the first-lesion rule is used for response too: an organ has responded when one of its lesions has,
   whatever the others do (a rule on the sum of an organ's lesions would leave out non-target lesions). New lesions
   count for progression. Without an event the organ is censored with the lesion followed longest. The interval is
   that of the lesion that sets the row; of lesions with the same day, the one of the lowest id. Lesions without a
   known patient have no row.
   Grain: one row per patient_id, organ, endpoint, rule_set and source
   Key: patient_id, organ, endpoint, rule_set, source
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
            PARTITION BY patient_id, organ, endpoint, rule_set, source
            ORDER BY is_event DESC, CASE WHEN is_event THEN time_days ELSE -time_days END ASC, lesion_id ASC
        ) AS place
    FROM analysis.lesion_event
    WHERE patient_id IS NOT NULL
),

counted AS (
    SELECT
        patient_id,
        organ,
        endpoint,
        rule_set,
        source,
        count(*) AS n_lesions,
        count(*) FILTER (WHERE is_event) AS n_lesion_events
    FROM ranked
    GROUP BY patient_id, organ, endpoint, rule_set, source
)

SELECT
    first_lesion.patient_id, -- text id of the patient
    first_lesion.organ, -- organ
    first_lesion.endpoint, -- response or progression
    first_lesion.rule_set, -- rule set of staging.rule_set
    first_lesion.source, -- observed, or modelled
    first_lesion.time_days, -- day of the first lesion's event, or of censoring; from first dose
    first_lesion.time_lower, -- last scan of that lesion without the event
    first_lesion.time_upper, -- scan with the event; NULL where censored
    first_lesion.is_event, -- a lesion of the organ had the event
    first_lesion.event_probability, -- probability of that lesion's event: 1 or 0 where observed
    first_lesion.rule_id, -- rule that set the event; NULL where censored
    first_lesion.source_table, -- table of the scan that sets the row
    first_lesion.source_row, -- its row in source_file
    first_lesion.source_file, -- source file of that scan
    first_lesion.censor_reason, -- why there is no event; see analysis.lesion_event
    first_lesion.lesion_id, -- lesion that sets the row
    counted.n_lesions, -- lesions of the organ that have this endpoint
    counted.n_lesion_events -- of them, with an event
FROM ranked AS first_lesion
INNER JOIN counted
    ON
        first_lesion.patient_id = counted.patient_id
        AND first_lesion.organ = counted.organ
        AND first_lesion.endpoint = counted.endpoint
        AND first_lesion.rule_set = counted.rule_set
        AND first_lesion.source = counted.source
WHERE first_lesion.place = 1
