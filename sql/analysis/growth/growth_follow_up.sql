/* Until when a patient was free of progression that target lesions do not show.
   Why: a patient whose non-target lesions progress, who has a new lesion or who dies leaves the trial, and the target
   lesions are measured no longer. Where these are patients whose lesions grow fast, growth is estimated too slow
   unless the fit knows of them (growth.dropout).
   How: of the analysis reader's assessments, the first with a progressed non-target lesion or a new lesion; else
   death, if no target progression came before and the last assessment lies at most growth.death_window_days back (a
   later death is not why measuring ended); else censored at the last assessment.
   Progression of target lesions does not end the time at risk: their sizes show it. Patients whose target lesions were
   measured once and never again are here, for their early death may be why; those excluded for another reason are not.
   Caveats: sources without non-target and new lesions and without deaths have no event. An event counts from the scan
   that showed it.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, sections 4.3.4 and 4.3.5.
   Grain: one row per patient_id with assessments by the analysis reader
   Key: patient_id
   Tags: public
*/
WITH setting AS (
    SELECT CAST(value AS INTEGER) AS window_days
    FROM meta.setting
    WHERE name = 'growth.death_window_days'
),

course AS (
    SELECT
        patient_id,
        max(last_day) AS last_day,
        min(target_day) FILTER (WHERE target_response = 'PD') AS target_day,
        min(nontarget_day) FILTER (WHERE nontarget_response = 'PD') AS nontarget_day,
        min(coalesce(new_lesion_day, last_day)) FILTER (WHERE has_new_lesion) AS new_day
    FROM analysis.visit_response
    WHERE is_analysis_reader
    GROUP BY patient_id
),

excluded AS (
    SELECT patient_id
    FROM core.exclusion
    WHERE level = 'patient' AND reason_id <> 'not_longitudinal'
),

dated AS (
    SELECT
        course.patient_id,
        course.last_day,
        course.nontarget_day,
        course.new_day,
        least(course.nontarget_day, course.new_day) AS seen_day,
        CASE
            WHEN
                patient.os_event
                AND course.target_day IS NULL
                AND patient.os_days BETWEEN course.last_day AND course.last_day + setting.window_days
                THEN patient.os_days
        END AS death_day
    FROM course
    LEFT JOIN core.patient AS patient ON course.patient_id = patient.patient_id
    CROSS JOIN setting
    WHERE course.patient_id NOT IN (SELECT excluded.patient_id FROM excluded)
)

SELECT
    patient_id, -- text id of the patient
    CAST(greatest(coalesce(seen_day, death_day, last_day), 0) AS DOUBLE) AS time_days, -- day of event or of censoring
    seen_day IS NOT NULL OR death_day IS NOT NULL AS is_event, -- false where censored
    CASE
        WHEN seen_day IS NULL AND death_day IS NULL THEN 'none'
        WHEN seen_day IS NULL THEN 'death'
        WHEN nontarget_day = new_day THEN 'non-target and new lesion'
        WHEN seen_day = new_day THEN 'new lesion'
        ELSE 'non-target lesion'
    END AS cause -- new lesion, non-target lesion, non-target and new lesion, death or none
FROM dated
