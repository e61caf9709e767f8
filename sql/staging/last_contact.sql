/* The last day on which a patient is known to have been alive, and the table that says so.
   Why: survival of those who live is censored there, and so are lesions without an event.
   How: the latest day of a scan, response, dose, survival report, laboratory test, procedure, disposition event, or
   censored time in ADTTE. DM's end of participation and end of the reference period (RFPENDTC, RFENDTC) are dates of
   the trial's administration and no evidence of life: they count where nothing else is dated (setting
   last_contact.participation_end: when_nothing_else, always or never).
   Caveats: reports of death are not contacts. Of two tables with the same day, the first of ss, adtte, rs, tr, tu, ex,
   lb, pr, ds, dm is named.
   Grain: one row per patient_id
   Key: patient_id
*/
WITH setting AS (
    SELECT value AS participation_end
    FROM meta.setting
    WHERE name = 'last_contact.participation_end'
),

contact AS (
    SELECT
        patient_id,
        'ss' AS source,
        1 AS place,
        day
    FROM staging.survival_status
    WHERE status_word NOT IN ('DEAD', 'DIED', 'DECEASED', 'DEATH')
    UNION ALL
    SELECT
        patient_id,
        'adtte' AS source,
        2 AS place,
        CAST(floor(time_days) AS INTEGER) AS day
    FROM staging.time_to_event
    WHERE endpoint IN ('OS', 'PFS') AND NOT is_event
    UNION ALL
    SELECT
        patient_id,
        'rs' AS source,
        3 AS place,
        day
    FROM staging.disease_response
    UNION ALL
    SELECT
        patient_id,
        'tr' AS source,
        4 AS place,
        day
    FROM staging.tumor_result
    UNION ALL
    SELECT
        patient_id,
        'tu' AS source,
        5 AS place,
        day
    FROM staging.tumor_identification
    UNION ALL
    SELECT
        patient_id,
        'ex' AS source,
        6 AS place,
        coalesce(end_day, start_day) AS day
    FROM staging.exposure
    UNION ALL
    SELECT
        patient_id,
        'lb' AS source,
        7 AS place,
        day
    FROM staging.laboratory_result
    UNION ALL
    SELECT
        patient_id,
        'pr' AS source,
        8 AS place,
        day
    FROM staging.procedure
    UNION ALL
    SELECT
        patient_id,
        'ds' AS source,
        9 AS place,
        day
    FROM staging.disposition
    WHERE event NOT IN ('DEATH', 'DIED', 'DEAD')
    UNION ALL
    SELECT
        subject.patient_id,
        'dm' AS source,
        10 AS place,
        greatest(subject.reference_end_day, subject.participation_end_day) AS day
    FROM staging.subject AS subject
    CROSS JOIN setting
    WHERE NOT subject.has_death_flag AND setting.participation_end <> 'never'
),

-- DM's own dates come after all others, unless the setting puts them beside the others.
ranked AS (
    SELECT
        contact.patient_id,
        contact.source,
        contact.day,
        row_number() OVER (
            PARTITION BY contact.patient_id
            ORDER BY
                contact.source = 'dm' AND setting.participation_end = 'when_nothing_else', contact.day DESC,
                contact.place ASC
        ) AS place
    FROM contact
    CROSS JOIN setting
    WHERE contact.patient_id IS NOT NULL AND contact.day IS NOT NULL
)

SELECT
    patient_id, -- text id of the patient
    day AS last_contact_day, -- last day known alive, from first dose
    source AS last_contact_source -- ss, adtte, rs, tr, tu, ex, lb, pr, ds or dm
FROM ranked
WHERE place = 1
