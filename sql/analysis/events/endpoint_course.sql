/* The days that one endpoint of a patient is made of: where it starts, what ends it, and the assessments around that.
   Why: the rules of staging.endpoint_rule compare these days; they are found once here.
   How: response and progression are those of the counted reader in analysis.best_overall_response, assessments those of
   analysis.response_course that could be evaluated. end_day is progression or death, whichever comes first; for time to
   response the response, else progression. An assessment counts as missed when the end comes later than
   endpoints.missed_assessments intervals and endpoints.visit_window_days after the last one: intervals of
   endpoints.assessment_interval_days, else of the median days from the first dose to a patient's first assessment and
   between assessments. There an assessment that could not be evaluated is a visit of the schedule. A basis without
   assessments takes the other's schedule; where the study has neither, has_unknown_schedule says that the rule is off.
   Caveats: one interval for a whole study; where its schedule becomes wider, set the widest. Post-progression survival
   follows from the others and stands in analysis.patient_endpoint. Screen failures are left out.
   Grain: one row per patient_id, endpoint and basis
   Key: patient_id, endpoint, basis
*/
WITH setting AS (
    SELECT
        max(value) FILTER (WHERE name = 'endpoints.confirmed_response') = 'true' AS is_confirmed,
        CAST(max(value) FILTER (WHERE name = 'endpoints.missed_assessments') AS INTEGER) AS n_missed,
        CAST(max(value) FILTER (WHERE name = 'endpoints.assessment_interval_days') AS INTEGER) AS interval_days,
        CAST(max(value) FILTER (WHERE name = 'endpoints.visit_window_days') AS INTEGER) AS window_days,
        CAST(max(value) FILTER (WHERE name = 'baseline.latest_day') AS DOUBLE) AS latest_baseline_day
    FROM meta.setting
    WHERE
        name IN (
            'endpoints.confirmed_response', 'endpoints.missed_assessments', 'endpoints.assessment_interval_days',
            'endpoints.visit_window_days', 'baseline.latest_day'
        )
),

patient AS (
    SELECT
        patient_id,
        study_id,
        is_dead,
        CASE WHEN death_day < 0 THEN 0 ELSE death_day END AS death_day,
        CASE WHEN last_contact_day < 0 THEN 0 ELSE last_contact_day END AS last_contact_day
    FROM core.patient
    WHERE NOT coalesce(is_screen_failure, FALSE)
),

-- Deaths as the tables other than ADTTE tell them: beside ADTTE's survival stands what they make of it.
other_death AS (
    SELECT
        patient_id,
        min_by(CASE WHEN day < 0 THEN 0 ELSE day END, precedence) FILTER (WHERE day IS NOT NULL) AS day
    FROM staging.death
    WHERE source <> 'adtte'
    GROUP BY patient_id
),

visit AS (
    SELECT
        course.patient_id,
        course.basis,
        course.day,
        course.overall_response,
        patient.study_id
    FROM analysis.response_course AS course
    INNER JOIN patient ON course.patient_id = patient.patient_id
    WHERE course.is_counted_reader
),

assessment AS (
    SELECT
        patient_id,
        basis,
        day
    FROM visit
    WHERE overall_response <> 'NE'
),

-- From the first dose to the first visit, and from visit to visit.
visit_gap AS (
    SELECT
        study_id,
        basis,
        overall_response,
        day - lag(day, 1, 0) OVER (PARTITION BY patient_id, basis ORDER BY day) AS gap_days
    FROM visit
    WHERE day > 0
),

study_course AS (
    SELECT
        study_id,
        basis,
        median(gap_days) AS gap_days,
        bool_or(overall_response <> 'NE') AS is_assessed
    FROM visit_gap
    GROUP BY study_id, basis
),

-- A study with lesions, or with stated responses, assesses all its patients.
study_lesion AS (
    SELECT DISTINCT study_id
    FROM core.lesion
    WHERE patient_id IS NOT NULL
),

