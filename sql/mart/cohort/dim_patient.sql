/* One patient at baseline.
   Why: what patients are grouped by: arm, treatment, sex, KRAS and the rest. What happened to them is in
   mart.fct_patient_outcome.
   Caveats: patients without an analysed lesion stay here, with the reason.
   Grain: one row per patient_id
   Key: patient_id
   Tags: public
*/
SELECT
    patient_id, -- text id of the patient: study / subject
    study_id, -- text id of the study
    usubjid, -- subject id of the source
    arm, -- arm as the source names it
    treatment, -- treatment
    treatment_class, -- class of the treatment
    backbone, -- chemotherapy backbone
    has_bevacizumab, -- bevacizumab is part of the treatment
    has_panitumumab, -- panitumumab is part of the treatment
    line_of_therapy, -- line of therapy, 1 = first
    age_years, -- age, years
    sex, -- sex: M or F
    race, -- self-reported race
    bmi_kg_m2, -- body mass index, kg/m2
    bsa_m2, -- body surface area, m2
    ecog, -- ECOG performance status
    ldh_ratio, -- lactate dehydrogenase over its upper limit of normal
    kras_status, -- KRAS status
    primary_site, -- site of the primary tumor
    prior_surgery, -- surgery before the trial
    prior_radiation, -- radiation before the trial
    prior_adjuvant, -- adjuvant therapy before the trial
    is_analysed, -- has an analysed lesion
    exclusion_reason -- why not; NULL where analysed
FROM core.patient
