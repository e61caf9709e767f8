/* One mark on a patient's lane of the swimmer plot.
   Why: when each patient responded, progressed, got a new lesion, died.
   Caveats: responses are overall responses derived by RECIST 1.1. The lane ends at the mark 'end of follow-up' or
   'death'.
   Grain: one row per patient_id and mark
   Key: patient_id, mark
   Tags: figure
*/
WITH visit AS (
    SELECT
        patient_id,
        day,
        overall_response,
        has_new_lesion
    FROM mart.fct_visit_response
    WHERE is_analysis_reader
),

mark AS (
    SELECT
        patient_id,
        'first response' AS mark,
        min(day) AS day
    FROM visit
    WHERE overall_response IN ('CR', 'PR')
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        'complete response' AS mark,
        min(day) AS day
    FROM visit
    WHERE overall_response = 'CR'
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        'progression' AS mark,
        min(day) AS day
    FROM visit
    WHERE overall_response = 'PD'
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        'new lesion' AS mark,
        min(day) AS day
    FROM visit
    WHERE has_new_lesion
    GROUP BY patient_id
    UNION ALL
    SELECT
        patient_id,
        CASE WHEN os_event THEN 'death' ELSE 'end of follow-up' END AS mark,
        coalesce(os_days, last_day) AS day
    FROM mart.fct_patient_outcome
    WHERE coalesce(os_days, last_day) IS NOT NULL
)

SELECT
    mark.patient_id, -- text id of the patient
    mark.mark, -- first response, complete response, progression, new lesion, death, end of follow-up
    CAST(mark.day AS DOUBLE) AS day, -- day of the mark, from first dose
    patient.study_id, -- text id of the study
    patient.treatment -- treatment
FROM mark
INNER JOIN mart.dim_patient AS patient ON mark.patient_id = patient.patient_id
WHERE patient.is_analysed
