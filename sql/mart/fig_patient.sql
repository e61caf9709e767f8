/* One patient of the patient browser.
   Why: whose lesions are looked at one by one, and what happened to them.
   Caveats: analysed patients only.
   Grain: one row per patient_id
   Key: patient_id
   Tags: figure
*/
SELECT
    patient.patient_id, -- text id of the patient
    patient.study_id, -- text id of the study
    patient.usubjid, -- subject id of the source
    patient.treatment, -- treatment
    patient.age_years, -- age, years
    patient.sex, -- sex: M or F
    patient.kras_status, -- KRAS status
    outcome.best_overall_response, -- best response derived by RECIST 1.1, not confirmed
    outcome.best_change_percent, -- smallest change of the sum from baseline up to progression, percent
    outcome.progression_day, -- day of the first overall progression by RECIST 1.1
    outcome.os_days, -- overall survival, or time under observation, days
    outcome.os_event, -- died
    outcome.n_lesions, -- analysed lesions
    outcome.n_target_lesions, -- of them, target lesions
    outcome.n_new_lesions, -- of them, new lesions
    outcome.n_baseline_organs, -- organs with a target or non-target lesion
    outcome.gower_distance -- mean Gower distance between the target lesions
FROM mart.dim_patient AS patient
INNER JOIN mart.fct_patient_outcome AS outcome ON patient.patient_id = outcome.patient_id
WHERE patient.is_analysed
