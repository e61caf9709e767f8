/* Response analysis dataset (ADaM ADRS, BDS): responses by visit, best responses, response flags, progression, death.
   Why: response rates, and the events of ADTTE, follow from these records.
   How: parameters worked out from the lesions (TRGRESP, NTRGRESP, NEWLIND, OVRLRESP, BOR, CBOR, RSP, CRSP, PD), the
   same as the source states them in RS (those that begin with S), by iRECIST (those that begin with I), and DEATH. All
   readers are here; ANL01FL marks those of the one reader whose responses make endpoints. AVAL orders responses as
   admiralonco does: CR 1, PR 2, SD 3, NON-CR/NON-PD 4, PD 5, NE 6.
   Traceability: a derived response by visit leads to the sum of its time point in ADTR, a stated one to its RS record;
   a best response, a response flag and a progression to the ADRS record of the visit that makes it.
   Caveats: a patient without target lesions has no sum to lead to. Unconfirmed progressions of iRECIST (iUPD) are PD
   on no other scale, and have no AVAL.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, tables 1 to 3; Seymour et al. 2017, Lancet Oncol 18:e143;
   pharmaverse/admiralonco, aval_resp.
   Grain: one row per patient_id and aseq
   Key: patient_id, aseq
   Tags: view, dataset
*/
WITH visit AS (
    SELECT
        patient_id,
        reader,
        time_point_id,
        visit,
        day,
        last_day,
        is_analysis_reader,
        target_response,
        nontarget_response,
        has_new_lesion,
        overall_response,
        row_number() OVER (
            PARTITION BY patient_id, reader ORDER BY is_baseline DESC, last_day ASC, time_point_id ASC
        ) - 1 AS visit_number
    FROM analysis.visit_response
    WHERE patient_id IS NOT NULL
),

counted_reader AS (
    SELECT DISTINCT
        patient_id,
        reader
    FROM analysis.best_overall_response
    WHERE basis = 'stated' AND is_counted_reader
),

stated AS (
    SELECT
        response.patient_id,
        response.reader,
        response.time_point_id,
        response.visit,
        response.day,
        response.target_response,
        response.nontarget_response,
        response.has_new_lesion,
        response.overall_response,
        counted.reader IS NOT NULL AS is_counted
    FROM core.response AS response
    LEFT JOIN counted_reader AS counted
        ON response.patient_id = counted.patient_id AND response.reader = counted.reader
    WHERE response.is_analysis_criterion
),

best AS (
    SELECT
        *,
        CASE basis WHEN 'stated' THEN 'S' ELSE '' END AS prefix
    FROM analysis.best_overall_response
    WHERE patient_id IS NOT NULL
),

by_visit AS (
    SELECT
        visit.patient_id,
        visit.reader,
        visit.time_point_id,
        visit.visit,
        visit.visit_number,
        visit.day,
        visit.is_analysis_reader AS is_counted,
        'derived' AS basis,
        each.paramcd,
        each.result
    FROM visit
    CROSS JOIN
        LATERAL (
            VALUES
            ('TRGRESP', nullif(visit.target_response, 'NONE')),
            ('NTRGRESP', nullif(visit.nontarget_response, 'NONE')),
            ('NEWLIND', CASE WHEN visit.has_new_lesion THEN 'Y' ELSE 'N' END),
            ('OVRLRESP', visit.overall_response)
        ) AS each (paramcd, result)
    WHERE visit.overall_response IS NOT NULL
    UNION ALL
    SELECT
        stated.patient_id,
        stated.reader,
        stated.time_point_id,
        stated.visit,
        visit.visit_number,
        stated.day,
        stated.is_counted,
        'stated' AS basis,
        each.paramcd,
        each.result
    FROM stated
    LEFT JOIN visit ON stated.patient_id = visit.patient_id AND stated.time_point_id = visit.time_point_id
    CROSS JOIN
        LATERAL (
            VALUES
            ('STRGRESP', stated.target_response),
            ('SNTRGRSP', stated.nontarget_response),
            ('SNEWLIND', CASE WHEN stated.has_new_lesion THEN 'Y' WHEN NOT stated.has_new_lesion THEN 'N' END),
            ('SOVRLRSP', stated.overall_response)
        ) AS each (paramcd, result)
    UNION ALL
    SELECT
        response.patient_id,
        response.reader,
        response.time_point_id,
        visit.visit,
        visit.visit_number,
        response.day,
        response.is_analysis_reader AS is_counted,
        'iRECIST' AS basis,
        'IOVRLRSP' AS paramcd,
        response.irecist_response AS result
    FROM analysis.irecist_response AS response
    LEFT JOIN visit ON response.patient_id = visit.patient_id AND response.time_point_id = visit.time_point_id
    WHERE response.patient_id IS NOT NULL AND NOT response.is_after_confirmed_progression
),

