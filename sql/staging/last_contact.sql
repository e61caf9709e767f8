/* The last day on which a patient is known to have been alive and in the trial.
   Why: survival of those who live is censored there, and so are lesions without an event.
   Caveats: the latest day of a scan, response, dose, survival report, laboratory test, procedure, disposition event,
   end of participation, or a censored overall survival. Reports of death are not contacts.
   Grain: one row per patient_id
   Key: patient_id
*/
WITH contact AS (
    SELECT
        patient_id,
        max(day) AS day
    FROM staging.tumor_result
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        max(day) AS day
    FROM staging.tumor_identification
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        max(day) AS day
    FROM staging.disease_response
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        max(coalesce(end_day, start_day)) AS day
    FROM staging.exposure
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        max(day) AS day
    FROM staging.survival_status
    WHERE status_word NOT IN ('DEAD', 'DIED', 'DECEASED', 'DEATH')
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        max(day) AS day
    FROM staging.disposition
    WHERE event NOT IN ('DEATH', 'DIED', 'DEAD')
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        max(day) AS day
    FROM staging.laboratory_result
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        max(day) AS day
    FROM staging.procedure
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        CAST(floor(max(time_days)) AS INTEGER) AS day
    FROM staging.time_to_event
    WHERE endpoint IN ('OS', 'PFS') AND NOT is_event
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        greatest(reference_end_day, participation_end_day) AS day
    FROM staging.subject
    WHERE NOT has_death_flag
)

SELECT
    patient_id, -- text id of the patient
    max(day) AS last_contact_day -- last day known alive, from first dose
FROM contact
WHERE patient_id IS NOT NULL
GROUP BY patient_id
HAVING max(day) IS NOT NULL
