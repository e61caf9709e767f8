/* Laboratory analysis dataset (ADaM ADLB, BDS): laboratory values, ctDNA and other biomarkers beside baseline.
   Why: markers are read against the lesions.
   How: one parameter per test and unit; of several units of a test the most frequent keeps the test's code, the others
   get a number behind it. Baseline is the last value up to the first dose. A result below its limit has the limit as
   AVAL.
   Reference: CDISC, ADaM Implementation Guide 1.3, section 3.3.
   Grain: one row per patient_id and aseq
   Key: patient_id, aseq
   Tags: view, dataset
*/
WITH counted AS (
    SELECT
        biomarker.*,
        count(*) OVER (PARTITION BY study_id, test_code, unit) AS n_of_unit
    FROM core.biomarker AS biomarker
    WHERE patient_id IS NOT NULL AND test_code IS NOT NULL
),

coded AS (
    SELECT
        counted.*,
        dense_rank() OVER (
            PARTITION BY study_id, test_code ORDER BY n_of_unit DESC, unit ASC
        ) AS unit_place,
        regexp_replace(upper(test_code), '[^A-Z0-9_]', '', 'g') AS code,
        min(test) OVER (PARTITION BY study_id, test_code) AS test_words
    FROM counted
),

parameter AS (
    SELECT
        *,
        CASE
            WHEN unit_place = 1 THEN substr(code, 1, 8)
            ELSE substr(code, 1, 8 - length(CAST(unit_place AS VARCHAR))) || unit_place
        END AS paramcd,
        coalesce(test_words, test_code) || coalesce(' (' || unit || ')', '') AS param
    FROM coded
),

based AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY patient_id ORDER BY paramcd, day, biomarker_id) AS aseq,
        max_by(biomarker_id, struct_pack(day := day, id := biomarker_id))
        FILTER (WHERE day <= 0 AND value IS NOT NULL) OVER one_parameter AS baseline_id,
        max_by(value, struct_pack(day := day, id := biomarker_id))
        FILTER (WHERE day <= 0 AND value IS NOT NULL) OVER one_parameter AS base
    FROM parameter
    WINDOW one_parameter AS (PARTITION BY patient_id, paramcd)
)

SELECT
    based.patient_id, -- text id of the patient in the warehouse
    subject.study_id, -- text id of the study in the warehouse
    subject.studyid, -- Study Identifier; ADSL.STUDYID
    subject.usubjid, -- Unique Subject Identifier; ADSL.USUBJID
    CAST(based.aseq AS INTEGER) AS aseq, -- Analysis Sequence Number; within the subject
    subject.trt01p AS trtp, -- Planned Treatment; ADSL.TRT01P
    subject.trt01a AS trta, -- Actual Treatment; ADSL.TRT01A
    based.param, -- Parameter; the test with its unit
    based.paramcd, -- Parameter Code; LBTESTCD, with a number behind it for units other than the most frequent
    based.assay AS parcat1, -- Parameter Category 1; assay, where the source names it
    based.value AS aval, -- Analysis Value; in the unit of PARAM; the limit where below it
    CASE WHEN based.value IS NULL THEN based.value_raw END
        AS avalc, -- Analysis Value (C); result in words, where it is no number
    based.base, -- Baseline Value; last value up to the first dose
    CASE WHEN based.day > 0 THEN based.value - based.base END AS chg, -- Change from Baseline; AVAL - BASE after it
    CASE WHEN based.day > 0 THEN 100 * (based.value - based.base) / nullif(based.base, 0) END
        AS pchg, -- Percent Change from Baseline; 100 * CHG / BASE
    -- Baseline Record Flag; Y: BASE is its value
    CASE WHEN based.biomarker_id = based.baseline_id THEN 'Y' END AS ablfl,
    CASE WHEN based.value IS NOT NULL THEN 'Y' END AS anl01fl, -- Analysis Flag 01; Y: the result is a number
    CASE WHEN based.is_below_limit THEN 'Y' END AS bloqfl, -- Below Limit of Quantification Flag; Y: AVAL is the limit
    CAST(patient.first_dose_date + CAST(based.day AS INTEGER) AS DATE) AS adt, -- Analysis Date; LBDTC
    analysis_day(based.day) AS ady, -- Analysis Relative Day; the first dose is day 1, the day before it -1
    'LB' AS srcdom, -- Source Data; LB
    CASE WHEN based.value IS NULL THEN 'LBSTRESC' ELSE 'LBSTRESN' END
        AS srcvar, -- Source Variable; that AVAL or AVALC comes from
    source.sequence_number AS srcseq, -- Source Sequence Number; LBSEQ
    based.source_file AS srcfile, -- Source File; file of the LB record
    CAST(based.source_row AS DOUBLE) AS srcrow -- Source Row in the File; row of the LB record
FROM based
INNER JOIN adam.adsl AS subject ON based.patient_id = subject.patient_id
INNER JOIN core.patient AS patient ON based.patient_id = patient.patient_id
LEFT JOIN staging.source_sequence AS source
    ON
        source.domain = 'lb'
        AND based.study_id = source.study_id
        AND based.source_file = source.source_file
        AND based.source_row = source.source_row