of_patient AS (
    SELECT
        best.patient_id,
        best.reader,
        best.is_counted_reader AS is_counted,
        best.basis,
        best.prefix || each.code AS paramcd,
        each.result,
        each.day
    FROM best
    CROSS JOIN
        LATERAL (
            VALUES
            ('BOR', best.best_overall_response, best.best_overall_response_day),
            ('CBOR', best.confirmed_best_overall_response, best.confirmed_best_overall_response_day),
            (
                'RSP',
                CASE WHEN best.best_overall_response IN ('CR', 'PR') THEN 'Y' ELSE 'N' END,
                best.response_day
            ),
            (
                'CRSP',
                CASE WHEN best.confirmed_best_overall_response IN ('CR', 'PR') THEN 'Y' ELSE 'N' END,
                best.confirmed_response_day
            ),
            ('PD', CASE WHEN best.progression_day IS NULL THEN 'N' ELSE 'Y' END, best.progression_day)
        ) AS each (code, result, day)
    UNION ALL
    SELECT
        best.patient_id,
        best.reader,
        best.is_analysis_reader AS is_counted,
        'iRECIST' AS basis,
        each.paramcd,
        each.result,
        each.day
    FROM analysis.irecist_best_response AS best
    CROSS JOIN
        LATERAL (
            VALUES
            ('IBOR', best.best_overall_response, best.best_overall_response_day),
            ('IPD', CASE WHEN best.progression_day IS NULL THEN 'N' ELSE 'Y' END, best.progression_day)
        ) AS each (paramcd, result, day)
    WHERE best.patient_id IS NOT NULL
    UNION ALL
    SELECT
        patient.patient_id,
        '' AS reader,
        TRUE AS is_counted,
        'patient' AS basis,
        'DEATH' AS paramcd,
        CASE WHEN patient.is_dead THEN 'Y' ELSE 'N' END AS result,
        CASE WHEN patient.is_dead THEN patient.death_day END AS day
    FROM core.patient AS patient
),

record AS (
    SELECT * FROM by_visit
    WHERE result IS NOT NULL
    UNION ALL
    SELECT
        patient_id,
        reader,
        NULL AS time_point_id,
        NULL AS visit,
        NULL AS visit_number,
        day,
        is_counted,
        basis,
        paramcd,
        result
    FROM of_patient
    WHERE result IS NOT NULL
),

numbered AS (
    SELECT
        record.*,
        parameter.param,
        parameter.paramn,
        parameter.made_of,
        row_number() OVER (
            PARTITION BY record.patient_id
            ORDER BY record.reader, parameter.paramn, record.day, record.time_point_id
        ) AS aseq
    FROM record
    INNER JOIN staging.adam_response_parameter AS parameter ON record.paramcd = parameter.paramcd
),

-- The record of the visit that a patient's own record rests on.
by_day AS (
    SELECT
        patient_id,
        reader,
        paramcd,
        day,
        min(aseq) AS aseq
    FROM numbered
    WHERE time_point_id IS NOT NULL
    GROUP BY patient_id, reader, paramcd, day
),

sum_record AS (
    SELECT
        patient_id,
        time_point_id,
        coalesce(parcat2, '') AS reader,
        min(aseq) AS aseq
    FROM adam.adtr
    WHERE paramcd = 'SDIAM' AND ablfl IS NULL
    GROUP BY patient_id, time_point_id, coalesce(parcat2, '')
),

stated_record AS (
    SELECT
        patient_id,
        reader,
        time_point_id,
        study_id,
        test_code,
        min_by(source_file, struct_pack(file := source_file, row := source_row)) AS source_file,
        min_by(source_row, struct_pack(file := source_file, row := source_row)) AS source_row
    FROM staging.disease_response
    WHERE is_analysis_response AND time_point_id IS NOT NULL
    GROUP BY patient_id, reader, time_point_id, study_id, test_code
),

