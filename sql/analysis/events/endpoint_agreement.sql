/* One endpoint of a patient that is both derived and stated by the source: whether the two agree, and if not, why.
   Why: the trial's own times are the check of the derivation, and the derivation that of the trial's times. A
   difference without its cause is worth little.
   How: both rows of analysis.patient_endpoint, where each side says something of the endpoint (its rule is none of
   those whose outcome is absent). Two times agree when they are equal to a millionth of a day, count from one day and
   are of one kind (event or censored); two that are both missing agree too. Of the reasons in
   staging.endpoint_difference the first that holds is given; the conditions are the lines below. A derived event is
   sought among the stated responses of its own time point (core.time_point), a stated event among the derived ones;
   an event that ADTTE dates is that of the response that RS states on its day, else of the scans around it.
   Caveats: ADTTE does not say what its event is: on the day of death it is taken for the death. Differences of
   duration of response and of post-progression survival follow from those of response and progression.
   Reference: FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics, Guidance for Industry, 2018;
   Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.
   Grain: one row per patient_id and endpoint
   Key: patient_id, endpoint
   Tags: public
*/
WITH setting AS (
    SELECT value = 'true' AS is_confirmed
    FROM meta.setting
    WHERE name = 'endpoints.confirmed_response'
),

said AS (
    SELECT
        one.patient_id,
        one.endpoint,
        one.basis,
        one.time_days,
        one.is_event,
        one.start_day,
        round(one.start_day + one.time_days, 6) AS end_day,
        one.rule_id,
        split_part(one.rule_id, '/', 2) AS rule_name,
        one.source_table,
        one.source_file,
        one.source_row
    FROM analysis.patient_endpoint AS one
    INNER JOIN staging.endpoint_rule AS rule ON one.rule_id = rule.rule_id
    WHERE rule.outcome <> 'absent'
),

stated_time AS (
    SELECT
        patient_id,
        endpoint,
        rounding_days
    FROM staging.time_to_event
    WHERE is_counted
),

assessment AS (
    SELECT
        patient_id,
        basis,
        reader,
        time_point_id,
        day,
        overall_response
    FROM analysis.response_course
    WHERE is_counted_reader
),

first_treated AS (
    SELECT
        treatment.patient_id,
        min(treatment.first_day) AS local_treatment_day
    FROM analysis.local_treatment AS treatment
    INNER JOIN core.lesion AS lesion ON treatment.lesion_id = lesion.lesion_id
    WHERE lesion.is_analysis_reader
    GROUP BY treatment.patient_id
),

treated AS (
    SELECT
        first_treated.patient_id,
        first_treated.local_treatment_day,
        max(assessment.day) AS assessment_before_day
    FROM first_treated
    LEFT JOIN assessment
        ON
            first_treated.patient_id = assessment.patient_id
            AND assessment.overall_response <> 'NE'
            AND first_treated.local_treatment_day > assessment.day
    GROUP BY first_treated.patient_id, first_treated.local_treatment_day
),

therapy AS (
    SELECT
        patient_id,
        min(day) AS therapy_day
    FROM core.subsequent_therapy
    GROUP BY patient_id
),

pair AS (
    SELECT
        derived.patient_id,
        derived.endpoint,
        endpoint.starts_at,
        endpoint.ends_at,
        endpoint.needs_assessment,
        struct_pack(
            days := derived.time_days, is_event := derived.is_event, starts := derived.start_day,
            ends := derived.end_day, rule_id := derived.rule_id, rule := derived.rule_name,
            source_file := derived.source_file, source_row := derived.source_row
        ) AS derived,
        struct_pack(
            days := stated.time_days, is_event := stated.is_event, starts := stated.start_day,
            ends := stated.end_day, rule_id := stated.rule_id, rule := stated.rule_name,
            source_file := stated.source_file, source_row := stated.source_row
        ) AS stated,
        coalesce(stated.source_table = 'staging.time_to_event', FALSE) AS is_adtte,
        stated_time.rounding_days,
        CASE WHEN patient.death_day < 0 THEN 0 ELSE patient.death_day END AS death_day,
        treated.local_treatment_day,
        treated.assessment_before_day,
        therapy.therapy_day,
        setting.is_confirmed
    FROM said AS derived
    INNER JOIN said AS stated ON derived.patient_id = stated.patient_id AND derived.endpoint = stated.endpoint
    INNER JOIN staging.endpoint AS endpoint ON derived.endpoint = endpoint.endpoint
    INNER JOIN core.patient AS patient ON derived.patient_id = patient.patient_id
    CROSS JOIN setting
    LEFT JOIN stated_time ON derived.patient_id = stated_time.patient_id AND derived.endpoint = stated_time.endpoint
    LEFT JOIN treated ON derived.patient_id = treated.patient_id
    LEFT JOIN therapy ON derived.patient_id = therapy.patient_id
    WHERE derived.basis = 'derived' AND stated.basis = 'stated'
),

