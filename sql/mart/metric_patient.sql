/* One analysed patient, with all that patients are grouped by and counted for.
   Why: what the measures of mart.metric that count patients are computed from: facts and dimensions side by side, so
   that no report joins them, or defines a responder, in its own way.
   Caveats: a median of os_days over patients is no median survival: it takes the living for dead. Survival is in
   mart.fig_survival_curve; the measure for cutting it up freely is deaths per 100 patient-years.
   Grain: one row per patient_id
   Key: patient_id
   Tags: public, view
*/
SELECT
    patient.patient_id, -- text id of the patient
    patient.study_id, -- text id of the study
    study.tumor_type, -- tumor type, as the study states it
    patient.arm, -- arm as the source names it
    patient.treatment, -- treatment
    patient.treatment_class, -- class of the treatment
    patient.backbone, -- chemotherapy backbone
    patient.has_bevacizumab, -- bevacizumab is part of the treatment
    patient.has_panitumumab, -- panitumumab is part of the treatment
    patient.line_of_therapy, -- line of therapy, 1 = first
    patient.age_years, -- age, years
    CASE
        WHEN patient.age_years < 50 THEN '0 to 49'
        WHEN patient.age_years < 65 THEN '50 to 64'
        WHEN patient.age_years < 75 THEN '65 to 74'
        WHEN patient.age_years >= 75 THEN '75 and over'
    END AS age_group, -- 0 to 49, 50 to 64, 65 to 74, 75 and over
    patient.sex, -- sex: M or F
    patient.race, -- self-reported race
    patient.ecog, -- ECOG performance status
    patient.kras_status, -- KRAS status
    patient.primary_site, -- site of the primary tumor
    outcome.os_days, -- overall survival, or time under observation, days
    outcome.os_event, -- died
    outcome.pfs_days, -- progression-free survival (analysis.patient_endpoint), days
    outcome.pfs_event, -- progressed or died; else censored
    outcome.best_overall_response, -- best response derived by RECIST 1.1, not confirmed
    outcome.best_overall_response IN ('CR', 'PR') AS is_objective_response, -- CR or PR; NULL without a derived response
    outcome.best_overall_response IN ('CR', 'PR', 'SD', 'NON-CR/NON-PD')
        AS is_disease_control, -- CR, PR, SD or non-CR/non-PD; NULL without a derived response
    outcome.baseline_sum_mm, -- sum of diameters at baseline, mm
    outcome.best_change_percent, -- smallest change of the sum from baseline up to progression, percent
    outcome.n_lesions, -- analysed lesions
    outcome.n_baseline_organs, -- organs with a target or non-target lesion
    outcome.n_baseline_organs >= 2 AS has_several_organs, -- lesions in two organs or more at baseline
    outcome.n_new_lesions > 0 AS has_new_lesion, -- a new lesion was seen
    outcome.first_lesion_progression_organ, -- organ of the first lesion to progress; NULL where none did
    outcome.gower_distance, -- mean Gower distance between the patient's lesions: how unlike they respond
    CASE
        WHEN heterogeneity.n_lesions >= 1 THEN heterogeneity.n_inconsistent_lesions > 0
    END AS has_inconsistent_lesion -- a target lesion went another way than the sum; NULL without a lesion with phases
FROM mart.dim_patient AS patient
INNER JOIN mart.dim_study AS study ON patient.study_id = study.study_id
INNER JOIN mart.fct_patient_outcome AS outcome ON patient.patient_id = outcome.patient_id
LEFT JOIN mart.fct_patient_heterogeneity AS heterogeneity ON patient.patient_id = heterogeneity.patient_id
WHERE patient.is_analysed
