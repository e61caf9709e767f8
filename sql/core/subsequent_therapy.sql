/* One start of another anticancer therapy after the trial's.
   Why: what happens after it is no longer the trial treatment's doing: endpoints are censored at it, and time to next
   treatment ends with it.
   How: rows of PR, DS, EX and CM that a rule of staging.subsequent_therapy_rule calls so. Where the words alone do not
   tell it from background therapy of the trial, only what begins after the last dose counts.
   A partial date that the setting dates.partial leaves open gives the days between which the therapy began: it censors
   what comes after the last of them, at an assessment up to the first, and has no day of its own.
   Caveats: EX holds the trial's own treatments, a change of which (as from induction to maintenance) is none of these
   unless its category or epoch says so. Therapies without any date, before the first dose, or that began during
   treatment under such a rule, are left out: findings rows.4i and rows.4j.
   Grain: one row per subsequent_therapy_id
   Key: subsequent_therapy_id
   Tags: public
*/
WITH last_dose AS (
    SELECT
        exposure.patient_id,
        max(coalesce(exposure.end_day, exposure.start_day)) AS day
    FROM staging.exposure AS exposure
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM staging.therapy_word AS word
            WHERE word.therapy_id = exposure.exposure_id AND word.is_subsequent
        )
    GROUP BY exposure.patient_id
)

SELECT
    word.therapy_id AS subsequent_therapy_id, -- text id: that of the row of PR, DS, EX or CM
    word.patient_id, -- text id of the patient
    word.study_id, -- text id of the study
    word.day, -- first day, from first dose; NULL where a partial date leaves it open
    word.earliest_day, -- first day on which it can have begun: day, where that is known
    word.latest_day, -- last day on which it can have begun: day, where that is known
    word.therapy, -- as written
    word.domain AS source, -- pr, ds, ex or cm
    word.rule_id, -- rule of staging.subsequent_therapy_rule that says so
    word.source_file, -- file of the row
    word.source_row -- row in the file
FROM staging.therapy_word AS word
LEFT JOIN last_dose ON word.patient_id = last_dose.patient_id
WHERE
    word.is_subsequent
    AND word.latest_day >= 0
    AND (NOT word.after_last_dose OR word.earliest_day > coalesce(last_dose.day, 0))
