/* One reader's best overall response of a patient by RECIST 1.1, unconfirmed and confirmed.
   Why: the one word per patient that trials report; here it follows from the overall responses of
   analysis.response_course, derived ones and stated ones by the same rules.
   How: the best of the responses up to the first progression, and to the first other anticancer therapy
   (core.subsequent_therapy), both days included. Stable disease counts from
   endpoints.stable_min_days after the first dose (six weeks); before it, it is not evaluable. Confirmed: a CR or PR
   is decided by the first later assessment that is neither NE nor as good but within endpoints.confirmation_min_days
   (four weeks); what the two come to is in staging.confirmed_response_rule (RECIST's table 3); the best over all of
   the patient's responses is taken.
   Days: that of the first such response. Where a CR or PR that was not confirmed comes to SD, the first assessment
   without progression from the minimum duration on; where it comes to PD, the day of the progression.
   Where a patient has no target lesion, what would be SD is NON-CR/NON-PD (RECIST's table 2). A best overall response
   that the source states without any response by visit (BESTRESP) stands as it is, without a day, confirmed or not.
   Caveats: whether confirmation is asked for is the trial's choice (RECIST asks for it where response is the
   primary endpoint of a trial without randomisation), so both are given. PR followed by SD is SD whatever its duration,
   as in the published table. progression_day is the first progression, be it after another therapy.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.4 and tables 2 and 3.
   Grain: one row per patient_id, reader and basis
   Key: patient_id, reader, basis
   Tags: public
*/
WITH setting AS (
    SELECT
        CAST(max(value) FILTER (WHERE name = 'endpoints.stable_min_days') AS INTEGER) AS stable_min_days,
        CAST(max(value) FILTER (WHERE name = 'endpoints.confirmation_min_days') AS INTEGER) AS confirmation_min_days
    FROM meta.setting
    WHERE name IN ('endpoints.stable_min_days', 'endpoints.confirmation_min_days')
),

course AS (
    SELECT
        patient_id,
        coalesce(reader, '') AS reader,
        'derived' AS basis,
        bool_or(is_analysis_reader) AS is_counted_reader,
        NOT bool_or(lesion_type = 'target') AS is_without_target,
        CAST(NULL AS VARCHAR) AS stated_best
    FROM core.lesion
    WHERE patient_id IS NOT NULL
    GROUP BY patient_id, coalesce(reader, '')
    UNION ALL
    SELECT
        patient_id,
        reader,
        basis,
        bool_or(is_counted_reader) AS is_counted_reader,
        bool_or(overall_response = 'NON-CR/NON-PD') AND NOT bool_or(overall_response IN ('PR', 'SD'))
            AS is_without_target,
        CAST(NULL AS VARCHAR) AS stated_best
    FROM analysis.response_course
    WHERE basis = 'stated'
    GROUP BY patient_id, reader, basis
    UNION ALL
    SELECT
        patient.patient_id,
        '' AS reader,
        'stated' AS basis,
        TRUE AS is_counted_reader,
        FALSE AS is_without_target,
        patient.best_overall_response AS stated_best
    FROM core.patient AS patient
    LEFT JOIN analysis.response_course AS stated
        ON patient.patient_id = stated.patient_id AND stated.basis = 'stated'
    WHERE patient.best_overall_response IS NOT NULL AND stated.patient_id IS NULL
),

progression AS (
    SELECT
        patient_id,
        reader,
        basis,
        min(day) AS progression_day
    FROM analysis.response_course
    WHERE overall_response = 'PD'
    GROUP BY patient_id, reader, basis
),

therapy AS (
    SELECT
        patient_id,
        min(latest_day) AS therapy_day
    FROM core.subsequent_therapy
    GROUP BY patient_id
),

visit AS (
    SELECT
        visit.patient_id,
        visit.reader,
        visit.basis,
        visit.day,
        visit.overall_response,
        progression.progression_day
    FROM analysis.response_course AS visit
    LEFT JOIN progression
        ON
            visit.patient_id = progression.patient_id
            AND visit.reader = progression.reader
            AND visit.basis = progression.basis
    LEFT JOIN therapy ON visit.patient_id = therapy.patient_id
    WHERE
        visit.day <= coalesce(progression.progression_day, visit.day)
        AND visit.day <= coalesce(therapy.therapy_day, visit.day)
),

course_of_visits AS (
    SELECT
        visit.patient_id,
        visit.reader,
        visit.basis,
        count(*) AS n_assessments,
        min(visit.day) FILTER (WHERE visit.overall_response IN ('CR', 'PR')) AS response_day,
        min(visit.day) FILTER (
            WHERE visit.overall_response NOT IN ('PD', 'NE') AND visit.day >= setting.stable_min_days
        ) AS stable_day
    FROM visit
    CROSS JOIN setting
    GROUP BY visit.patient_id, visit.reader, visit.basis
),

-- What each visit is worth without confirmation.
unconfirmed AS (
    SELECT
        visit.patient_id,
        visit.reader,
        visit.basis,
        visit.day,
        CASE
            WHEN
                visit.overall_response IN ('SD', 'NON-CR/NON-PD') AND visit.day < setting.stable_min_days
                THEN 'NE'
            ELSE visit.overall_response
        END AS response
    FROM visit
    CROSS JOIN setting
),

unconfirmed_best AS (
    SELECT
        unconfirmed.patient_id,
        unconfirmed.reader,
        unconfirmed.basis,
        unconfirmed.day,
        unconfirmed.response
    FROM unconfirmed
    INNER JOIN staging.response_category AS category ON unconfirmed.response = category.response
    QUALIFY row_number() OVER (
        PARTITION BY unconfirmed.patient_id, unconfirmed.reader, unconfirmed.basis
        ORDER BY category.best_rank, unconfirmed.day
    ) = 1
),