baseline AS (
    SELECT DISTINCT lesion.patient_id
    FROM core.lesion AS lesion
    LEFT JOIN core.study AS study ON lesion.study_id = study.study_id
    CROSS JOIN setting
    WHERE
        lesion.is_analysis_reader
        AND lesion.patient_id IS NOT NULL
        AND CASE lesion.lesion_type
            WHEN 'target' THEN lesion.baseline_day IS NOT NULL
            WHEN 'non-target'
                THEN
                    coalesce(lesion.first_day <= setting.latest_baseline_day, TRUE)
                    OR NOT coalesce(study.is_day_zero_treatment, TRUE)
        END
),

therapy AS (
    SELECT
        patient_id,
        min(latest_day) AS latest_day,
        min_by(earliest_day, latest_day) AS earliest_day,
        CASE
            WHEN min(day) <= coalesce(min(earliest_day) FILTER (WHERE day IS NULL), min(day)) THEN min(day)
        END AS day,
        min(earliest_day) FILTER (WHERE day IS NULL) AS first_open_day
    FROM core.subsequent_therapy
    GROUP BY patient_id
),

local_treatment AS (
    SELECT
        treatment.patient_id,
        min(treatment.first_day) AS day
    FROM analysis.local_treatment AS treatment
    INNER JOIN core.lesion AS lesion ON treatment.lesion_id = lesion.lesion_id
    WHERE treatment.is_patient_censored AND lesion.is_analysis_reader
    GROUP BY treatment.patient_id
),

undated_progression AS (
    SELECT
        patient_id,
        min(first_possible_day) AS first_possible_day
    FROM staging.undated_progression
    GROUP BY patient_id
),

-- Stated on study, by a criterion whose responses are no endpoints.
other_criterion AS (
    SELECT DISTINCT patient_id
    FROM core.response
    WHERE NOT is_analysis_criterion AND day > 0 AND overall_term IS NOT NULL
),

survival_reporting AS (
    SELECT study_id
    FROM staging.survival_reporting
),

study_therapy AS (
    SELECT DISTINCT study_id
    FROM core.subsequent_therapy
),

-- Assessments that were quarantined because the day of the first dose is not known.
undated AS (
    SELECT DISTINCT
        patient_id,
        'derived' AS basis
    FROM staging.tumor_result_screen
    WHERE reason_id = 'no_reference_date' AND patient_id IS NOT NULL
    UNION
    SELECT DISTINCT
        patient_id,
        'stated' AS basis
    FROM staging.disease_response_screen
    WHERE reason_id = 'no_reference_date' AND patient_id IS NOT NULL
),

stated_time AS (
    SELECT
        patient_id,
        endpoint,
        time_days,
        is_event,
        start_day
    FROM staging.time_to_event
    WHERE is_counted
),

basis (basis) AS (
    VALUES ('derived'),
    ('stated')
),

