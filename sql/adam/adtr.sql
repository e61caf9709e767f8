/* Tumor results analysis dataset (ADaM ADTR, BDS): the sizes of target lesions, and their sums, beside baseline and
   nadir.
   Why: waterfall and spider plots, response and progression follow from these records.
   How: parameters are LDIAMn (diameter of target lesion n), LVOLn (its volume) and SDIAM (the sum of diameters of a
   time point). All readers are here; ANL01FL marks those records of the analysis reader that RECIST compares: sizes
   before a lesion was treated locally, merged or split, and sums of all lesions due. CHG and PCHG are after baseline
   only. The nadir is the smallest value before the record, baseline included, among those that count. CRIT1 and CRIT2
   are the thresholds of RECIST 1.1 on the sum.
   Traceability: a size leads to its TR record; a sum to the ADTR record of the last of its lesions (SRCDOM = ADTR).
   Caveats: lesion n is numbered within a reader; LNKID is the source's own label.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.3; CDISC, ADaM Implementation Guide 1.3, section
   3.3.
   Grain: one row per patient_id and aseq
   Key: patient_id, aseq
   Tags: view, dataset
*/
WITH threshold AS (
    SELECT
        max(rule.relative_change) FILTER (WHERE rule.rule_id = 'recist_1_1/target/decrease') AS partial_change,
        max(rule.relative_change) FILTER (WHERE rule.rule_id = 'recist_1_1/target/increase') AS progression_change,
        max(rule.absolute_change) FILTER (WHERE rule.rule_id = 'recist_1_1/target/increase') AS progression_mm,
        max(rule_set.relative_tolerance) AS relative_tolerance
    FROM staging.event_rule AS rule
    INNER JOIN staging.rule_set AS rule_set ON rule.rule_set = rule_set.rule_set
    WHERE rule.rule_set = 'recist_1_1'
),

time_point AS (
    SELECT
        patient_id,
        reader,
        time_point_id,
        is_baseline,
        row_number() OVER (
            PARTITION BY patient_id, reader ORDER BY is_baseline DESC, last_day ASC, time_point_id ASC
        ) - 1 AS visit_number
    FROM analysis.sum_of_diameters
),

size AS (
    SELECT
        measurement.*,
        lesion.lesion_label,
        lesion.lesion_number,
        lesion.organ,
        lesion.site_raw,
        lesion.is_analysis_reader,
        lesion.baseline_day,
        lesion.baseline_diameter_mm,
        lesion.baseline_volume_mm3,
        change.nadir_diameter_mm,
        change.nadir_volume_mm3,
        coalesce(change.is_after_local_treatment OR change.is_after_lineage_change, FALSE) AS is_not_compared
    FROM core.measurement AS measurement
    INNER JOIN core.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    LEFT JOIN analysis.lesion_change AS change
        ON measurement.lesion_id = change.lesion_id AND measurement.day = change.day
    WHERE lesion.lesion_type = 'target' AND measurement.patient_id IS NOT NULL
),

record AS (
    SELECT
        size.patient_id,
        size.reader,
        size.time_point_id,
        size.lesion_id,
        size.lesion_label,
        size.organ,
        size.site_raw,
        size.day,
        size.date_flag,
        size.visit,
        size.is_baseline,
        size.is_analysis_reader AND NOT size.is_not_compared AS is_counted,
        FALSE AS is_sum,
        CAST(NULL AS BOOLEAN) AS is_complete,
        each.stem || size.lesion_number AS paramcd,
        'Target Lesion ' || size.lesion_number || ' ' || each.words AS param,
        each.place + size.lesion_number AS paramn,
        each.aval,
        each.base,
        each.nadir,
        size.day > size.baseline_day AS is_after_baseline,
        size.is_imputed,
        size.study_id,
        size.source_file,
        size.source_row
    FROM size
    CROSS JOIN
        LATERAL (
            VALUES
            (
                'LDIAM', 'Diameter (mm)', 1000, size.diameter_mm, size.baseline_diameter_mm, size.nadir_diameter_mm
            ),
            ('LVOL', 'Volume (mm3)', 2000, size.volume_mm3, size.baseline_volume_mm3, size.nadir_volume_mm3)
        ) AS each (stem, words, place, aval, base, nadir)
    WHERE each.aval IS NOT NULL
    UNION ALL
    SELECT
        patient_id,
        reader,
        time_point_id,
        NULL AS lesion_id,
        NULL AS lesion_label,
        NULL AS organ,
        NULL AS site_raw,
        day,
        NULL AS date_flag,
        visit,
        is_baseline,
        is_analysis_reader AND is_complete AS is_counted,
        TRUE AS is_sum,
        is_complete,
        'SDIAM' AS paramcd,
        'Sum of Diameters of Target Lesions (mm)' AS param,
        1 AS paramn,
        sum_of_diameters_mm AS aval,
        baseline_sum_mm AS base,
        nadir_sum_mm AS nadir,
        NOT is_baseline AND is_complete AS is_after_baseline,
        CAST(NULL AS BOOLEAN) AS is_imputed,
        NULL AS study_id,
        NULL AS source_file,
        CAST(NULL AS BIGINT) AS source_row
    FROM analysis.sum_of_diameters
    WHERE sum_of_diameters_mm IS NOT NULL AND patient_id IS NOT NULL
),

