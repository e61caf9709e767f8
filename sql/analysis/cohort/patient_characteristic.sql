/* One characteristic of one analysed patient.
   Why: Table 1 of the papers, of all patients and by arm, from the same values.
   How: a patient without a value is 'unknown' where the study has the variable for another patient, analysed or not,
   and 'not collected' where it has it for none.
   Caveats: lesions are those analysed; lesions per patient count new ones too, and are not of the baseline. Times
   observed are those of who had the event and of who was censored, as in the paper's table, and no estimate of
   survival: that is analysis.survival_summary.
   Reference: Zhou et al. 2023, Table 1.
   Grain: one row per patient_id and variable
   Key: patient_id, variable
*/
WITH variable (variable_order, variable, kind, is_baseline) AS (
    VALUES
    (1, 'Age, years', 'measured', TRUE),
    (2, 'Sex', 'counted', TRUE),
    (3, 'Race', 'counted', TRUE),
    (4, 'Body mass index, kg/m2', 'measured', TRUE),
    (5, 'Body surface area, m2', 'measured', TRUE),
    (6, 'ECOG performance status', 'counted', TRUE),
    (7, 'LDH at least 1.5 times the upper limit of normal', 'counted', TRUE),
    (8, 'Line of therapy', 'counted', TRUE),
    (9, 'Primary site', 'counted', TRUE),
    (10, 'Prior surgery', 'counted', TRUE),
    (11, 'Primary tumor resected before', 'counted', TRUE),
    (12, 'Liver metastases resected before', 'counted', TRUE),
    (13, 'Lung metastases resected before', 'counted', TRUE),
    (14, 'Lymph node metastases resected before', 'counted', TRUE),
    (15, 'Prior radiation', 'counted', TRUE),
    (16, 'Prior adjuvant therapy', 'counted', TRUE),
    (17, 'Organs with lesions at baseline', 'counted', TRUE),
    (18, 'Lesions at baseline in the liver only', 'counted', TRUE),
    (19, 'Lesions per patient', 'measured', FALSE),
    (21, 'KRAS status', 'counted', TRUE),
    (22, 'Best overall response', 'counted', FALSE),
    (23, 'Treatment', 'counted', FALSE),
    (24, 'Observed to progression, death or censoring, days', 'measured', FALSE),
    (25, 'Observed to death or censoring, days', 'measured', FALSE)
),

lesion_count AS (
    SELECT
        patient_id,
        count(*) AS n_lesions,
        count(DISTINCT organ) FILTER (WHERE lesion_type <> 'new') AS n_organs,
        CASE
            WHEN bool_or(organ NOT IN ('liver', 'unknown')) FILTER (WHERE lesion_type <> 'new') THEN FALSE
            WHEN bool_and(organ = 'liver') FILTER (WHERE lesion_type <> 'new') THEN TRUE
        END AS is_liver_only
    FROM core.lesion
    WHERE is_analysed AND patient_id IS NOT NULL
    GROUP BY patient_id
),

valued AS (
    SELECT
        patient.patient_id,
        patient.study_id,
        patient.is_analysed,
        variable.variable_order,
        variable.variable,
        variable.kind,
        variable.is_baseline,
        CASE variable.variable
            WHEN 'Sex' THEN patient.sex
            WHEN 'Race' THEN patient.race
            WHEN 'ECOG performance status' THEN CAST(patient.ecog AS VARCHAR)
            WHEN 'Line of therapy' THEN CAST(patient.line_of_therapy AS VARCHAR)
            WHEN 'Primary site' THEN patient.primary_site
            WHEN 'Organs with lesions at baseline'
                THEN CASE
                    WHEN lesion_count.n_organs >= 4 THEN '4 or more'
                    ELSE CAST(lesion_count.n_organs AS VARCHAR)
                END
            WHEN 'KRAS status' THEN patient.kras_status
            WHEN 'Best overall response' THEN patient.best_overall_response
            WHEN 'Treatment' THEN patient.treatment
        END AS stated_level,
        CASE variable.variable
            WHEN 'LDH at least 1.5 times the upper limit of normal' THEN patient.ldh_ratio >= 1.5
            WHEN 'Prior surgery' THEN patient.prior_surgery
            WHEN 'Primary tumor resected before' THEN patient.prior_surgery_primary
            WHEN 'Liver metastases resected before' THEN patient.prior_surgery_liver
            WHEN 'Lung metastases resected before' THEN patient.prior_surgery_lung
            WHEN 'Lymph node metastases resected before' THEN patient.prior_surgery_ln
            WHEN 'Prior radiation' THEN patient.prior_radiation
            WHEN 'Prior adjuvant therapy' THEN patient.prior_adjuvant
            WHEN 'Lesions at baseline in the liver only' THEN lesion_count.is_liver_only
        END AS is_so,
        CASE variable.variable
            WHEN 'Age, years' THEN CAST(patient.age_years AS DOUBLE)
            WHEN 'Body mass index, kg/m2' THEN CAST(patient.bmi_kg_m2 AS DOUBLE)
            WHEN 'Body surface area, m2' THEN CAST(patient.bsa_m2 AS DOUBLE)
            WHEN 'Lesions per patient' THEN CAST(lesion_count.n_lesions AS DOUBLE)
            WHEN 'Observed to progression, death or censoring, days' THEN CAST(progression_free.time_days AS DOUBLE)
            WHEN 'Observed to death or censoring, days' THEN CAST(patient.os_days AS DOUBLE)
        END AS amount
    FROM core.patient AS patient
    CROSS JOIN variable
    LEFT JOIN lesion_count ON patient.patient_id = lesion_count.patient_id
    LEFT JOIN analysis.patient_endpoint AS progression_free
        ON
            patient.patient_id = progression_free.patient_id
            AND progression_free.endpoint = 'PFS'
            AND progression_free.is_counted
),

levelled AS (
    SELECT
        *,
        coalesce(
            stated_level,
            CASE is_so WHEN TRUE THEN 'yes' WHEN FALSE THEN 'no' END,
            CASE WHEN amount IS NOT NULL THEN 'all' END
        ) AS known_level
    FROM valued
),

asked AS (
    SELECT
        *,
        count(known_level) OVER (PARTITION BY study_id, variable) > 0 AS is_collected
    FROM levelled
)

SELECT
    patient_id, -- text id of the patient
    variable, -- name of the variable, with its unit
    variable_order, -- order of the variables in the table
    kind, -- counted (by level) or measured
    is_baseline, -- known before the first dose
    coalesce(
        known_level, CASE WHEN is_collected THEN 'unknown' ELSE 'not collected' END
    ) AS level, -- level of a counted variable; all for a measured one; else unknown or not collected
    amount, -- value of a measured variable
    known_level IS NOT NULL AS is_known -- the patient has a value
FROM asked
WHERE is_analysed
