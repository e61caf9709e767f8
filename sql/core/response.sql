/* The responses that one reader gave a patient at one time point by one criterion.
   Why: RS row by row, turned so that a visit stands in one line.
   Caveats: as the source states them; responses worked out from sizes are in analysis. The terms are the criterion's
   own; the responses beside them are the same on RECIST's scale (staging.response_word). Of two results of one test at
   one time point the accepted record counts, else the worse one (PD, SD, NON-CR/NON-PD, PR, CR, NE).
   sum_of_diameters_mm is added up here from core.measurement over the reader's target lesions measured at the time
   point, n_target_lesions of them; the sum that the source states stands beside it.
   has_new_lesion is as RS states it, else whether the reader first saw a new lesion at this time point.
   Where a time point has TRGRESP, NTRGRESP or a new lesion and no OVRLRESP, the overall response follows from them by
   staging.overall_response_rule (is_overall_from_parts; criteria of the RECIST family and unnamed ones).
   day is the day of the overall response as the source dates it, else of the last of the others, else the last day of
   the scans.
   Criteria stand apart: is_analysis_criterion says whose responses are the study's endpoints (staging.study_criterion).
   Responses to prior therapy and of follow-up after the next one are in core.response_history instead.
   Grain: one row per patient_id, reader, criterion and time_point_id
   Key: patient_id, reader, criterion, time_point_id
   Tags: public
*/
WITH verdict AS (
    SELECT
        rs_row,
        study_id,
        patient_id,
        reader,
        criterion,
        criterion_family,
        is_analysis_response,
        time_point_id,
        day,
        date_flag,
        test_code,
        response,
        response_term,
        has_new_lesion,
        is_accepted,
        visit,
        source_file,
        source_row
    FROM staging.disease_response
    WHERE
        result_kind IN ('response', 'new_lesion')
        AND test_code <> 'BESTRESP'
        AND time_point_id IS NOT NULL
        AND response_period = 'on study'
),

ranked AS (
    SELECT
        verdict.*,
        row_number() OVER (
            PARTITION BY patient_id, reader, criterion, time_point_id, test_code
            ORDER BY
                is_accepted DESC,
                coalesce(has_new_lesion, FALSE) DESC,
                CASE response
                    WHEN 'PD' THEN 1 WHEN 'SD' THEN 2 WHEN 'NON-CR/NON-PD' THEN 3 WHEN 'PR' THEN 4 WHEN 'CR' THEN 5
                    ELSE 6
                END,
                source_file, source_row ASC, rs_row ASC
        ) AS place,
        min(coalesce(response, response_term)) OVER one_test
        <> max(coalesce(response, response_term)) OVER one_test AS is_other_result
    FROM verdict
    WINDOW one_test AS (PARTITION BY patient_id, reader, criterion, time_point_id, test_code)
),

visit_verdict AS (
    SELECT
        patient_id,
        reader,
        criterion,
        min(criterion_family) AS criterion_family,
        bool_or(is_analysis_response) AS is_analysis_criterion,
        time_point_id,
        coalesce(max(day) FILTER (WHERE place = 1 AND test_code = 'OVRLRESP'), max(day)) AS day,
        coalesce(
            max_by(coalesce(date_flag, ''), day) FILTER (WHERE place = 1 AND test_code = 'OVRLRESP'),
            max_by(coalesce(date_flag, ''), day)
        ) AS date_flag,
        min(study_id) AS study_id,
        min(visit) FILTER (WHERE place = 1) AS visit,
        max(response) FILTER (WHERE place = 1 AND test_code = 'TRGRESP') AS target_response,
        max(response) FILTER (WHERE place = 1 AND test_code = 'NTRGRESP') AS nontarget_response,
        max(response) FILTER (WHERE place = 1 AND test_code = 'OVRLRESP') AS overall_response,
        max(response_term) FILTER (WHERE place = 1 AND test_code = 'TRGRESP') AS target_term,
        max(response_term) FILTER (WHERE place = 1 AND test_code = 'NTRGRESP') AS nontarget_term,
        max(response_term) FILTER (WHERE place = 1 AND test_code = 'OVRLRESP') AS overall_term,
        bool_or(has_new_lesion) FILTER (WHERE place = 1) AS stated_new_lesion,
        coalesce(bool_or(is_other_result), FALSE) AS has_conflict,
        count(*) AS n_source_rows
    FROM ranked
    GROUP BY patient_id, reader, criterion, time_point_id
),

target_sum AS (
    SELECT
        measurement.patient_id,
        measurement.reader,
        measurement.time_point_id,
        sum(measurement.diameter_mm ORDER BY measurement.lesion_id) AS sum_of_diameters_mm,
        count(measurement.diameter_mm) AS n_target_lesions
    FROM core.measurement AS measurement
    INNER JOIN staging.lesion AS lesion ON measurement.lesion_id = lesion.lesion_id
    WHERE lesion.lesion_type = 'target' AND measurement.patient_id IS NOT NULL
    GROUP BY measurement.patient_id, measurement.reader, measurement.time_point_id
),

stated_sum AS (
    SELECT
        patient_id,
        reader,
        time_point_id,
        max(sum_mm) AS stated_sum_of_diameters_mm
    FROM staging.tumor_result
    WHERE result_kind = 'sum' AND test_code = 'SUMDIAM' AND time_point_id IS NOT NULL
    GROUP BY patient_id, reader, time_point_id
),