numbered AS (
    SELECT
        record.*,
        record.is_sum AND record.is_after_baseline AS is_judged,
        record.aval - record.nadir
        >= greatest(threshold.progression_change * record.nadir, threshold.progression_mm)
        - threshold.relative_tolerance * greatest(record.nadir, 1) AS is_increased,
        record.base - record.aval
        >= -threshold.partial_change * record.base - threshold.relative_tolerance * greatest(record.base, 1)
            AS is_decreased,
        time_point.visit_number,
        row_number() OVER (
            PARTITION BY record.patient_id
            ORDER BY
                record.reader ASC, record.paramn ASC, record.day ASC, record.is_baseline DESC,
                record.time_point_id ASC
        ) AS aseq
    FROM record
    CROSS JOIN threshold
    LEFT JOIN time_point
        ON
            record.patient_id = time_point.patient_id
            AND record.reader = time_point.reader
            AND record.time_point_id = time_point.time_point_id
            AND record.is_baseline = time_point.is_baseline
),

last_lesion AS (
    SELECT
        patient_id,
        reader,
        time_point_id,
        is_baseline,
        max_by(aseq, struct_pack(day := day, place := -aseq)) AS aseq
    FROM numbered
    WHERE paramcd LIKE 'LDIAM%'
    GROUP BY patient_id, reader, time_point_id, is_baseline
)

