/* One piece of evidence that a patient died.
   Why: five tables of a trial tell of deaths, and they disagree; all are listed, and core.patient takes the first.
   Order of precedence: ADTTE, DD, DM, DS, SS, AE.
   Caveats: evidence without a day still says that the patient died. DM is evidence by its flag or its date; a study
   day of death alone (DTHDY, not SDTM) is not, for sources put a censoring day there too.
   A partial date of death in DM is no day, unless dates.partial_death says first (of the month, or of the year) or
   middle (the 15th, or 30 June), but not before the last contact where that lies within the month or year.
   Grain: one row per patient_id and source
   Key: patient_id, source
*/
WITH setting AS (
    SELECT value AS rule
    FROM meta.setting
    WHERE name = 'dates.partial_death'
),

partial_death AS (
    SELECT
        subject.patient_id,
        subject.first_dose_date,
        last_contact.last_contact_day,
        partial_period(subject.death_date_text) AS period,
        setting.rule
    FROM staging.subject AS subject
    CROSS JOIN setting
    LEFT JOIN staging.last_contact AS last_contact ON subject.patient_id = last_contact.patient_id
    WHERE subject.death_day IS NULL AND setting.rule <> 'unknown'
),

imputed_death AS (
    SELECT
        patient_id,
        period.flag AS date_flag,
        greatest(
            date_diff(
                'day', first_dose_date, CASE rule WHEN 'first' THEN period.first_date ELSE period.middle_date END
            ),
            CASE
                WHEN last_contact_day <= date_diff('day', first_dose_date, period.last_date) THEN last_contact_day
            END
        ) AS day
    FROM partial_death
    WHERE period IS NOT NULL AND first_dose_date IS NOT NULL
),

evidence AS (
    SELECT
        patient_id,
        'adtte' AS source,
        1 AS precedence,
        CAST(round(time_days) AS INTEGER) AS day,
        CASE WHEN rounding_days > 0.5 THEN CAST(ceil(rounding_days) AS INTEGER) ELSE 0 END AS rounding_days,
        source_file,
        source_row
    FROM staging.time_to_event
    WHERE endpoint = 'OS' AND is_event AND is_counted
    UNION ALL
    SELECT
        patient_id,
        'dd' AS source,
        2 AS precedence,
        day,
        0 AS rounding_days,
        source_file,
        source_row
    FROM staging.death_detail
    UNION ALL
    SELECT
        subject.patient_id,
        'dm' AS source,
        3 AS precedence,
        CAST(coalesce(subject.death_day, imputed_death.day) AS INTEGER) AS day,
        0 AS rounding_days,
        subject.source_file,
        subject.source_row
    FROM staging.subject AS subject
    LEFT JOIN imputed_death ON subject.patient_id = imputed_death.patient_id
    WHERE subject.has_death_flag OR (subject.death_date_text IS NOT NULL AND NOT subject.is_death_denied)
    UNION ALL
    SELECT
        patient_id,
        'ds' AS source,
        4 AS precedence,
        day,
        0 AS rounding_days,
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
        0 AS rounding_days,
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
        0 AS rounding_days,
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
    ranked.patient_id, -- text id of the patient
    ranked.source, -- adtte, dd, dm, ds, ss or ae
    ranked.precedence, -- order in which sources are believed, 1 first
    ranked.day, -- day of death from first dose; NULL when not known: the earliest of several in one table
    ranked.rounding_days, -- days by which the true day may differ, where ADTTE writes it in months; else 0
    CASE WHEN ranked.source = 'dm' THEN imputed_death.date_flag END
        AS date_flag, -- what of the date was imputed, as ADaM's DTF: D the day, M month and day; NULL where nothing
    ranked.source_file, -- file of the row
    ranked.source_row -- row in the file
FROM ranked
LEFT JOIN imputed_death ON ranked.patient_id = imputed_death.patient_id
WHERE ranked.place = 1