traced AS (
    SELECT
        numbered.*,
        stated_record.source_file,
        stated_record.source_row,
        CASE
            WHEN numbered.basis = 'stated' AND stated_record.source_file IS NOT NULL THEN 'RS'
            WHEN numbered.time_point_id IS NOT NULL AND sum_record.aseq IS NOT NULL THEN 'ADTR'
            WHEN by_day.aseq IS NOT NULL THEN 'ADRS'
            WHEN numbered.paramcd = 'DEATH' THEN 'ADSL'
        END AS source_domain,
        CASE
            WHEN numbered.basis = 'stated' AND stated_record.source_file IS NOT NULL THEN source.sequence_number
            WHEN numbered.time_point_id IS NOT NULL THEN sum_record.aseq
            ELSE by_day.aseq
        END AS source_sequence
    FROM numbered
    LEFT JOIN sum_record
        ON
            numbered.basis <> 'stated'
            AND numbered.patient_id = sum_record.patient_id
            AND numbered.reader = sum_record.reader
            AND numbered.time_point_id = sum_record.time_point_id
    LEFT JOIN stated_record
        ON
            numbered.basis = 'stated'
            AND numbered.patient_id = stated_record.patient_id
            AND numbered.reader = stated_record.reader
            AND numbered.time_point_id = stated_record.time_point_id
            AND numbered.made_of = stated_record.test_code
    LEFT JOIN staging.source_sequence AS source
        ON
            source.domain = 'rs'
            AND stated_record.study_id = source.study_id
            AND stated_record.source_file = source.source_file
            AND stated_record.source_row = source.source_row
    LEFT JOIN by_day
        ON
            numbered.time_point_id IS NULL
            AND numbered.patient_id = by_day.patient_id
            AND numbered.reader = by_day.reader
            AND numbered.made_of = by_day.paramcd
            AND numbered.day = by_day.day
)

SELECT
    traced.patient_id, -- text id of the patient in the warehouse
    subject.study_id, -- text id of the study in the warehouse
    traced.time_point_id, -- text id of the time point in the warehouse
    subject.studyid, -- Study Identifier; ADSL.STUDYID
    subject.usubjid, -- Unique Subject Identifier; ADSL.USUBJID
    CAST(traced.aseq AS INTEGER) AS aseq, -- Analysis Sequence Number; within the subject
    subject.trt01p AS trtp, -- Planned Treatment; ADSL.TRT01P
    subject.trt01a AS trta, -- Actual Treatment; ADSL.TRT01A
    traced.param, -- Parameter; staging.adam_response_parameter
    traced.paramcd, -- Parameter Code; worked out from the lesions, S... as stated, I... by iRECIST
    CAST(traced.paramn AS DOUBLE) AS paramn, -- Parameter (N); order of the parameters
    CASE traced.basis
        WHEN 'stated' THEN 'Stated by the source'
        WHEN 'iRECIST' THEN 'iRECIST'
        WHEN 'patient' THEN 'Survival'
        ELSE 'RECIST 1.1'
    END AS parcat1, -- Parameter Category 1; criterion, or that the source states it
    nullif(traced.reader, '') AS parcat2, -- Parameter Category 2; the reader
    CAST(CASE traced.result
        WHEN 'CR' THEN 1
        WHEN 'iCR' THEN 1
        WHEN 'PR' THEN 2
        WHEN 'iPR' THEN 2
        WHEN 'SD' THEN 3
        WHEN 'iSD' THEN 3
        WHEN 'NON-CR/NON-PD' THEN 4
        WHEN 'NON-iCR/NON-iUPD' THEN 4
        WHEN 'PD' THEN 5
        WHEN 'iCPD' THEN 5
        WHEN 'NE' THEN 6
        WHEN 'Y' THEN 1
        WHEN 'N' THEN 0
    END AS DOUBLE) AS aval, -- Analysis Value; CR 1 to NE 6; of yes or no 1 or 0
    traced.result AS avalc, -- Analysis Value (C); response, or Y or N
    CASE WHEN traced.is_counted THEN 'Y' END
        AS anl01fl, -- Analysis Flag 01; Y: of the one reader whose responses make endpoints
    CAST(patient.first_dose_date + CAST(traced.day AS INTEGER) AS DATE)
        AS adt, -- Analysis Date; day of the response by the rules of its event
    analysis_day(traced.day) AS ady, -- Analysis Relative Day; the first dose is day 1, the day before it -1
    CASE WHEN traced.visit_number IS NOT NULL THEN 'Assessment ' || traced.visit_number END
        AS avisit, -- Analysis Visit; the time points after baseline in their order
    CAST(traced.visit_number AS DOUBLE) AS avisitn, -- Analysis Visit (N); number of the time point
    traced.visit, -- Visit Name; as the source writes it
    traced.source_domain AS srcdom, -- Source Data; RS, ADTR, ADRS or ADSL
    CASE traced.source_domain
        WHEN 'RS' THEN 'RSSTRESC'
        WHEN 'ADTR' THEN 'AVAL'
        WHEN 'ADRS' THEN 'AVALC'
        WHEN 'ADSL' THEN 'DTHFL'
    END AS srcvar, -- Source Variable; that AVALC comes from
    CAST(traced.source_sequence AS DOUBLE) AS srcseq, -- Source Sequence Number; RSSEQ, or ASEQ of the record
    traced.source_file AS srcfile, -- Source File; file of the RS record
    CAST(traced.source_row AS DOUBLE) AS srcrow -- Source Row in the File; row of the RS record
FROM traced
INNER JOIN adam.adsl AS subject ON traced.patient_id = subject.patient_id
INNER JOIN core.patient AS patient ON traced.patient_id = patient.patient_id