SELECT
    numbered.patient_id, -- text id of the patient in the warehouse
    subject.study_id, -- text id of the study in the warehouse
    numbered.lesion_id, -- text id of the lesion in the warehouse
    numbered.time_point_id, -- text id of the time point in the warehouse
    subject.studyid, -- Study Identifier; ADSL.STUDYID
    subject.usubjid, -- Unique Subject Identifier; ADSL.USUBJID
    CAST(numbered.aseq AS INTEGER) AS aseq, -- Analysis Sequence Number; within the subject
    subject.trt01p AS trtp, -- Planned Treatment; ADSL.TRT01P
    subject.trt01a AS trta, -- Actual Treatment; ADSL.TRT01A
    numbered.param, -- Parameter; with its unit
    numbered.paramcd, -- Parameter Code; LDIAMn diameter, LVOLn volume of target lesion n; SDIAM sum of diameters
    CAST(numbered.paramn AS DOUBLE) AS paramn, -- Parameter (N); order of the parameters
    CASE WHEN numbered.is_sum THEN 'DERIVED' END AS paramtyp, -- Parameter Type; DERIVED: a sum of other parameters
    CASE WHEN numbered.is_sum THEN 'Target Lesions' ELSE 'Target Lesion' END
        AS parcat1, -- Parameter Category 1; one lesion, or all target lesions
    nullif(numbered.reader, '') AS parcat2, -- Parameter Category 2; the reader: TREVAL and TREVALID
    numbered.aval, -- Analysis Value; mm for diameters (nodes: short axis) and sums, mm3 for volumes
    numbered.base, -- Baseline Value; of the record with ABLFL = Y
    CASE WHEN numbered.is_after_baseline THEN numbered.aval - numbered.base END
        AS chg, -- Change from Baseline; AVAL - BASE after baseline
    CASE WHEN numbered.is_after_baseline THEN 100 * (numbered.aval - numbered.base) / nullif(numbered.base, 0) END
        AS pchg, -- Percent Change from Baseline; 100 * CHG / BASE
    CASE WHEN numbered.is_after_baseline THEN numbered.nadir END
        AS nadir, -- Nadir before the Record; smallest value from baseline to the record before
    CASE WHEN numbered.is_after_baseline THEN numbered.aval - numbered.nadir END
        AS chgnad, -- Change from Nadir; AVAL - NADIR
    CASE WHEN numbered.is_after_baseline THEN 100 * (numbered.aval - numbered.nadir) / nullif(numbered.nadir, 0) END
        AS pchgnad, -- Percent Change from Nadir; 100 * CHGNAD / NADIR
    CASE WHEN numbered.is_baseline THEN 'Y' END AS ablfl, -- Baseline Record Flag; Y: BASE comes from it
    CASE WHEN numbered.is_counted THEN 'Y' END
        AS anl01fl, -- Analysis Flag 01; Y: of the analysis reader, and compared with baseline and nadir
    CASE WHEN numbered.is_sum AND numbered.is_complete THEN 'Y' WHEN numbered.is_sum THEN 'N' END
        AS sumcfl, -- Sum Is Complete Flag; Y: every target lesion due was measured
    CASE WHEN numbered.is_judged THEN 'Increase from nadir by at least 20 percent and 5 mm' END
        AS crit1, -- Analysis Criterion 1; progression of target lesions by RECIST 1.1
    CASE WHEN numbered.is_judged THEN CASE WHEN numbered.is_increased THEN 'Y' ELSE 'N' END END
        AS crit1fl, -- Criterion 1 Evaluation Result Flag; Y or N
    CASE WHEN numbered.is_judged THEN 'Decrease from baseline by at least 30 percent' END
        AS crit2, -- Analysis Criterion 2; partial response of target lesions by RECIST 1.1
    CASE WHEN numbered.is_judged THEN CASE WHEN numbered.is_decreased THEN 'Y' ELSE 'N' END END
        AS crit2fl, -- Criterion 2 Evaluation Result Flag; Y or N
    CAST(patient.first_dose_date + numbered.day AS DATE)
        AS adt, -- Analysis Date; of the scan; of a sum, of the last scan in it
    analysis_day(numbered.day) AS ady, -- Analysis Relative Day; the first dose is day 1, the day before it -1
    numbered.date_flag AS adtf, -- Analysis Date Imputation Flag; D the day, M month and day
    CASE
        WHEN numbered.is_baseline THEN 'Baseline'
        WHEN numbered.visit_number IS NOT NULL THEN 'Assessment ' || numbered.visit_number
    END AS avisit, -- Analysis Visit; Baseline, then the time points after it in their order
    CAST(CASE WHEN numbered.is_baseline THEN 0 ELSE numbered.visit_number END AS DOUBLE)
        AS avisitn, -- Analysis Visit (N); 0 at baseline, then the number of the time point
    numbered.visit, -- Visit Name; as the source writes it
    numbered.lesion_label AS lnkid, -- Link ID; the source's label of the lesion
    numbered.organ AS lesorg, -- Organ of the Lesion; the site mapped by core.organ
    numbered.site_raw AS lesloc, -- Location of the Lesion; TULOC as written
    CASE WHEN numbered.is_imputed THEN 'Y' END
        AS toosmfl, -- Too Small to Measure Flag; Y: AVAL is the study's value for 'too small to measure'
    CASE WHEN numbered.is_sum THEN CASE WHEN last_lesion.aseq IS NOT NULL THEN 'ADTR' END ELSE 'TR' END
        AS srcdom, -- Source Data; TR of a lesion, ADTR of a sum
    CASE
        WHEN NOT numbered.is_sum THEN 'TRSTRESN'
        WHEN last_lesion.aseq IS NOT NULL THEN 'AVAL'
    END AS srcvar, -- Source Variable; that AVAL comes from
    CASE WHEN numbered.is_sum THEN CAST(last_lesion.aseq AS DOUBLE) ELSE source.sequence_number END
        AS srcseq, -- Source Sequence Number; TRSEQ; of a sum, ASEQ of the last of its lesions
    numbered.source_file AS srcfile, -- Source File; file of the TR record
    CAST(numbered.source_row AS DOUBLE) AS srcrow -- Source Row in the File; row of the TR record
FROM numbered
INNER JOIN adam.adsl AS subject ON numbered.patient_id = subject.patient_id
INNER JOIN core.patient AS patient ON numbered.patient_id = patient.patient_id
LEFT JOIN last_lesion
    ON
        numbered.is_sum
        AND numbered.patient_id = last_lesion.patient_id
        AND numbered.reader = last_lesion.reader
        AND numbered.time_point_id = last_lesion.time_point_id
        AND numbered.is_baseline = last_lesion.is_baseline
LEFT JOIN staging.source_sequence AS source
    ON
        source.domain = 'tr'
        AND numbered.study_id = source.study_id
        AND numbered.source_file = source.source_file
        AND numbered.source_row = source.source_row