-- What ends each of the two: progression, response, death, subsequent_therapy, censored, or nothing (missing).
ended AS (
    SELECT
        *,
        CASE
            WHEN derived.days IS NULL THEN 'missing'
            WHEN NOT derived.is_event THEN 'censored'
            WHEN derived.rule LIKE 'death%' THEN 'death'
            ELSE derived.rule
        END AS derived_end,
        CASE
            WHEN stated.days IS NULL THEN 'missing'
            WHEN NOT stated.is_event THEN 'censored'
            WHEN stated.rule LIKE 'death%' THEN 'death'
            WHEN NOT is_adtte THEN stated.rule
            WHEN stated.ends = death_day THEN 'death'
            ELSE ends_at
        END AS stated_end
    FROM pair
),

course_reader AS (
    SELECT
        patient_id,
        any_value(reader) FILTER (WHERE basis = 'derived') AS derived_reader,
        any_value(reader) FILTER (WHERE basis = 'stated') AS stated_reader
    FROM assessment
    GROUP BY patient_id
),

by_time_point AS (
    SELECT
        patient_id,
        basis,
        time_point_id,
        string_agg(DISTINCT overall_response, ', ' ORDER BY overall_response) AS responses
    FROM assessment
    GROUP BY patient_id, basis, time_point_id
),

-- The assessment that decides each time: the event's own; of a derived time to response, also the progression that
-- censors it.
deciding AS (
    SELECT
        ended.*,
        reader.derived_reader,
        reader.stated_reader,
        derived_assessment.time_point_id AS derived_time_point_id,
        derived_assessment.overall_response AS derived_response,
        coalesce(stated_assessment.time_point_id, scan.time_point_id) AS stated_time_point_id,
        stated_assessment.overall_response AS stated_response,
        derived_last.time_point_id AS derived_last_time_point_id,
        stated_last.time_point_id AS stated_last_time_point_id
    FROM ended
    LEFT JOIN course_reader AS reader ON ended.patient_id = reader.patient_id
    LEFT JOIN assessment AS derived_assessment
        ON
            ended.patient_id = derived_assessment.patient_id
            AND derived_assessment.basis = 'derived'
            AND ended.derived.ends = derived_assessment.day
            AND ended.derived.rule IN ('progression', 'response')
    LEFT JOIN assessment AS stated_assessment
        ON
            ended.patient_id = stated_assessment.patient_id
            AND stated_assessment.basis = 'stated'
            AND ended.stated.ends = stated_assessment.day
            AND (ended.stated.rule IN ('progression', 'response') OR ended.is_adtte)
            AND ended.stated_end <> 'death'
    LEFT JOIN assessment AS derived_last
        ON
            ended.patient_id = derived_last.patient_id
            AND derived_last.basis = 'derived'
            AND ended.derived.ends = derived_last.day
            AND ended.derived_end = 'censored'
    LEFT JOIN assessment AS stated_last
        ON
            ended.patient_id = stated_last.patient_id
            AND stated_last.basis = 'stated'
            AND ended.stated.ends = stated_last.day
            AND ended.stated_end = 'censored'
    LEFT JOIN core.time_point AS scan
        ON
            ended.patient_id = scan.patient_id
            AND coalesce(reader.derived_reader, '') = scan.reader
            AND ended.is_adtte
            AND ended.stated_end IN ('progression', 'response')
            AND ended.stated.ends BETWEEN scan.first_day AND scan.last_day
            AND scan.has_scan
    QUALIFY row_number() OVER (
        PARTITION BY ended.patient_id, ended.endpoint ORDER BY scan.first_day NULLS LAST, scan.time_point_id
    ) = 1
),

assessed_day AS (
    SELECT DISTINCT
        patient_id,
        day
    FROM assessment
),

