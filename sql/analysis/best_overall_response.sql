/* One reader's best overall response of a patient by RECIST 1.1, unconfirmed and confirmed.
   Why: the one word per patient that trials report; here it follows from analysis.visit_response.
   How: the best of the responses up to and including the first progression. Stable disease counts from the sixth
   week (staging.rule_set.stable_min_days from first dose); before it, it is not evaluable. Confirmed: a CR or PR
   is decided by the first later assessment that is neither NE nor as good but within four weeks
   (confirmation_min_days); what the two come to is in staging.confirmed_response_rule (RECIST's table 3); the best
   over all of the patient's responses is taken.
   Caveats: whether confirmation is asked for is the trial's choice (RECIST asks for it where response is the
   primary endpoint of a trial without randomisation), so both are given. Assessments after another therapy are not
   left out.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.4 and table 3.
   Grain: one row per patient_id and reader
   Key: patient_id, reader
   Tags: public
*/
WITH rule_set AS (
    SELECT
        stable_min_days,
        confirmation_min_days
    FROM staging.rule_set
    WHERE rule_set = 'recist_1_1'
),

course AS (
    SELECT
        patient_id,
        coalesce(reader, '') AS reader,
        bool_or(is_analysis_reader) AS is_analysis_reader
    FROM core.lesion
    WHERE patient_id IS NOT NULL
    GROUP BY patient_id, coalesce(reader, '')
),

progression AS (
    SELECT
        patient_id,
        reader,
        min(day) AS progression_day
    FROM analysis.visit_response
    WHERE overall_response = 'PD'
    GROUP BY patient_id, reader
),

visit AS (
    SELECT
        visit.patient_id,
        visit.reader,
        visit.day,
        visit.overall_response
    FROM analysis.visit_response AS visit
    LEFT JOIN progression ON visit.patient_id = progression.patient_id AND visit.reader = progression.reader
    WHERE visit.overall_response IS NOT NULL AND visit.day <= coalesce(progression.progression_day, visit.day)
),

course_of_visits AS (
    SELECT
        visit.patient_id,
        visit.reader,
        count(*) AS n_assessments,
        max(visit.day) FILTER (WHERE visit.overall_response NOT IN ('PD', 'NE'))
        >= max(rule_set.stable_min_days) AS is_stable_long_enough,
        min(visit.day) FILTER (
            WHERE visit.overall_response NOT IN ('PD', 'NE') AND visit.day >= rule_set.stable_min_days
        ) AS stable_day
    FROM visit
    CROSS JOIN rule_set
    GROUP BY visit.patient_id, visit.reader
),

-- What each visit is worth without confirmation.
unconfirmed AS (
    SELECT
        visit.patient_id,
        visit.reader,
        visit.day,
        CASE
            WHEN
                visit.overall_response IN ('SD', 'NON-CR/NON-PD') AND visit.day < rule_set.stable_min_days
                THEN 'NE'
            ELSE visit.overall_response
        END AS response
    FROM visit
    CROSS JOIN rule_set
),

unconfirmed_best AS (
    SELECT
        unconfirmed.patient_id,
        unconfirmed.reader,
        unconfirmed.day,
        unconfirmed.response
    FROM unconfirmed
    INNER JOIN staging.response_category AS category ON unconfirmed.response = category.response
    QUALIFY row_number() OVER (
        PARTITION BY unconfirmed.patient_id, unconfirmed.reader
        ORDER BY category.best_rank, unconfirmed.day
    ) = 1
),

-- Each CR or PR with the later assessment that decides about it.
decided AS (
    SELECT
        first_visit.patient_id,
        first_visit.reader,
        first_visit.day,
        first_visit.overall_response AS first_response,
        later.overall_response AS subsequent_response,
        later.day AS subsequent_day
    FROM visit AS first_visit
    CROSS JOIN rule_set
    LEFT JOIN visit AS later
        ON
            first_visit.patient_id = later.patient_id
            AND first_visit.reader = later.reader
            AND first_visit.day < later.day
            AND later.overall_response <> 'NE'
            AND NOT (
                later.overall_response IN ('CR', first_visit.overall_response)
                AND later.day < first_visit.day + rule_set.confirmation_min_days
            )
    WHERE first_visit.overall_response IN ('CR', 'PR')
    QUALIFY row_number() OVER (
        PARTITION BY first_visit.patient_id, first_visit.reader, first_visit.day
        ORDER BY later.day
    ) = 1
),

ruled AS (
    SELECT
        decided.patient_id,
        decided.reader,
        decided.day,
        decided.subsequent_day,
        course_of_visits.stable_day,
        CASE
            WHEN course_of_visits.is_stable_long_enough THEN rule.best_if_stable_long_enough
            ELSE rule.best_if_not
        END AS response
    FROM decided
    INNER JOIN staging.confirmed_response_rule AS rule
        ON
            decided.first_response = rule.first_response
            AND coalesce(decided.subsequent_response, 'NE') = rule.subsequent_response
    INNER JOIN course_of_visits
        ON decided.patient_id = course_of_visits.patient_id AND decided.reader = course_of_visits.reader
),

-- A response that comes to stable disease is one from the day on which stable disease counts.
confirmed AS (
    SELECT
        ruled.patient_id,
        ruled.reader,
        CASE
            WHEN ruled.response = 'SD' AND ruled.day < rule_set.stable_min_days
                THEN coalesce(ruled.stable_day, ruled.subsequent_day, ruled.day)
            ELSE ruled.day
        END AS day,
        ruled.response
    FROM ruled
    CROSS JOIN rule_set
    UNION ALL
    SELECT
        patient_id,
        reader,
        day,
        response
    FROM unconfirmed
    WHERE response NOT IN ('CR', 'PR')
),

confirmed_best AS (
    SELECT
        confirmed.patient_id,
        confirmed.reader,
        confirmed.day,
        confirmed.response
    FROM confirmed
    INNER JOIN staging.response_category AS category ON confirmed.response = category.response
    QUALIFY row_number() OVER (
        PARTITION BY confirmed.patient_id, confirmed.reader
        ORDER BY category.best_rank, confirmed.day
    ) = 1
)

SELECT
    course.patient_id, -- text id of the patient
    course.reader, -- who read the scans; empty text where the source names none
    course.is_analysis_reader, -- the one reader of the patient whose lesions are analysed
    coalesce(course_of_visits.n_assessments, 0) AS n_assessments, -- assessments up to the first progression
    coalesce(unconfirmed_best.response, 'NE') AS best_overall_response, -- best response, without confirmation
    unconfirmed_best.day AS best_overall_response_day, -- first day of that response, from first dose
    coalesce(confirmed_best.response, 'NE') AS confirmed_best_overall_response, -- best response, CR and PR confirmed
    confirmed_best.day AS confirmed_best_overall_response_day, -- day of what was confirmed; SD: when it counts
    progression.progression_day, -- day of the first overall progression; NULL where none was seen
    rule_set.stable_min_days, -- days from first dose from which stable disease counts
    rule_set.confirmation_min_days -- days after which a second assessment confirms
FROM course
CROSS JOIN rule_set
LEFT JOIN course_of_visits
    ON course.patient_id = course_of_visits.patient_id AND course.reader = course_of_visits.reader
LEFT JOIN unconfirmed_best
    ON course.patient_id = unconfirmed_best.patient_id AND course.reader = unconfirmed_best.reader
LEFT JOIN confirmed_best
    ON course.patient_id = confirmed_best.patient_id AND course.reader = confirmed_best.reader
LEFT JOIN progression
    ON course.patient_id = progression.patient_id AND course.reader = progression.reader
