/* Which patients belong to which subset.
   Why: each analysis says in which patients it was made; the patients of a subset can be looked up.
   How: all, each study, and the arms that Zhou 2021 compares. Antibody and chemotherapy arms are taken from tumor types
   in which such an antibody arm exists, so that other cancers' chemotherapy is no control.
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
        therapy,
        has_panitumumab,
        kras_status,
        bool_or(therapy = 'bevacizumab plus chemotherapy') OVER one_tumor AS has_bevacizumab_control,
        bool_or(therapy = 'panitumumab plus chemotherapy') OVER one_tumor AS has_panitumumab_control,
        bool_or(targeting = 'targeted plus chemotherapy') OVER one_tumor AS has_targeted
    FROM analysis.patient_profile
    WINDOW one_tumor AS (PARTITION BY tumor_type)
),

flagged AS (
    SELECT
        patient_id,
        study_id,
        therapy = 'chemotherapy alone' AND has_targeted AS is_chemotherapy,
        therapy = 'bevacizumab plus chemotherapy' AS is_bevacizumab,
        therapy = 'panitumumab plus chemotherapy' AS is_panitumumab,
        therapy = 'chemotherapy alone' AND has_bevacizumab_control AS is_bevacizumab_control,
        therapy = 'chemotherapy alone' AND has_panitumumab_control AS is_panitumumab_control,
        has_panitumumab AND kras_status IS NOT NULL AS is_with_panitumumab,
        NOT has_panitumumab AND kras_status IS NOT NULL AND has_targeted AS is_without_panitumumab,
        kras_status
    FROM patient
),

listed AS (
    SELECT
        patient_id,
        unnest([
            {'subset': 'all', 'kind': 'all', 'is_in': TRUE},
            {'subset': 'study ' || study_id, 'kind': 'study', 'is_in': TRUE},
            {'subset': 'chemotherapy', 'kind': 'chemotherapy', 'is_in': is_chemotherapy},
            {'subset': 'bevacizumab', 'kind': 'bevacizumab', 'is_in': is_bevacizumab},
            {'subset': 'panitumumab', 'kind': 'panitumumab', 'is_in': is_panitumumab},
            {
                'subset': 'bevacizumab or chemotherapy',
                'kind': 'bevacizumab or chemotherapy',
                'is_in': is_bevacizumab OR is_bevacizumab_control
            },
            {
                'subset': 'panitumumab or chemotherapy',
                'kind': 'panitumumab or chemotherapy',
                'is_in': is_panitumumab OR is_panitumumab_control
            },
            {
                'subset': 'KRAS known, with panitumumab',
                'kind': 'KRAS known, with panitumumab',
                'is_in': is_with_panitumumab
            },
            {
                'subset': 'KRAS known, without panitumumab',
                'kind': 'KRAS known, without panitumumab',
                'is_in': is_without_panitumumab
            },
            {
                'subset': 'KRAS ' || kras_status || ', with panitumumab',
                'kind': 'KRAS ' || kras_status || ', with panitumumab',
                'is_in': is_with_panitumumab
            },
            {
                'subset': 'KRAS ' || kras_status || ', without panitumumab',
                'kind': 'KRAS ' || kras_status || ', without panitumumab',
                'is_in': is_without_panitumumab
            }
        ]) AS membership
    FROM flagged
)

SELECT
    membership.subset AS subset, -- name of the subset: all, study and its id, or which patients in words
    membership.kind AS subset_kind, -- what the analysis plans name: the same, or study for every study
    patient_id -- text id of the patient
FROM listed
WHERE membership.is_in