met AS (
    SELECT
        deciding.*,
        assessed_day.day IS NOT NULL AS is_assessed_at_stated_end,
        stated_there.responses AS stated_there,
        derived_there.responses AS derived_there,
        round(deciding.stated.days - deciding.derived.days, 6) AS difference_days,
        coalesce(
            deciding.derived.is_event = deciding.stated.is_event,
            deciding.derived.is_event IS NULL AND deciding.stated.is_event IS NULL
        ) AS is_same_kind,
        coalesce(deciding.derived.days IS NULL AND deciding.stated.days IS NULL, FALSE)
        OR coalesce(
            deciding.derived.days = deciding.stated.days
            AND deciding.derived.starts = deciding.stated.starts
            AND deciding.derived.is_event = deciding.stated.is_event,
            FALSE
        ) AS is_agreed
    FROM deciding
    LEFT JOIN by_time_point AS stated_there
        ON
            deciding.patient_id = stated_there.patient_id
            AND stated_there.basis = 'stated'
            AND deciding.derived_time_point_id = stated_there.time_point_id
    LEFT JOIN by_time_point AS derived_there
        ON
            deciding.patient_id = derived_there.patient_id
            AND derived_there.basis = 'derived'
            AND deciding.stated_time_point_id = derived_there.time_point_id
    LEFT JOIN assessed_day
        ON deciding.patient_id = assessed_day.patient_id AND deciding.stated.ends = assessed_day.day
),

told AS (
    SELECT
        met.*,
        unnest([
            struct_pack(reason := 'not_explained', holds := TRUE),
            struct_pack(
                reason := 'unit_rounding', holds := is_same_kind AND abs(difference_days) <= rounding_days
            ),
            struct_pack(
                reason := 'day_1_convention',
                holds := is_same_kind AND is_adtte AND rounding_days IS NOT NULL
                AND abs(difference_days - 1) <= CASE WHEN rounding_days > 0.5 THEN rounding_days ELSE 0 END
            ),
            struct_pack(
                reason := 'other_start',
                holds := is_same_kind AND derived.ends = stated.ends AND derived.starts <> stated.starts
            ),
            struct_pack(reason := 'one_has_none', holds := (derived.days IS NULL) <> (stated.days IS NULL)),
            struct_pack(
                reason := 'subsequent_therapy',
                holds := ends_at <> 'subsequent_therapy' AND (
                    (derived.rule = 'subsequent_therapy') <> (stated.rule = 'subsequent_therapy')
                    OR (is_adtte AND NOT stated.is_event AND stated.ends = therapy_day)
                )
            ),
            struct_pack(
                reason := 'local_treatment',
                holds := (derived.rule = 'local_treatment') <> (stated.rule = 'local_treatment')
                OR (
                    is_adtte AND NOT stated.is_event AND stated.ends IN (local_treatment_day, assessment_before_day)
                    AND local_treatment_day < derived.ends
                )
            ),
            struct_pack(
                reason := 'missed_assessments',
                holds := (derived.rule = 'missed_assessments') <> (stated.rule = 'missed_assessments')
            ),
            struct_pack(
                reason := 'not_assessed',
                holds := (derived.rule IN ('never_assessed', 'no_baseline', 'other_criterion'))
                <> (stated.rule IN ('never_assessed', 'no_baseline', 'other_criterion'))
            ),
            struct_pack(
                reason := 'same_assessment',
                holds := is_same_kind AND derived.ends <> stated.ends
                AND coalesce(derived_time_point_id, derived_last_time_point_id)
                = coalesce(stated_time_point_id, stated_last_time_point_id)
            ),
            struct_pack(
                reason := 'other_reader',
                holds := (derived_time_point_id IS NOT NULL OR stated_response IS NOT NULL)
                AND derived_reader <> stated_reader
            ),
            struct_pack(
                reason := 'confirmation',
                holds := is_confirmed AND 'response' IN (starts_at, ends_at)
                AND (
                    (derived_end = 'response' AND stated_there IN ('CR', 'PR'))
                    OR (stated_end = 'response' AND derived_there IN ('CR', 'PR'))
                )
            ),
            struct_pack(
                reason := 'stated_response_differs',
                holds := stated_there <> derived_response
                AND (derived.ends <= stated.ends OR stated_end = 'censored')
            ),
            struct_pack(
                reason := 'no_stated_response',
                holds := derived_time_point_id IS NOT NULL AND stated_there IS NULL AND stated_reader IS NOT NULL
                AND (derived.ends <= stated.ends OR stated_end = 'censored')
            ),
            struct_pack(
                reason := 'derived_response_differs',
                holds := stated_end IN ('progression', 'response', 'censored')
                AND derived_there <> coalesce(
                    stated_response, CASE stated_end WHEN 'progression' THEN 'PD' WHEN 'response' THEN 'CR or PR' END
                )
                AND (stated.ends <= derived.ends OR derived_end = 'censored')
            ),
            struct_pack(
                reason := 'no_derived_response',
                holds := stated_end IN ('progression', 'response') AND derived_there IS NULL
                AND (stated.ends <= derived.ends OR derived_end = 'censored')
            ),
            struct_pack(reason := 'death', holds := (derived_end = 'death') <> (stated_end = 'death')),
            struct_pack(reason := 'death_day', holds := derived_end = 'death' AND stated_end = 'death'),
            struct_pack(
                reason := 'last_contact',
                holds := NOT needs_assessment AND derived_end = 'censored' AND stated_end = 'censored'
            ),
            struct_pack(
                reason := 'last_assessment',
                holds := needs_assessment AND derived_end = 'censored' AND stated_end = 'censored'
            ),
            struct_pack(
                reason := 'event_not_counted',
                holds := derived_end IN ('progression', 'response') AND stated_end = 'censored'
                AND stated.ends < derived.ends
                AND is_assessed_at_stated_end
            )
        ]) AS fact
    FROM met
),

