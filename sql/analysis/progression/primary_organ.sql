/* How often patients with a primary tumor of one site have metastases in an organ at baseline.
   Why: which organs a primary spreads to (organotropism), and where one primary differs from the others.
   How: analysed patients with a lesion at baseline, of all their organs (analysis.baseline_organ). The primary is the
   patient's (core.patient.primary_site), else its study's, else the study's tumor type. Enrichment is the share over
   that of all patients.
   Caveats: trials choose their patients: shares are of patients who were enrolled. The site of the primary itself may
   be among the organs. Sites without an organ (unknown) are not counted as one.
   Grain: one row per primary_site and organ
   Key: primary_site, organ
   Tags: public
*/
WITH patient AS (
    SELECT
        patient.patient_id,
        coalesce(patient.primary_site, study.primary_site, study.tumor_type, 'not stated') AS primary_site
    FROM core.patient AS patient
    INNER JOIN core.study AS study ON patient.study_id = study.study_id
    WHERE
        patient.is_analysed
        AND patient.patient_id IN (SELECT affected.patient_id FROM analysis.baseline_organ AS affected)
),

site AS (
    SELECT
        primary_site,
        count(*) AS n_patients
    FROM patient
    GROUP BY primary_site
),

affected AS (
    SELECT
        patient.primary_site,
        organ.organ,
        count(*) AS n_affected
    FROM patient
    INNER JOIN analysis.baseline_organ AS organ ON patient.patient_id = organ.patient_id
    WHERE organ.organ <> 'unknown'
    GROUP BY patient.primary_site, organ.organ
),

everyone AS (
    SELECT
        organ,
        sum(n_affected) AS n_affected,
        (SELECT count(*) FROM patient) AS n_patients
    FROM affected
    GROUP BY organ
)

SELECT
    site.primary_site, -- site of the primary tumor
    everyone.organ, -- organ
    site.n_patients, -- patients with this primary and a lesion at baseline
    coalesce(affected.n_affected, 0) AS n_affected, -- of them, with a lesion in the organ
    coalesce(affected.n_affected, 0) / site.n_patients AS share, -- share of the patients
    coalesce(affected.n_affected, 0) / site.n_patients / (everyone.n_affected / everyone.n_patients)
        AS enrichment -- over the share of all patients; 1 where the primary makes no difference
FROM site
CROSS JOIN everyone
LEFT JOIN affected ON site.primary_site = affected.primary_site AND everyone.organ = affected.organ
