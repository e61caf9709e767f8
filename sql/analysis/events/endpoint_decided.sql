/* Which rule decides one endpoint of a patient, and on which day.
   Why: whether a time is an event, censored or missing is said by the first rule of staging.endpoint_rule whose
   condition holds; here the conditions are told and the rules applied.
   How: each condition of the rules is one line below, and each day that they name another. A rule for conditions and
   days that are here is a row of the seed and nothing else.
   Caveats: post-progression survival follows from these rows, in analysis.patient_endpoint.
   Reference: FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics, Guidance for Industry, 2018.
   Grain: one row per patient_id, endpoint and basis
   Key: patient_id, endpoint, basis
*/
WITH course AS (
    SELECT * FROM analysis.endpoint_course
),

told AS (
    SELECT
        course.*,
        unnest([
            struct_pack(condition := 'any', holds := TRUE),
            struct_pack(condition := 'stated_event', holds := is_stated_event),
            struct_pack(condition := 'stated_censored', holds := NOT is_stated_event),
            struct_pack(
                condition := 'not_stated',
                holds := basis = 'stated' AND NOT needs_assessment AND is_stated_event IS NULL
            ),
            struct_pack(condition := 'not_assessed_in_study', holds := NOT is_assessed_in_study),
            struct_pack(condition := 'no_first_dose', holds := is_without_first_dose AND NOT has_assessment),
            struct_pack(condition := 'not_assessed', holds := NOT is_assessed),
            struct_pack(condition := 'no_response', holds := response_day IS NULL),
            struct_pack(
                condition := 'not_stable', holds := coalesce(best_response NOT IN ('SD', 'NON-CR/NON-PD'), TRUE)
            ),
            struct_pack(
                condition := 'died_before_first_assessment',
                holds := NOT has_assessment AND death_day - start_day <= coalesce(longest_gap_days, death_day)
            ),
            struct_pack(
                condition := 'died_without_schedule',
                holds := NOT has_assessment AND has_unknown_schedule AND death_day IS NOT NULL
            ),
            struct_pack(condition := 'no_baseline', holds := NOT has_baseline),
            struct_pack(
                condition := 'only_other_criterion', holds := NOT has_assessment AND has_other_criterion
            ),
            struct_pack(condition := 'never_assessed', holds := NOT has_assessment),
            struct_pack(
                condition := 'subsequent_therapy_before_end',
                holds := therapy_latest_day >= start_day
                AND therapy_latest_day < coalesce(end_day, therapy_latest_day + 1)
            ),
            struct_pack(
                condition := 'local_treatment_before_end',
                holds := local_treatment_day >= start_day
                AND local_treatment_day <= coalesce(end_day, local_treatment_day)
            ),
            struct_pack(
                condition := 'missed_before_end', holds := end_day - assessment_before_end_day > longest_gap_days
            ),
            struct_pack(
                condition := 'responded', holds := response_day <= coalesce(death_day, response_day)
            ),
            struct_pack(
                condition := 'progressed', holds := progression_day <= coalesce(death_day, progression_day)
            ),
            struct_pack(
                condition := 'died_after_undated_progression',
                holds := has_undated_progression AND death_day IS NOT NULL
            ),
            struct_pack(condition := 'undated_progression', holds := has_undated_progression),
            struct_pack(condition := 'died', holds := death_day IS NOT NULL),
            struct_pack(condition := 'death_day_unknown', holds := is_dead AND death_day IS NULL),
            struct_pack(condition := 'death_only_stated', holds := is_death_only_stated),
            struct_pack(condition := 'deaths_not_reported', holds := NOT is_survival_reported AND NOT is_dead),
            struct_pack(condition := 'has_last_contact', holds := last_contact_day IS NOT NULL),
            struct_pack(condition := 'no_subsequent_therapy_in_study', holds := NOT has_therapy_in_study),
            struct_pack(
                condition := 'subsequent_therapy_day_unknown',
                holds := therapy_day IS NULL
                AND therapy_first_open_day <= coalesce(death_day, therapy_first_open_day)
            ),
            struct_pack(
                condition := 'started_subsequent_therapy',
                holds := therapy_day <= coalesce(death_day, therapy_day)
            )
        ]) AS fact
    FROM course
),

decided AS (
    SELECT
        told.*,
        rule.rule_id,
        rule.outcome,
        rule.at_day,
        rule.lower_day
    FROM told
    INNER JOIN staging.endpoint_rule AS rule
        ON told.endpoint = rule.endpoint AND told.fact.condition = rule.condition
    WHERE told.fact.holds
    QUALIFY row_number() OVER (
        PARTITION BY told.patient_id, told.endpoint, told.basis ORDER BY rule.priority
    ) = 1
),

dated AS (
    SELECT
        *,
        map_from_entries([
            struct_pack(k := 'first_dose', v := CAST(0 AS DOUBLE)),
            struct_pack(k := 'stated', v := coalesce(start_day, 0) + stated_days),
            struct_pack(k := 'response', v := CAST(response_day AS DOUBLE)),
            struct_pack(k := 'progression', v := CAST(progression_day AS DOUBLE)),
            struct_pack(k := 'death', v := CAST(death_day AS DOUBLE)),
            struct_pack(k := 'last_contact', v := CAST(last_contact_day AS DOUBLE)),
            struct_pack(k := 'subsequent_therapy', v := CAST(therapy_day AS DOUBLE)),
            struct_pack(k := 'last_assessment', v := CAST(last_assessment_day AS DOUBLE)),
            struct_pack(k := 'assessment_before_end', v := CAST(assessment_before_end_day AS DOUBLE)),
            struct_pack(
                k := 'assessment_before_undated_progression', v := CAST(assessment_before_undated_day AS DOUBLE)
            ),
            struct_pack(
                k := 'assessment_before_local_treatment', v := CAST(assessment_before_local_treatment_day AS DOUBLE)
            ),
            struct_pack(k := 'assessment_before_subsequent_therapy', v := CAST(assessment_before_therapy_day AS DOUBLE))
        ]) AS days
    FROM decided
)

SELECT
    patient_id, -- text id of the patient
    endpoint, -- endpoint of staging.endpoint, without PPS
    basis, -- derived, or stated by the source
    rule_id, -- the rule of staging.endpoint_rule that decides
    outcome, -- event, censored, missing (the patient has no such time) or absent (the source says nothing of it)
    at_day, -- name of the day on which the time ends; NULL where there is no time
    coalesce(start_day, 0) AS start_day, -- day from which the time counts, from first dose; 0 where not known
    days[at_day] AS end_day, -- day on which the time ends, from first dose; NULL where there is no time
    CASE WHEN outcome = 'censored' THEN days[at_day] ELSE days[lower_day] END
        AS last_day_without -- last day known without the event, from first dose; NULL where that is not known
FROM dated
