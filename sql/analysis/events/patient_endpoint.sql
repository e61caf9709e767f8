/* One patient's time to one endpoint, derived from the lesions or as the source states it: how long, ended by what, by
   which rule, or why there is none.
   Why: every survival analysis starts from the same times, each with the rule that set it and the row it rests on.
   How: the rules are rows of staging.endpoint_rule; the first whose condition holds decides. Stated times are ADTTE's;
   where it has none, the responses that RS states go through the same rules as those derived from the lesions. Overall
   survival is derived from the tables of deaths and last contacts. Post-progression survival, where ADTTE has none,
   runs from the progression that ended progression-free survival of the same basis to the end of the overall survival
   that counts.
   is_counted: the one row of each endpoint that analyses use; endpoints.basis says which of two, and where one source
   says nothing of the endpoint the other counts.
   Caveats: screen failures never entered a trial and are left out. A time below 0, as of a death dated before the first
   dose, is none. Differences are rounded to a millionth of a day, so that times in months keep their ties.
   Reference: FDA, Clinical Trial Endpoints for the Approval of Cancer Drugs and Biologics, Guidance for Industry, 2018;
   Eisenhauer et al. 2009, Eur J Cancer 45:228, section 4.6; Zhou et al. 2021, Methods, Statistical analysis.
   Grain: one row per patient_id, endpoint and basis
   Key: patient_id, endpoint, basis
   Tags: public
*/
WITH first_basis AS (
    SELECT CASE value WHEN 'derived_else_stated' THEN 'derived' ELSE 'stated' END AS basis
    FROM meta.setting
    WHERE name = 'endpoints.basis'
),

timed AS (
    SELECT
        patient_id,
        endpoint,
        basis,
        rule_id,
        outcome,
        at_day,
        start_day,
        end_day,
        CASE WHEN end_day >= start_day THEN round(end_day - start_day, 6) END AS time_days,
        CASE WHEN end_day >= start_day THEN round(last_day_without - start_day, 6) END AS time_lower_days,
        CASE WHEN end_day >= start_day THEN outcome = 'event' END AS is_event,
        coalesce(end_day < start_day, FALSE) AS is_before_start
    FROM analysis.endpoint_decided
),

stated_time AS (
    SELECT
        patient_id,
        endpoint,
        time_days,
        is_event,
        start_day,
        source_file,
        source_row
    FROM staging.time_to_event
    WHERE is_counted
),

overall AS (
    SELECT
        timed.patient_id,
        timed.time_days,
        timed.is_event
    FROM timed
    CROSS JOIN first_basis
    WHERE timed.endpoint = 'OS'
    QUALIFY row_number() OVER (
        PARTITION BY timed.patient_id ORDER BY timed.outcome = 'absent', timed.basis <> first_basis.basis
    ) = 1
),

after_progression AS (
    SELECT
        pfs.patient_id,
        pfs.basis,
        pfs.time_days AS progression_day,
        overall.time_days AS os_days,
        overall.is_event AS is_dead,
        pfs.rule_id IN ('PFS/death', 'PFS/death_before_first_assessment', 'PFS/death_without_schedule')
        OR (overall.is_event AND overall.time_days = pfs.time_days) AS is_death_itself,
        pfs.is_event AS is_progressed,
        pfs.rule_id IN ('PFS/undated_progression', 'PFS/death_after_undated_progression') AS is_progression_undated,
        pfs.outcome AS pfs_outcome,
        stated_time.time_days AS stated_days,
        stated_time.is_event AS is_stated_event,
        stated_time.start_day AS stated_start_day
    FROM timed AS pfs
    LEFT JOIN overall ON pfs.patient_id = overall.patient_id
    LEFT JOIN stated_time
        ON pfs.patient_id = stated_time.patient_id AND stated_time.endpoint = 'PPS' AND pfs.basis = 'stated'
    WHERE pfs.endpoint = 'PFS'
),

post_progression AS (
    SELECT
        *,
        CASE
            WHEN is_stated_event THEN 'PPS/stated_event'
            WHEN NOT is_stated_event THEN 'PPS/stated_censored'
            WHEN pfs_outcome = 'absent' THEN 'PPS/pfs_unknown'
            WHEN progression_day IS NULL THEN 'PPS/pfs_before_first_dose'
            WHEN is_progression_undated THEN 'PPS/progression_day_unknown'
            WHEN NOT is_progressed THEN 'PPS/no_progression'
            WHEN os_days IS NULL THEN 'PPS/os_unknown'
            WHEN os_days < progression_day THEN 'PPS/os_before_progression'
            WHEN is_death_itself THEN 'PPS/died_without_progression'
            WHEN is_dead THEN 'PPS/death'
            ELSE 'PPS/last_contact'
        END AS rule_id
    FROM after_progression
),