reasoned AS (
    SELECT
        told.*,
        reason.reason_id,
        reason.sentence
    FROM told
    INNER JOIN staging.endpoint_difference AS reason ON told.fact.reason = reason.reason_id
    WHERE told.fact.holds
    QUALIFY row_number() OVER (PARTITION BY told.patient_id, told.endpoint ORDER BY reason.priority) = 1
)

SELECT
    each.patient_id, -- text id of the patient
    each.endpoint, -- endpoint of staging.endpoint
    each.is_agreed, -- the two are the same time, from the same day, of the same kind; or neither has one
    CASE WHEN NOT each.is_agreed THEN each.reason_id END AS reason_id, -- staging.endpoint_difference; NULL where agreed
    CASE WHEN NOT each.is_agreed THEN each.sentence END AS reason, -- the reason in words; NULL where they agree
    each.difference_days, -- stated less derived time, days; NULL where one of them has none
    each.is_same_kind, -- both events, both censored or both without a time
    CASE WHEN each.is_adtte THEN 'adtte' ELSE 'rs' END AS stated_by, -- adtte, or rs: the responses of RS
    each.derived.days AS derived_days, -- derived time, days; NULL where there is none
    each.stated.days AS stated_days, -- stated time, days; NULL where there is none
    each.derived.is_event AS is_derived_event, -- the derived time ends in an event; else censored
    each.stated.is_event AS is_stated_event, -- the stated time ends in an event; else censored
    each.derived.starts AS derived_start_day, -- day that the derived time counts from, from first dose
    each.stated.starts AS stated_start_day, -- day that the stated time counts from, from first dose
    each.derived_end, -- what ends the derived time: progression, response, death, subsequent_therapy, censored, missing
    each.stated_end, -- the same of the stated time
    each.derived_response, -- response that decides the derived time; NULL where none does
    each.stated_there, -- responses that the source states of that time point; NULL where it states none
    each.stated_response, -- response that decides the stated time; NULL where none is stated of its day
    each.derived_there, -- derived response of that time point; NULL where there is none
    CASE
        WHEN each.derived_response = 'PD'
            THEN concat_ws(
                ', ',
                CASE WHEN visit.target_response = 'PD' THEN 'target' END,
                CASE WHEN visit.nontarget_response = 'PD' THEN 'non-target' END,
                CASE WHEN visit.has_new_lesion THEN 'new lesion' END
            )
    END AS derived_progression, -- what made the derived progression: target, non-target, new lesion; NULL for others
    each.derived.rule_id AS derived_rule_id, -- rule of staging.endpoint_rule behind the derived time
    each.stated.rule_id AS stated_rule_id, -- the same behind the stated time
    each.derived.source_file AS derived_source_file, -- file of the row that the derived day comes from
    each.derived.source_row AS derived_source_row, -- that row
    each.stated.source_file AS stated_source_file, -- file of the row that the stated day comes from
    each.stated.source_row AS stated_source_row -- that row
FROM reasoned AS each
LEFT JOIN analysis.visit_response AS visit
    ON
        each.patient_id = visit.patient_id
        AND each.derived_reader = visit.reader
        AND each.derived_time_point_id = visit.time_point_id
        AND NOT visit.is_baseline