planned AS (
    SELECT
        patient.patient_id,
        patient.study_id,
        endpoint.endpoint,
        basis.basis,
        endpoint.starts_at,
        endpoint.ends_at,
        endpoint.needs_assessment,
        patient.is_dead,
        CASE WHEN endpoint.endpoint = 'OS' AND basis.basis = 'derived' THEN other_death.day ELSE patient.death_day END
            AS death_day,
        patient.is_dead AND other_death.patient_id IS NULL AS is_death_only_stated,
        patient.last_contact_day,
        therapy.day AS therapy_day,
        therapy.earliest_day AS therapy_earliest_day,
        therapy.latest_day AS therapy_latest_day,
        therapy.first_open_day AS therapy_first_open_day,
        local_treatment.day AS local_treatment_day,
        best.progression_day,
        undated.patient_id IS NOT NULL AS is_without_first_dose,
        study_therapy.study_id IS NOT NULL AS has_therapy_in_study,
        survival_reporting.study_id IS NOT NULL AS is_survival_reported,
        CASE WHEN setting.is_confirmed THEN best.confirmed_response_day ELSE best.response_day END AS response_day,
        CASE WHEN setting.is_confirmed THEN best.confirmed_best_overall_response ELSE best.best_overall_response END
            AS best_response,
        stated_time.time_days AS stated_days,
        stated_time.is_event AS is_stated_event,
        stated_time.start_day AS stated_start_day,
        basis.basis = 'stated' OR baseline.patient_id IS NOT NULL AS has_baseline,
        CASE
            WHEN basis.basis = 'derived' THEN study_lesion.study_id IS NOT NULL
            ELSE coalesce(study_course.is_assessed, FALSE)
        END AS is_assessed_in_study,
        basis.basis = 'stated' AND undated_progression.patient_id IS NOT NULL
            AS has_undated_progression,
        undated_progression.first_possible_day AS undated_progression_first_day,
        basis.basis = 'stated' AND other_criterion.patient_id IS NOT NULL AS has_other_criterion,
        basis.basis = 'derived' OR study_lesion.study_id IS NULL OR best.patient_id IS NOT NULL AS is_assessed,
        CASE
            WHEN setting.n_missed > 0
                THEN
                    setting.n_missed
                    * coalesce(nullif(setting.interval_days, 0), study_course.gap_days, other_course.gap_days)
                    + setting.window_days
        END AS longest_gap_days,
        setting.n_missed > 0 AS is_missed_asked_for
    FROM patient
    CROSS JOIN basis
    CROSS JOIN setting
    CROSS JOIN staging.endpoint AS endpoint
    LEFT JOIN analysis.best_overall_response AS best
        ON
            patient.patient_id = best.patient_id
            AND basis.basis = best.basis
            AND best.is_counted_reader
            AND (best.basis = 'derived' OR best.n_assessments > 0)
    LEFT JOIN study_course ON patient.study_id = study_course.study_id AND basis.basis = study_course.basis
    LEFT JOIN study_course AS other_course
        ON patient.study_id = other_course.study_id AND basis.basis <> other_course.basis
    LEFT JOIN study_lesion ON patient.study_id = study_lesion.study_id
    LEFT JOIN baseline ON patient.patient_id = baseline.patient_id
    LEFT JOIN therapy ON patient.patient_id = therapy.patient_id
    LEFT JOIN local_treatment ON patient.patient_id = local_treatment.patient_id
    LEFT JOIN other_death ON patient.patient_id = other_death.patient_id
    LEFT JOIN undated_progression ON patient.patient_id = undated_progression.patient_id
    LEFT JOIN other_criterion ON patient.patient_id = other_criterion.patient_id
    LEFT JOIN undated ON patient.patient_id = undated.patient_id AND basis.basis = undated.basis
    LEFT JOIN survival_reporting ON patient.study_id = survival_reporting.study_id
    LEFT JOIN study_therapy ON patient.study_id = study_therapy.study_id
    LEFT JOIN stated_time
        ON
            patient.patient_id = stated_time.patient_id
            AND endpoint.endpoint = stated_time.endpoint
            AND basis.basis = 'stated'
    WHERE endpoint.starts_at <> 'progression'
),

ended AS (
    SELECT
        *,
        CASE WHEN starts_at = 'response' THEN coalesce(stated_start_day, response_day) ELSE 0 END AS start_day,
        CASE
            WHEN ends_at = 'response' THEN coalesce(response_day, progression_day)
            ELSE least(progression_day, death_day)
        END AS end_day
    FROM planned
),

