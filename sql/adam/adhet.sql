/* Heterogeneity analysis dataset (ADHET, BDS): how unlike each other a patient's lesions behave.
   Why: one number per patient and measure, to be set beside the outcome.
   How: parameters are the number of lesions with phases (NLESPH), of those unlike the sum (NLESINC), the mean Gower
   distance (GOWER), nadir and last value of the sum over baseline (SUMNADR, SUMLASTR), and of radiomic features the
   average tumoral heterogeneity and the maximal tumoral divergence (ATH, MTD).
   Caveats: known after follow-up only. A measure that a patient does not have is no record, save GOWER, whose AVALC
   says why.
   Reference: Zhou et al. 2021, Cancer Res, Fig. 2; CDISC, ADaM Implementation Guide 1.3, section 3.3.
   Grain: one row per patient_id and paramcd
   Key: patient_id, paramcd
   Tags: view, dataset
*/
WITH radiomic AS (
    SELECT
        patient_id,
        max(average_tumoral_heterogeneity) AS heterogeneity,
        max(maximal_tumoral_divergence) AS divergence
    FROM analysis.radiomic_heterogeneity
    WHERE compared = 'lesions'
    GROUP BY patient_id
),

record AS (
    SELECT
        profile.patient_id,
        each.paramn,
        each.paramcd,
        each.param,
        each.aval,
        each.avalc
    FROM analysis.patient_profile AS profile
    CROSS JOIN
        LATERAL (
            VALUES
            (1, 'NLESPH', 'Target Lesions with Phases', CAST(profile.n_lesions AS DOUBLE), NULL),
            (
                2,
                'NLESINC',
                'Target Lesions Unlike the Sum of Diameters',
                CAST(profile.n_inconsistent_lesions AS DOUBLE),
                NULL
            ),
            (
                3,
                'GOWER',
                'Mean Gower Distance between Target Lesions',
                profile.patient_gower_distance,
                profile.gower_null_reason
            ),
            (4, 'SUMNADR', 'Smallest Sum of Diameters over Baseline', profile.sum_nadir_ratio, NULL),
            (5, 'SUMLASTR', 'Last Sum of Diameters over Baseline', profile.sum_last_ratio, NULL)
        ) AS each (paramn, paramcd, param, aval, avalc)
    UNION ALL
    SELECT
        radiomic.patient_id,
        each.paramn,
        each.paramcd,
        each.param,
        each.aval,
        NULL AS avalc
    FROM radiomic
    CROSS JOIN LATERAL (
        VALUES
        (6, 'ATH', 'Average Tumoral Heterogeneity', radiomic.heterogeneity),
        (7, 'MTD', 'Maximal Tumoral Divergence', radiomic.divergence)
    ) AS each (paramn, paramcd, param, aval)
)

SELECT
    record.patient_id, -- text id of the patient in the warehouse
    subject.study_id, -- text id of the study in the warehouse
    subject.studyid, -- Study Identifier; ADSL.STUDYID
    subject.usubjid, -- Unique Subject Identifier; ADSL.USUBJID
    CAST(row_number() OVER (PARTITION BY record.patient_id ORDER BY record.paramn) AS INTEGER)
        AS aseq, -- Analysis Sequence Number; within the subject
    subject.trt01p AS trtp, -- Planned Treatment; ADSL.TRT01P
    subject.trt01a AS trta, -- Actual Treatment; ADSL.TRT01A
    record.param, -- Parameter; the measure
    record.paramcd, -- Parameter Code; the measure
    CAST(record.paramn AS DOUBLE) AS paramn, -- Parameter (N); order of the parameters
    record.aval, -- Analysis Value; the measure
    record.avalc, -- Analysis Value (C); why there is no value
    CASE WHEN record.aval IS NOT NULL THEN 'Y' END AS anl01fl, -- Analysis Flag 01; Y: there is a value
    'ADLES' AS srcdom, -- Source Data; the lesions that the measure is made of
    CASE record.paramcd
        WHEN 'NLESPH' THEN 'RSPPHFL'
        WHEN 'NLESINC' THEN 'CONSSFL'
        WHEN 'GOWER' THEN 'GOWER'
        WHEN 'SUMNADR' THEN 'NADRAT'
        WHEN 'SUMLASTR' THEN 'LASTRAT'
    END AS srcvar -- Source Variable; of the lesions
FROM record
INNER JOIN adam.adsl AS subject ON record.patient_id = subject.patient_id
WHERE record.aval IS NOT NULL OR record.avalc IS NOT NULL
