/* Which patients belong to which subset.
   Why: each analysis says in which patients it was made; the patients of a subset can be looked up.
   How: all, each study, each tumor type where there are several, and the arms that Zhou 2021 compares. Antibody and
   chemotherapy arms are taken from tumor types in which such an antibody arm exists, so that other cancers'
   chemotherapy is no control.
   Caveats: a patient is in many subsets. bevacizumab is without panitumumab and the other way round.
   Reference: Zhou et al. 2021, Fig. 3 to 5.
   Grain: one row per subset and patient_id
   Key: subset, patient_id
   Tags: public
*/
WITH patient AS (
    SELECT
        patient_id,
        study_id,
        tumor_type,
        therapy,
        kras_status,
        CASE WHEN has_panitumumab THEN 'with panitumumab' ELSE 'without panitumumab' END AS panitumumab,
        bool_or(therapy = 'bevacizumab plus chemotherapy') OVER one_tumor AS has_bevacizumab_arm,
        bool_or(therapy = 'panitumumab plus chemotherapy') OVER one_tumor AS has_panitumumab_arm,
        bool_or(targeting = 'targeted plus chemotherapy') OVER one_tumor AS has_targeted
    FROM analysis.patient_profile
    WINDOW one_tumor AS (PARTITION BY tumor_type)
),

listed AS (
    SELECT
        patient_id,
        'all' AS subset,
        'all' AS subset_kind
    FROM patient
    UNION ALL
    SELECT
        patient_id,
        'study ' || study_id AS subset,
        'study' AS subset_kind
    FROM patient
    UNION ALL
    SELECT
        patient.patient_id,
        planned.subset,
        planned.subset_kind
    FROM patient
    INNER JOIN analysis.planned_subset AS planned
        ON planned.subset_kind = 'tumor type' AND planned.subset = 'tumor type ' || patient.tumor_type
    UNION ALL
    SELECT
        patient_id,
        'chemotherapy' AS subset,
        'chemotherapy' AS subset_kind
    FROM patient
    WHERE therapy = 'chemotherapy alone' AND has_targeted
    UNION ALL
    SELECT
        patient_id,
        'bevacizumab' AS subset,
        'bevacizumab' AS subset_kind
    FROM patient
    WHERE therapy = 'bevacizumab plus chemotherapy'
    UNION ALL
    SELECT
        patient_id,
        'panitumumab' AS subset,
        'panitumumab' AS subset_kind
    FROM patient
    WHERE therapy = 'panitumumab plus chemotherapy'
    UNION ALL
    SELECT
        patient_id,
        'bevacizumab or chemotherapy' AS subset,
        'bevacizumab or chemotherapy' AS subset_kind
    FROM patient
    WHERE
        therapy = 'bevacizumab plus chemotherapy'
        OR (therapy = 'chemotherapy alone' AND has_bevacizumab_arm)
    UNION ALL
    SELECT
        patient_id,
        'panitumumab or chemotherapy' AS subset,
        'panitumumab or chemotherapy' AS subset_kind
    FROM patient
    WHERE
        therapy = 'panitumumab plus chemotherapy'
        OR (therapy = 'chemotherapy alone' AND has_panitumumab_arm)
    UNION ALL
    SELECT
        patient_id,
        'KRAS known, ' || panitumumab AS subset,
        'KRAS known, ' || panitumumab AS subset_kind
    FROM patient
    WHERE kras_status IS NOT NULL AND has_targeted
    UNION ALL
    SELECT
        patient_id,
        'KRAS ' || kras_status || ', ' || panitumumab AS subset,
        'KRAS ' || kras_status || ', ' || panitumumab AS subset_kind
    FROM patient
    WHERE kras_status IS NOT NULL AND has_targeted
)

SELECT
    subset, -- name of the subset: all, study and its id, tumor type and its name, or which patients in words
    subset_kind, -- what the analysis plans name: the same, or study for every study, tumor type for every tumor type
    patient_id -- text id of the patient
FROM listed
