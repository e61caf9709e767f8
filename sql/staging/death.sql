/* One piece of evidence that a patient died.
   Why: five tables of a trial tell of deaths, and they disagree; all are listed, and core.patient takes the first.
   Order of precedence: ADTTE, DD, DM, DS, SS, AE.
   Caveats: evidence without a day still says that the patient died. DM is evidence by its flag or its date; a study
   day of death alone (DTHDY, not SDTM) is not, for sources put a censoring day there too.
   Grain: one row per patient_id and source
   Key: patient_id, source
*/
WITH evidence AS (
    SELECT
        patient_id,
        'adtte' AS source,
        1 AS precedence,
        CAST(round(time_days) AS INTEGER) AS day,
        source_file,
        source_row
    FROM staging.time_to_event
    WHERE endpoint = 'OS' AND is_event
    UNION ALL
    SELECT
        patient_id,
        'dd' AS source,
        2 AS precedence,
        day,
        source_file,
        source_row
    FROM staging.death_detail
    UNION ALL
    SELECT
        patient_id,
        'dm' AS source,
        3 AS precedence,
        death_day AS day,
        source_file,
        source_row
    FROM staging.subject
    WHERE has_death_flag OR (death_date_text IS NOT NULL AND NOT is_death_denied)
    UNION ALL
    SELECT
        patient_id,
        'ds' AS source,
        4 AS precedence,
        day,
        source_file,
        source_row
    FROM staging.disposition
    WHERE event IN ('DEATH', 'DIED', 'DEAD')
    UNION ALL
    SELECT
        patient_id,
        'ss' AS source,
        5 AS precedence,
        day,
        source_file,
        source_row
    FROM staging.survival_status
    WHERE status_word IN ('DEAD', 'DIED', 'DECEASED', 'DEATH')
    UNION ALL
    SELECT
        patient_id,
        'ae' AS source,
        6 AS precedence,
        coalesce(end_day, start_day) AS day,
        source_file,
        source_row
    FROM staging.adverse_event
    WHERE is_fatal
),

ranked AS (
    SELECT
        evidence.*,
        row_number() OVER (
            PARTITION BY patient_id, source ORDER BY day NULLS LAST, source_file, source_row
        ) AS place
    FROM evidence
)

SELECT
    patient_id, -- text id of the patient
    source, -- adtte, dd, dm, ds, ss or ae
    precedence, -- order in which sources are believed, 1 first
    day, -- day of death from first dose; NULL when not known: the earliest of several in one table
    source_file, -- file of the row
    source_row -- row in the file
FROM ranked
WHERE place = 1