-- Each CR or PR with the later assessment that decides about it.
decided AS (
    SELECT
        first_visit.patient_id,
        first_visit.reader,
        first_visit.basis,
        first_visit.day,
        first_visit.overall_response AS first_response,
        first_visit.progression_day,
        later.overall_response AS subsequent_response,
        later.day AS subsequent_day
    FROM visit AS first_visit
    CROSS JOIN setting
    LEFT JOIN visit AS later
        ON
            first_visit.patient_id = later.patient_id
            AND first_visit.reader = later.reader
            AND first_visit.basis = later.basis
            AND first_visit.day < later.day
            AND later.overall_response <> 'NE'
            AND NOT (
                later.overall_response IN ('CR', first_visit.overall_response)
                AND later.day < first_visit.day + setting.confirmation_min_days
            )
    WHERE first_visit.overall_response IN ('CR', 'PR')
    QUALIFY row_number() OVER (
        PARTITION BY first_visit.patient_id, first_visit.reader, first_visit.basis, first_visit.day
        ORDER BY later.day
    ) = 1
),

decided_response AS (
    SELECT
        decided.patient_id,
        decided.reader,
        decided.basis,
        decided.day AS first_day,
        decided.subsequent_day,
        decided.progression_day,
        course_of_visits.stable_day,
        CASE
            WHEN course_of_visits.stable_day IS NULL THEN rule.best_if_not
            WHEN course.is_without_target AND rule.best_if_stable_long_enough = 'SD' THEN 'NON-CR/NON-PD'
            ELSE rule.best_if_stable_long_enough
        END AS response
    FROM decided
    INNER JOIN course
        ON
            decided.patient_id = course.patient_id
            AND decided.reader = course.reader
            AND decided.basis = course.basis
    INNER JOIN staging.confirmed_response_rule AS rule
        ON
            decided.first_response = rule.first_response
            AND coalesce(decided.subsequent_response, 'NE') = rule.subsequent_response
    INNER JOIN course_of_visits
        ON
            decided.patient_id = course_of_visits.patient_id
            AND decided.reader = course_of_visits.reader
            AND decided.basis = course_of_visits.basis
),

confirmed AS (
    SELECT
        patient_id,
        reader,
        basis,
        CASE response
            WHEN 'PD' THEN coalesce(progression_day, subsequent_day)
            WHEN 'SD' THEN coalesce(stable_day, subsequent_day)
            WHEN 'NON-CR/NON-PD' THEN coalesce(stable_day, subsequent_day)
            ELSE first_day
        END AS day,
        response
    FROM decided_response
    UNION ALL
    SELECT
        patient_id,
        reader,
        basis,
        day,
        response
    FROM unconfirmed
    WHERE response NOT IN ('CR', 'PR')
),

confirmed_best AS (
    SELECT
        confirmed.patient_id,
        confirmed.reader,
        confirmed.basis,
        confirmed.day,
        confirmed.response
    FROM confirmed
    INNER JOIN staging.response_category AS category ON confirmed.response = category.response
    QUALIFY row_number() OVER (
        PARTITION BY confirmed.patient_id, confirmed.reader, confirmed.basis
        ORDER BY category.best_rank, confirmed.day
    ) = 1
),

confirmed_response AS (
    SELECT
        patient_id,
        reader,
        basis,
        min(first_day) AS confirmed_response_day
    FROM decided_response
    WHERE response IN ('CR', 'PR')
    GROUP BY patient_id, reader, basis
)

SELECT
    course.patient_id, -- text id of the patient
    course.reader, -- who read the scans; empty text where the source names none, or states a best response alone
    course.basis, -- derived from the lesions, or stated by the source (RS): by visits, else as its best response
    course.is_counted_reader, -- the one reader of the patient whose responses make endpoints
    coalesce(course_of_visits.n_assessments, 0) AS n_assessments, -- assessments that count; 0 of BESTRESP alone
    coalesce(unconfirmed_best.response, course.stated_best, 'NE')
        AS best_overall_response, -- best response, without confirmation
    unconfirmed_best.day AS best_overall_response_day, -- first day of that response, from first dose
    coalesce(confirmed_best.response, course.stated_best, 'NE')
        AS confirmed_best_overall_response, -- best response, CR and PR confirmed
    confirmed_best.day AS confirmed_best_overall_response_day, -- first day of that response, as said above
    course_of_visits.response_day, -- first CR or PR, whether confirmed or not; NULL where none was seen
    confirmed_response.confirmed_response_day, -- first CR or PR that was confirmed later; NULL where none was
    progression.progression_day, -- day of the first overall progression; NULL where none was seen
    setting.stable_min_days, -- days from first dose from which stable disease counts
    setting.confirmation_min_days -- days after which a second assessment confirms
FROM course
CROSS JOIN setting
LEFT JOIN course_of_visits
    ON
        course.patient_id = course_of_visits.patient_id
        AND course.reader = course_of_visits.reader
        AND course.basis = course_of_visits.basis
LEFT JOIN unconfirmed_best
    ON
        course.patient_id = unconfirmed_best.patient_id
        AND course.reader = unconfirmed_best.reader
        AND course.basis = unconfirmed_best.basis
LEFT JOIN confirmed_best
    ON
        course.patient_id = confirmed_best.patient_id
        AND course.reader = confirmed_best.reader
        AND course.basis = confirmed_best.basis
LEFT JOIN confirmed_response
    ON
        course.patient_id = confirmed_response.patient_id
        AND course.reader = confirmed_response.reader
        AND course.basis = confirmed_response.basis
LEFT JOIN progression
    ON
        course.patient_id = progression.patient_id
        AND course.reader = progression.reader
        AND course.basis = progression.basis
