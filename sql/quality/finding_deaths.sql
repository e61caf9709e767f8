/* Deaths that the tables of a trial tell differently: rows.5a to 5d of quality.defect.
   Why: five tables tell of deaths, and overall survival takes one of them; whoever disagrees is named here.
   Caveats: DM is compared with each of the others. That DM does not call a subject dead is held against it only where
   it calls other subjects of the study so. ADTTE is often in months, too coarse to compare.
   Reference: pharmaverse/sdtmchecks, checks of DM, DS, AE, SS and DD against each other.
   Grain: one row per defect found
   Key: finding_id
*/
WITH study_with_deaths AS (
    SELECT DISTINCT study_id
    FROM staging.subject
    WHERE has_death_flag OR death_date_text IS NOT NULL OR death_day IS NOT NULL
),

subject AS (
    SELECT
        subject.study_id,
        subject.patient_id,
        subject.has_death_flag,
        subject.death_date_text,
        subject.death_day,
        NOT subject.has_death_flag AND subject.death_date_text IS NULL AND subject.death_day IS NULL
        AND study_with_deaths.study_id IS NOT NULL AS is_alive_in_dm,
        subject.source_file,
        subject.source_row
    FROM staging.subject AS subject
    LEFT JOIN study_with_deaths ON subject.study_id = study_with_deaths.study_id
    WHERE subject.is_in_demographics
),

no_date AS (
    SELECT
        'rows.5a' AS defect_id,
        subject.study_id,
        subject.patient_id,
        CAST(NULL AS INTEGER) AS day,
        subject.source_file,
        subject.source_row,
        'dm' AS domain,
        'dthdtc' AS column_name,
        CAST(NULL AS VARCHAR) AS value,
        'DM says that the subject died, and not when'
        || CASE
            WHEN EXISTS (
                SELECT 1
                FROM staging.death AS death
                WHERE death.patient_id = subject.patient_id AND death.day IS NOT NULL
            ) THEN '; the day that another table gives was taken.'
            ELSE '; no other table does.'
        END AS message
    FROM subject
    WHERE subject.has_death_flag AND subject.death_date_text IS NULL AND subject.death_day IS NULL
),

-- What the other tables say. told: dead, or alive.
told AS (
    SELECT
        'rows.5b' AS defect_id,
        'ds' AS domain,
        'dsstdtc' AS column_name,
        'dead' AS told,
        patient_id,
        day,
        source_file,
        source_row
    FROM staging.disposition
    WHERE event IN ('DEATH', 'DIED', 'DEAD')
    UNION ALL
    SELECT
        'rows.5c' AS defect_id,
        'ae' AS domain,
        'aeendtc' AS column_name,
        'dead' AS told,
        patient_id,
        end_day AS day,
        source_file,
        source_row
    FROM staging.adverse_event
    WHERE is_fatal
    UNION ALL
    SELECT
        'rows.5d' AS defect_id,
        'ss' AS domain,
        'ssstresc' AS column_name,
        CASE WHEN status_word = 'ALIVE' THEN 'alive' ELSE 'dead' END AS told,
        patient_id,
        day,
        source_file,
        source_row
    FROM staging.survival_status
    WHERE status_word IN ('ALIVE', 'DEAD', 'DIED', 'DECEASED', 'DEATH')
    UNION ALL
    SELECT
        'rows.5d' AS defect_id,
        'dd' AS domain,
        'ddtestcd' AS column_name,
        'dead' AS told,
        patient_id,
        day,
        source_file,
        source_row
    FROM staging.death_detail
),

contradiction AS (
    SELECT
        told.defect_id,
        subject.study_id,
        told.patient_id,
        told.day,
        told.source_file,
        told.source_row,
        told.domain,
        told.column_name,
        CASE WHEN told.day IS NULL THEN told.told ELSE told.told || printf(' on day %d', told.day) END AS value,
        upper(told.domain) || ' tells of the subject ' || told.told
        || CASE WHEN told.day IS NULL THEN '' ELSE printf(' on day %d', told.day) END
        || CASE
            WHEN subject.is_alive_in_dm THEN '; DM of no death.'
            ELSE printf('; DM of the death on day %d.', subject.death_day)
        END AS message
    FROM told
    INNER JOIN subject ON told.patient_id = subject.patient_id
    WHERE
        (told.told = 'dead' AND subject.is_alive_in_dm)
        OR (told.told = 'dead' AND told.defect_id IN ('rows.5b', 'rows.5c') AND told.day <> subject.death_day)
        OR (told.told = 'alive' AND told.day >= subject.death_day)
),

found AS (
    SELECT * FROM no_date
    UNION ALL
    SELECT * FROM contradiction
)

SELECT
    defect_id || ':' || row_number() OVER (
        PARTITION BY defect_id ORDER BY study_id, domain, source_file, source_row, patient_id, value
    ) AS finding_id, -- text id of the finding
    defect_id, -- entry of quality.defect
    study_id, -- text id of the study
    patient_id, -- text id of the patient
    CAST(NULL AS VARCHAR) AS lesion_id, -- always NULL: it is no lesion's
    CAST(NULL AS VARCHAR) AS reader, -- always NULL: it is no reader's
    day, -- day from first dose that the other table gives; NULL when it gives none
    source_file, -- file of the row
    source_row, -- row in the file
    domain, -- table of raw that holds the row
    column_name, -- column at fault
    value, -- what the row says; NULL when blank
    message -- what is odd about it
FROM found