around AS (
    SELECT
        ended.patient_id,
        ended.endpoint,
        ended.basis,
        max(assessment.day) AS last_assessment_day,
        max(assessment.day) FILTER (WHERE assessment.day < ended.end_day) AS assessment_before_end_day,
        max(assessment.day) FILTER (WHERE assessment.day <= ended.therapy_earliest_day)
            AS assessment_before_therapy_day,
        max(assessment.day) FILTER (
            WHERE assessment.day < coalesce(ended.undated_progression_first_day, assessment.day + 1)
        ) AS assessment_before_undated_day,
        max(assessment.day) FILTER (WHERE assessment.day < ended.local_treatment_day)
            AS assessment_before_local_treatment_day
    FROM ended
    INNER JOIN assessment
        ON
            ended.patient_id = assessment.patient_id
            AND ended.basis = assessment.basis
            AND ended.start_day <= assessment.day
    WHERE ended.needs_assessment
    GROUP BY ended.patient_id, ended.endpoint, ended.basis
)

SELECT
    ended.patient_id, -- text id of the patient
    ended.endpoint, -- endpoint of staging.endpoint, without PPS
    ended.basis, -- derived from the lesions and from deaths, or stated by the source (ADTTE, RS)
    ended.start_day, -- day from which the time counts, from first dose; NULL where there is none
    ended.end_day, -- first of progression and death, or of response and progression; NULL where none is known
    ended.response_day, -- first response of the kind that endpoints.confirmed_response asks for
    ended.progression_day, -- first overall progression
    ended.best_response, -- best overall response, confirmed where endpoints.confirmed_response asks for it
    ended.is_dead, -- the patient died
    ended.death_day, -- day of death, 0 where it is before the first dose; of derived OS, by tables other than ADTTE
    ended.is_death_only_stated, -- no table but ADTTE tells of the death
    ended.last_contact_day, -- last day known alive
    ended.therapy_day, -- day of the first other anticancer therapy; NULL where a partial date leaves it open
    ended.therapy_latest_day, -- last day on which it can have begun
    ended.therapy_first_open_day, -- first day on which one with a partial date can have begun
    ended.local_treatment_day, -- first local treatment that censors the patient (local_treatment.policy)
    ended.has_therapy_in_study, -- the study records such therapies
    ended.is_survival_reported, -- the study says anything of deaths
    ended.stated_days, -- the time that ADTTE states
    ended.is_stated_event, -- that it ends in an event
    ended.needs_assessment, -- the endpoint is read off assessments
    ended.is_assessed_in_study, -- the study has assessments of this kind
    ended.is_assessed, -- the patient has, or should have, assessments of this kind
    ended.has_undated_progression, -- the source states a progression on a day that is not known
    ended.has_other_criterion, -- the source states responses by a criterion that does not count
    ended.has_baseline, -- a lesion was assessed at baseline
    ended.is_without_first_dose, -- assessments were quarantined for want of the day of the first dose
    around.patient_id IS NOT NULL AS has_assessment, -- an assessment from start_day on could be evaluated
    least(greatest(around.last_assessment_day, ended.start_day), ended.death_day)
        AS last_assessment_day, -- last that could, else start_day; the death where that is dated before it
    greatest(around.assessment_before_end_day, ended.start_day) AS assessment_before_end_day, -- last before end_day
    greatest(around.assessment_before_therapy_day, ended.start_day)
        AS assessment_before_therapy_day, -- last up to the first day on which the therapy can have begun
    greatest(around.assessment_before_local_treatment_day, ended.start_day)
        AS assessment_before_local_treatment_day, -- last before local_treatment_day
    greatest(around.assessment_before_undated_day, ended.start_day)
        AS assessment_before_undated_day, -- last before a progression whose day is not known
    ended.longest_gap_days, -- longest time without assessment before an event, days; NULL where any will do
    ended.is_missed_asked_for AND ended.longest_gap_days IS NULL
        AS has_unknown_schedule -- missed assessments should censor, and the study has none that tell its interval
FROM ended
LEFT JOIN around
    ON
        ended.patient_id = around.patient_id
        AND ended.endpoint = around.endpoint
        AND ended.basis = around.basis
