/* Whose growth is fitted together: the subset of every patient, and of lesions whose patient is not known.
   Why: tumors of different kinds grow at different rates. One fit for all of them draws the rarer kind to the other,
   and everything that follows from its curves with it.
   How: the setting growth.subset_by: tumor_type, study, line_of_therapy, arm (of a study) or all. Where all patients
   and lesions that a fit could use are of one subset, it is called all.
   Caveats: what is not stated is a subset of its own, not stated.
   Grain: one row per member_id
   Key: member_id
   Tags: public
*/
WITH rule AS (
    SELECT value AS subset_by
    FROM meta.setting
    WHERE name = 'growth.subset_by'
),

member AS (
    SELECT
        patient.patient_id AS member_id,
        patient.patient_id,
        patient.study_id,
        patient.line_of_therapy,
        patient.arm
    FROM core.patient AS patient
    UNION ALL
    SELECT
        lesion.lesion_id AS member_id,
        NULL AS patient_id,
        lesion.study_id,
        NULL AS line_of_therapy,
        NULL AS arm
    FROM core.lesion AS lesion
    WHERE lesion.patient_id IS NULL AND lesion.lesion_type = 'target'
),

with_lesion AS (
    SELECT DISTINCT coalesce(patient_id, lesion_id) AS member_id
    FROM core.lesion
    WHERE is_analysed AND lesion_type = 'target'
),

named AS (
    SELECT
        member.member_id,
        member.patient_id,
        member.study_id,
        rule.subset_by,
        with_lesion.member_id IS NOT NULL AS has_lesion,
        CASE rule.subset_by
            WHEN 'tumor_type' THEN 'tumor type ' || coalesce(study.tumor_type, 'not stated')
            WHEN 'study' THEN 'study ' || member.study_id
            WHEN 'line_of_therapy'
                THEN 'line of therapy ' || coalesce(CAST(member.line_of_therapy AS VARCHAR), 'not stated')
            WHEN 'arm' THEN 'study ' || member.study_id || ' arm ' || coalesce(member.arm, 'not stated')
            ELSE 'all'
        END AS subset
    FROM member
    CROSS JOIN rule
    LEFT JOIN core.study AS study ON member.study_id = study.study_id
    LEFT JOIN with_lesion ON member.member_id = with_lesion.member_id
),

counted AS (
    SELECT count(DISTINCT subset) AS n_subsets
    FROM named
    WHERE has_lesion
)

SELECT
    named.member_id, -- the patient, or the lesion where its patient is not known
    named.patient_id, -- text id of the patient; NULL where the source names none
    named.study_id, -- text id of the study
    named.subset_by, -- the setting growth.subset_by
    CASE WHEN counted.n_subsets > 1 THEN named.subset ELSE 'all' END AS subset, -- name of the subset, or all
    named.has_lesion -- has an analysed target lesion
FROM named
CROSS JOIN counted
