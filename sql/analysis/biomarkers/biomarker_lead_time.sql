/* By how much a biomarker's progression came before that of the disease in one patient, as an interval.
   Why: "the marker rose weeks before the scan" is said of visits; both events lie somewhere between two visits, and so
   does the time between them.
   How: the marker's progression lies in (molecular_lower, molecular_upper], RECIST's time to progression
   (analysis.patient_endpoint, TTP) in (recist_lower, recist_upper]; the lead lies in (recist_lower - molecular_upper,
   recist_upper - molecular_lower]. visit_to_visit_days is what is usually reported. A patient who had only one of the
   two has a row with which one it was: no lead is never 0, and never left out.
   Caveats: among those who had both, a lead conditions on what came later: it predicts nothing. What follows a marker's
   progression is analysis.biomarker_lead_summary. recist_lower is the first dose where no assessment came before.
   Grain: one row per patient_id, test and rule_set
   Key: patient_id, test, rule_set
   Tags: public
*/
WITH molecular AS (
    SELECT
        patient_id,
        test,
        rule_set,
        study_id,
        is_event,
        time_days,
        time_lower,
        time_upper
    FROM analysis.biomarker_event
    WHERE endpoint = 'progression' AND is_event IS NOT NULL
),

recist AS (
    SELECT
        patient_id,
        is_event,
        time_days,
        greatest(coalesce(time_lower_days, 0), 0) AS time_lower,
        time_upper_days AS time_upper
    FROM analysis.patient_endpoint
    WHERE endpoint = 'TTP' AND is_counted AND time_days IS NOT NULL
),

overall AS (
    SELECT
        patient_id,
        time_days AS os_days,
        is_event AS is_dead
    FROM analysis.patient_endpoint
    WHERE endpoint = 'OS' AND is_counted AND time_days IS NOT NULL
)

SELECT
    molecular.patient_id, -- text id of the patient
    molecular.test, -- marker of staging.biomarker
    molecular.rule_set, -- rule set of staging.biomarker_rule
    molecular.study_id, -- text id of the study
    CASE
        WHEN recist.patient_id IS NULL THEN 'progression not known'
        WHEN molecular.is_event AND recist.is_event THEN 'both'
        WHEN molecular.is_event THEN 'marker only'
        WHEN recist.is_event THEN 'disease only'
        ELSE 'neither'
    END AS which, -- both, marker only, disease only, neither; progression not known: no time to progression
    molecular.time_lower AS molecular_lower, -- last sample before the marker's progression; without one, the last
    molecular.time_upper AS molecular_upper, -- sample that shows it; NULL without one
    recist.time_lower AS recist_lower, -- last assessment before progression, 0 where there was none
    recist.time_upper AS recist_upper, -- assessment that shows it; NULL where censored
    recist.time_days AS recist_days, -- day of progression or of censoring
    overall.os_days, -- day of death or last contact
    overall.is_dead, -- it is a death
    CASE
        WHEN molecular.is_event AND recist.is_event THEN recist.time_lower - molecular.time_upper
    END AS lead_lower, -- the lead is more than this many days; NULL unless both
    CASE
        WHEN molecular.is_event AND recist.is_event THEN recist.time_upper - molecular.time_lower
    END AS lead_upper, -- and at most this many
    CASE
        WHEN molecular.is_event AND recist.is_event THEN recist.time_upper - molecular.time_upper
    END AS visit_to_visit_days -- from the sample that shows one to the assessment that shows the other
FROM molecular
LEFT JOIN recist ON molecular.patient_id = recist.patient_id
LEFT JOIN overall ON molecular.patient_id = overall.patient_id
