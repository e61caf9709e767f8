/* One patient at baseline: who, what was given, and what the scans before the first dose showed.
   Why: what predictions are made from, and what clusters of patients are described by.
   How: lesions as analysis.baseline_lesion has them. Deleting every row of a source that is dated after
   baseline.latest_day leaves this table as it is.
   Caveats: characteristics that a source gives without a day (SUPPDM) are taken as known at baseline. The treatment is
   the arm as treated, known from the first dose on. A subject that is known from later rows only has no row.
   Reference: Zhou et al. 2023, Table 1 and Methods.
   Grain: one row per patient_id
   Key: patient_id
   Tags: public
*/
WITH lesion AS (
    SELECT
        patient_id,
        count(*) AS n_lesions,
        count(*) FILTER (WHERE lesion_type = 'target') AS n_target_lesions,
        count(*) FILTER (WHERE lesion_type = 'non-target') AS n_nontarget_lesions,
        count(DISTINCT organ) FILTER (WHERE organ <> 'unknown') AS n_organs,
        sum(diameter_mm ORDER BY lesion_id) FILTER (WHERE lesion_type = 'target') AS sum_of_diameters_mm,
        sum(volume_mm3 ORDER BY lesion_id) FILTER (WHERE lesion_type = 'target') AS target_volume_mm3,
        max(volume_mm3) FILTER (WHERE lesion_type = 'target') AS largest_volume_mm3
    FROM analysis.baseline_lesion
    GROUP BY patient_id
)

SELECT
    patient.patient_id, -- text id of the patient
    patient.study_id, -- text id of the study
    patient.age_years, -- age, years
    patient.sex, -- M or F
    patient.race, -- self-reported race
    patient.bmi_kg_m2, -- body mass index, kg/m2
    patient.ecog, -- ECOG performance status
    patient.ldh_ratio, -- lactate dehydrogenase over its upper limit of normal
    patient.kras_status, -- wild-type or mutant; NULL when not known
    patient.primary_site, -- primary tumor site
    patient.line_of_therapy, -- line of therapy
    patient.prior_surgery, -- had surgery before
    patient.prior_surgery_liver, -- had liver metastases resected before
    patient.prior_surgery_lung, -- had lung metastases resected before
    patient.prior_surgery_ln, -- had lymph node metastases resected before
    patient.prior_radiation, -- had radiation before
    patient.prior_adjuvant, -- had adjuvant treatment before
    patient.treatment, -- treatment, antibodies first
    patient.treatment_class, -- chemotherapy, antibody plus chemotherapy, antibody or other
    patient.backbone, -- chemotherapy that the treatment is built on
    patient.has_bevacizumab, -- treatment includes bevacizumab
    patient.has_panitumumab, -- treatment includes panitumumab
    CAST(coalesce(lesion.n_lesions, 0) AS INTEGER) AS n_lesions, -- lesions at baseline
    CAST(coalesce(lesion.n_target_lesions, 0) AS INTEGER) AS n_target_lesions, -- target lesions
    CAST(coalesce(lesion.n_nontarget_lesions, 0) AS INTEGER) AS n_nontarget_lesions, -- non-target lesions
    CAST(coalesce(lesion.n_organs, 0) AS INTEGER) AS n_organs, -- organs with a lesion
    CAST(lesion.sum_of_diameters_mm AS DOUBLE) AS sum_of_diameters_mm, -- sum of the target lesions' long axes, mm
    CAST(lesion.target_volume_mm3 AS DOUBLE) AS target_volume_mm3, -- volume of the target lesions, mm3
    CAST(lesion.largest_volume_mm3 AS DOUBLE) AS largest_volume_mm3 -- volume of the largest target lesion, mm3
FROM core.patient AS patient
LEFT JOIN lesion ON patient.patient_id = lesion.patient_id
WHERE
    NOT coalesce(patient.is_screen_failure, FALSE)
    AND (patient.is_in_demographics OR lesion.patient_id IS NOT NULL)