every_endpoint AS (
    SELECT * FROM timed
    UNION ALL
    SELECT
        post.patient_id,
        'PPS' AS endpoint,
        post.basis,
        post.rule_id,
        rule.outcome,
        rule.at_day,
        CASE
            WHEN rule.at_day = 'stated' THEN coalesce(post.stated_start_day, post.progression_day, 0)
            ELSE post.progression_day
        END AS start_day,
        post.os_days AS end_day,
        CASE
            WHEN rule.at_day = 'stated' THEN post.stated_days
            WHEN rule.outcome IN ('event', 'censored') THEN round(post.os_days - post.progression_day, 6)
        END AS time_days,
        CASE
            WHEN rule.at_day = 'stated' AND rule.outcome = 'censored' THEN post.stated_days
            WHEN rule.outcome IN ('event', 'censored') AND rule.at_day <> 'stated'
                THEN round(post.os_days - post.progression_day, 6)
        END AS time_lower_days,
        CASE WHEN rule.outcome IN ('event', 'censored') THEN rule.outcome = 'event' END AS is_event,
        FALSE AS is_before_start
    FROM post_progression AS post
    INNER JOIN staging.endpoint_rule AS rule ON post.rule_id = rule.rule_id
),

-- Where each named day comes from.
death AS (
    SELECT
        death.patient_id,
        'staging.death' AS source_table,
        death.source_file,
        death.source_row
    FROM staging.death AS death
    QUALIFY row_number() OVER (
        PARTITION BY death.patient_id ORDER BY death.day IS NULL, death.precedence
    ) = 1
),

therapy AS (
    SELECT
        patient_id,
        source_file,
        source_row
    FROM core.subsequent_therapy
    QUALIFY row_number() OVER (PARTITION BY patient_id ORDER BY latest_day, subsequent_therapy_id) = 1
),

sourced AS (
    SELECT
        each.*,
        CASE
            WHEN each.at_day IS NULL THEN NULL
            WHEN each.at_day = 'stated' THEN 'staging.time_to_event'
            WHEN each.at_day = 'death' THEN 'staging.death'
            WHEN each.at_day = 'subsequent_therapy' THEN 'core.subsequent_therapy'
            WHEN course.patient_id IS NOT NULL THEN 'analysis.response_course'
            ELSE 'core.patient'
        END AS source_table,
        struct_pack(file := stated_time.source_file, row := stated_time.source_row) AS stated_source,
        struct_pack(file := death.source_file, row := death.source_row) AS death_source,
        struct_pack(file := therapy.source_file, row := therapy.source_row) AS therapy_source,
        struct_pack(file := course.source_file, row := course.source_row) AS course_source,
        struct_pack(file := patient.source_file, row := patient.source_row) AS patient_source
    FROM every_endpoint AS each
    INNER JOIN core.patient AS patient ON each.patient_id = patient.patient_id
    LEFT JOIN stated_time ON each.patient_id = stated_time.patient_id AND each.endpoint = stated_time.endpoint
    LEFT JOIN death ON each.patient_id = death.patient_id
    LEFT JOIN therapy ON each.patient_id = therapy.patient_id
    LEFT JOIN analysis.response_course AS course
        ON
            each.patient_id = course.patient_id
            AND each.basis = course.basis
            AND course.is_counted_reader
            AND each.end_day = course.day
            AND each.at_day NOT IN ('stated', 'death', 'subsequent_therapy', 'last_contact')
),

with_source AS (
    SELECT
        *,
        CASE source_table
            WHEN 'staging.time_to_event' THEN stated_source
            WHEN 'staging.death' THEN death_source
            WHEN 'core.subsequent_therapy' THEN therapy_source
            WHEN 'analysis.response_course' THEN course_source
            WHEN 'core.patient' THEN patient_source
        END AS source
    FROM sourced
)

SELECT
    each.patient_id, -- text id of the patient
    each.endpoint, -- staging.endpoint, such as OS, PFS or TTR
    each.basis, -- derived from lesions, deaths and contacts, or stated by the source (ADTTE, RS)
    each.time_days, -- days to the event or to censoring, from start_day; NULL where missing
    each.time_lower_days, -- last day known without the event, from start_day; NULL where not known
    CASE WHEN each.is_event THEN each.time_days END AS time_upper_days, -- first day with it; NULL where censored
    each.is_event, -- the event happened; else censored
    CASE WHEN each.time_days IS NOT NULL THEN each.start_day END AS start_day, -- day it counts from, from first dose
    each.rule_id, -- the rule that decided: staging.endpoint_rule
    CASE WHEN NOT each.is_event THEN rule.sentence END AS censor_reason, -- its sentence, where censored
    CASE
        WHEN each.time_days IS NOT NULL THEN NULL
        WHEN each.is_before_start THEN 'The time ends before the first dose.'
        ELSE rule.sentence
    END AS missing_reason, -- why there is no time; NULL where there is one
    CASE WHEN each.time_days IS NOT NULL THEN each.source_table END AS source_table, -- table that the day comes from
    CASE WHEN each.time_days IS NOT NULL THEN each.source.file END AS source_file, -- source file of its row
    CASE WHEN each.time_days IS NOT NULL THEN each.source.row END AS source_row, -- row in the file
    row_number() OVER (
        PARTITION BY each.patient_id, each.endpoint
        ORDER BY
            each.outcome = 'absent', each.outcome = 'absent' AND each.basis = 'stated', each.basis <> first_basis.basis
    ) = 1 AS is_counted -- the row that analyses use, by endpoints.basis
FROM with_source AS each
INNER JOIN staging.endpoint_rule AS rule ON each.rule_id = rule.rule_id
CROSS JOIN first_basis
