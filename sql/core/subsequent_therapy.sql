/* One start of another anticancer therapy after the trial's.
   Why: what happens after it is no longer the trial treatment's doing: endpoints are censored at it, and time to next
   treatment ends with it.
   How: procedures (PR) whose category calls them subsequent, and disposition events (DS) that name a new or subsequent
   anticancer therapy.
   Caveats: EX holds the trial's own treatments, a change of which (as from induction to maintenance) is none of these.
   Therapies without a day, or before the first dose, are left out.
   Grain: one row per subsequent_therapy_id
   Key: subsequent_therapy_id
   Tags: public
*/
WITH therapy AS (
    SELECT
        procedure_id AS subsequent_therapy_id,
        patient_id,
        study_id,
        day,
        procedure AS therapy,
        'pr' AS source,
        source_file,
        source_row
    FROM staging.procedure
    WHERE upper(category) LIKE '%SUBSEQUENT%'
    UNION ALL
    SELECT
        disposition_id AS subsequent_therapy_id,
        patient_id,
        study_id,
        day,
        coalesce(term, event) AS therapy,
        'ds' AS source,
        source_file,
        source_row
    FROM staging.disposition
    WHERE
        regexp_matches(
            upper(concat_ws(' ', event, term)), '(NEW|SUBSEQUENT|OTHER|ANOTHER) (SYSTEMIC )?ANTI-? ?CANCER'
        )
)

SELECT
    subsequent_therapy_id, -- text id: that of the row of PR or DS
    patient_id, -- text id of the patient
    study_id, -- text id of the study
    day, -- first day, from first dose
    therapy, -- as written
    source, -- pr or ds
    source_file, -- file of the row
    source_row -- row in the file
FROM therapy
WHERE day >= 0