detected AS (
    SELECT DISTINCT
        lesion.patient_id,
        lesion.reader,
        time_point_day.time_point_id
    FROM staging.lesion AS lesion
    INNER JOIN staging.time_point_day AS time_point_day
        ON
            lesion.patient_id = time_point_day.subject
            AND lesion.reader = time_point_day.reader
            AND lesion.first_day = time_point_day.day
    WHERE lesion.detection = 'certain' AND lesion.first_day > 0
),

described AS (
    SELECT
        visit_verdict.*,
        coalesce(visit_verdict.stated_new_lesion, detected.time_point_id IS NOT NULL) AS has_new_lesion,
        bool_or(visit_verdict.target_response IS NOT NULL) OVER one_course AS is_target_stated,
        bool_or(visit_verdict.nontarget_response IS NOT NULL) OVER one_course AS is_nontarget_stated
    FROM visit_verdict
    LEFT JOIN detected
        ON
            visit_verdict.patient_id = detected.patient_id
            AND visit_verdict.reader = detected.reader
            AND visit_verdict.time_point_id = detected.time_point_id
    WINDOW one_course AS (PARTITION BY visit_verdict.patient_id, visit_verdict.reader, visit_verdict.criterion)
),

-- What a reader states at other time points and not at this one was not evaluated.
from_parts AS (
    SELECT
        described.patient_id,
        described.reader,
        described.criterion,
        described.time_point_id,
        rule.overall_response
    FROM described
    INNER JOIN staging.overall_response_rule AS rule
        ON
            rule.target_response IN (
                '*', coalesce(described.target_response, CASE WHEN described.is_target_stated THEN 'NE' ELSE 'NONE' END)
            )
            AND rule.nontarget_response IN (
                '*',
                CASE
                    WHEN described.nontarget_response IN ('PR', 'SD') THEN 'NON-CR/NON-PD'
                    WHEN described.nontarget_response IS NOT NULL THEN described.nontarget_response
                    WHEN described.is_nontarget_stated THEN 'NE'
                    ELSE 'NONE'
                END
            )
            AND coalesce(described.has_new_lesion = rule.has_new_lesion, TRUE)
    WHERE
        described.overall_term IS NULL
        AND described.criterion_family IN ('recist', 'unspecified')
        AND (
            described.target_response IS NOT NULL
            OR described.nontarget_response IS NOT NULL
            OR described.stated_new_lesion
        )
    QUALIFY row_number() OVER (
        PARTITION BY described.patient_id, described.reader, described.criterion, described.time_point_id
        ORDER BY rule.priority
    ) = 1
)

SELECT
    visit_verdict.patient_id, -- text id of the patient
    visit_verdict.reader, -- who gave the responses; '' where the source names none
    visit_verdict.criterion, -- criterion of staging.response_criterion; the source's own text where none fits
    visit_verdict.time_point_id, -- assessment that the responses belong to
    coalesce(visit_verdict.day, time_point.last_day) AS day, -- day of the responses, from first dose
    nullif(visit_verdict.date_flag, '') AS date_flag, -- imputed part of its date, as ADaM's DTF: D, M or Y; NULL: none
    visit_verdict.study_id, -- text id of the study
    visit_verdict.is_analysis_criterion, -- the criterion whose responses are the study's endpoints
    visit_verdict.visit, -- the source's label of the visit
    visit_verdict.target_response, -- response of the target lesions: CR, PR, SD, PD or NE
    visit_verdict.nontarget_response, -- response of the non-target lesions: CR, NON-CR/NON-PD, PD or NE
    visit_verdict.has_new_lesion, -- a new lesion
    coalesce(visit_verdict.overall_response, from_parts.overall_response)
        AS overall_response, -- overall response: CR, PR, SD, NON-CR/NON-PD, PD, NE; NULL where not on this scale
    from_parts.time_point_id IS NOT NULL
        AS is_overall_from_parts, -- the source states the parts alone: the overall response follows by RECIST's tables
    visit_verdict.target_term, -- response of the target lesions in the criterion's own term, such as iUPD
    visit_verdict.nontarget_term, -- that of the non-target lesions
    coalesce(visit_verdict.overall_term, from_parts.overall_response)
        AS overall_term, -- overall response in the criterion's own term; as written where it is not known
    target_sum.sum_of_diameters_mm, -- sum over the target lesions measured, mm
    CAST(coalesce(target_sum.n_target_lesions, 0) AS INTEGER) AS n_target_lesions, -- target lesions in the sum
    stated_sum.stated_sum_of_diameters_mm, -- sum of diameters that the source states, mm
    visit_verdict.has_conflict, -- the source has two different results of one test at this time point
    CAST(visit_verdict.n_source_rows AS INTEGER) AS n_source_rows -- rows of RS behind this row
FROM described AS visit_verdict
LEFT JOIN target_sum
    ON
        visit_verdict.patient_id = target_sum.patient_id
        AND visit_verdict.reader = target_sum.reader
        AND visit_verdict.time_point_id = target_sum.time_point_id
LEFT JOIN stated_sum
    ON
        visit_verdict.patient_id = stated_sum.patient_id
        AND visit_verdict.reader = stated_sum.reader
        AND visit_verdict.time_point_id = stated_sum.time_point_id
LEFT JOIN from_parts
    ON
        visit_verdict.patient_id = from_parts.patient_id
        AND visit_verdict.reader = from_parts.reader
        AND visit_verdict.criterion = from_parts.criterion
        AND visit_verdict.time_point_id = from_parts.time_point_id
LEFT JOIN core.time_point AS time_point ON visit_verdict.time_point_id = time_point.time_point_id
