/* One patient's time to one endpoint: overall, progression-free and post-progression survival.
   Why: every survival analysis starts from the same three times, with the reason where one is missing.
   How: overall and progression-free survival as in core.patient. Post-progression survival runs from the progression
   to death: it is there for patients whose progression-free survival ended with a progression, not with death on the
   same day. Screen failures never entered a trial and are left out. A time below 0, as of a death dated before the
   first dose, is none.
   Reference: Zhou et al. 2021, Methods, Statistical analysis, and Fig. 2F.
   Grain: one row per patient_id and endpoint
   Key: patient_id, endpoint
   Tags: public
*/
WITH patient AS (
    SELECT
        patient_id,
        os_days,
        os_event,
        os_missing_reason,
        pfs_days,
        pfs_event
    FROM core.patient
    WHERE NOT coalesce(is_screen_failure, FALSE)
),

overall AS (
    SELECT
        patient_id,
        'OS' AS endpoint,
        os_days AS time_days,
        os_event AS is_event,
        CASE
            WHEN os_days IS NULL OR os_event IS NULL THEN os_missing_reason
            WHEN os_days < 0 THEN 'overall survival ends before the first dose'
        END AS missing_reason
    FROM patient
),

progression_free AS (
    SELECT
        patient_id,
        'PFS' AS endpoint,
        pfs_days AS time_days,
        pfs_event AS is_event,
        CASE
            WHEN pfs_days IS NULL AND pfs_event THEN 'progressed or died on an unknown day'
            WHEN pfs_days IS NULL OR pfs_event IS NULL THEN 'the source says nothing of progression'
            WHEN pfs_days < 0 THEN 'progression-free survival ends before the first dose'
        END AS missing_reason
    FROM patient
),

post_progression AS (
    SELECT
        patient_id,
        'PPS' AS endpoint,
        -- Equal differences of months are equal days: doubles alone would lose the tie.
        round(os_days - pfs_days, 6) AS time_days,
        os_event AS is_event,
        CASE
            WHEN pfs_days IS NULL OR pfs_event IS NULL THEN 'progression-free survival is not known'
            WHEN NOT pfs_event THEN 'no progression'
            WHEN pfs_days < 0 THEN 'progression-free survival ends before the first dose'
            WHEN os_days IS NULL OR os_event IS NULL THEN 'overall survival is not known'
            WHEN os_days < pfs_days THEN 'overall survival ends before the progression'
            WHEN os_event AND os_days = pfs_days THEN 'died without progression'
        END AS missing_reason
    FROM patient
),

every_endpoint AS (
    SELECT * FROM overall
    UNION ALL
    SELECT * FROM progression_free
    UNION ALL
    SELECT * FROM post_progression
)

SELECT
    patient_id, -- text id of the patient
    endpoint, -- OS, PFS or PPS (overall, progression-free, post-progression survival)
    CASE
        WHEN missing_reason IS NULL THEN CAST(time_days AS DOUBLE)
    END AS time_days, -- days to the event or to censoring; from the first dose, PPS from the progression
    CASE WHEN missing_reason IS NULL THEN is_event END AS is_event, -- the event happened; else censored
    missing_reason -- why there is no time; NULL where there is one
FROM every_endpoint
