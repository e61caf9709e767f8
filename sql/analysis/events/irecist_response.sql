/* One reader's response of a patient at one time point by iRECIST, worked out from the lesions beside RECIST 1.1.
   Why: under immunotherapy a tumor may look larger before it shrinks; iRECIST calls progression confirmed (iCPD) only
   when a later scan shows more of it, and sets the bar anew when it does not come true.
   How: the parts are those of RECIST 1.1 (analysis.visit_response). Progression of any part is iUPD. It is confirmed
   by a scan within irecist.confirmation_min_days to irecist.confirmation_max_days of an iUPD of the same run: more
   growth of what progressed since an iUPD of the run, or progression of another part (staging.irecist_rule). Small
   growths from scan to scan add up: where each iUPD comes in time after the last, all of them are compared with. A run
   ends with the first time point that is neither progression nor NE: progression has to occur again, against the same
   nadir.
   New lesions stand beside the others: up to five that could be targets (10 mm, nodes 15 mm; two per organ) are
   measured as a sum, of the others any growth counts. A new lesion that is gone is no longer there.
   Days: progression has the day that analysis.visit_response gives it (staging.event_day_rule), other responses the
   last scan of the time point, from which the window for confirmation is counted too.
   Caveats: sizes and states of new and non-target lesions are the last known ones. Further growth of a non-target
   lesion that progressed already is seen in its size where one is given, and not in its words. Rows after the first
   iCPD stay, and count for nothing.
   Reference: Seymour et al. 2017, Lancet Oncol 18:e143, tables 1 and 2.
   Grain: one row per patient_id, reader and time_point_id after baseline
   Key: patient_id, reader, time_point_id
   Tags: public
*/
WITH setting AS (
    SELECT
        max(CAST(value AS INTEGER)) FILTER (WHERE name = 'irecist.confirmation_min_days') AS min_days,
        max(CAST(value AS INTEGER)) FILTER (WHERE name = 'irecist.confirmation_max_days') AS max_days,
        max(CAST(value AS DOUBLE)) FILTER (WHERE name = 'irecist.further_growth_mm') AS growth_mm
    FROM meta.setting
    WHERE name LIKE 'irecist.%'
),

visit AS (
    SELECT
        patient_id,
        reader,
        time_point_id,
        last_day AS day,
        day AS recist_day,
        is_analysis_reader,
        target_response,
        nontarget_response,
        overall_response,
        sum_of_diameters_mm,
        is_complete
    FROM analysis.visit_response
    WHERE NOT is_baseline
),

-- New lesions that count, and the non-target lesions; what is known of each by day.
followed AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        coalesce(lesion.reader, '') AS reader,
        lesion.lesion_type,
        lesion.organ,
        coalesce(lesion.is_nodal, FALSE) AS is_nodal,
        new_lesion.detected_day
    FROM core.lesion AS lesion
    LEFT JOIN analysis.new_lesion AS new_lesion ON lesion.lesion_id = new_lesion.lesion_id
    WHERE
        lesion.patient_id IS NOT NULL
        AND (lesion.lesion_type = 'non-target' OR new_lesion.detected_day IS NOT NULL)
),

record AS (
    SELECT
        lesion_id,
        day,
        diameter_mm,
        diameter_mm > 0 AS is_present,
        CAST(NULL AS BOOLEAN) AS is_progressed
    FROM core.measurement
    WHERE diameter_mm IS NOT NULL
    UNION ALL
    SELECT
        lesion_id,
        day,
        CAST(NULL AS DOUBLE) AS diameter_mm,
        status <> 'CR' AS is_present,
        status = 'PD' AS is_progressed
    FROM core.lesion_assessment
    WHERE status <> 'NE'
),

lesion_at_visit AS (
    SELECT
        visit.patient_id,
        visit.reader,
        visit.day,
        followed.lesion_id,
        followed.lesion_type,
        min(followed.detected_day) AS detected_day,
        coalesce(max_by(record.is_present, struct_pack(day := record.day, is_present := record.is_present)), TRUE)
            AS is_present,
        coalesce(max_by(record.is_progressed, record.day) FILTER (WHERE record.is_progressed IS NOT NULL), FALSE)
            AS is_progressed,
        max_by(record.diameter_mm, record.day) FILTER (WHERE record.diameter_mm IS NOT NULL) AS size_mm
    FROM visit
    INNER JOIN followed
        ON
            visit.patient_id = followed.patient_id
            AND visit.reader = followed.reader
            AND coalesce(followed.detected_day, visit.day) <= visit.day
    LEFT JOIN record ON followed.lesion_id = record.lesion_id AND visit.day >= record.day
    GROUP BY visit.patient_id, visit.reader, visit.day, followed.lesion_id, followed.lesion_type
),

-- New lesions that could be targets when first measured: the largest two of an organ, five in all.
first_size AS (
    SELECT
        followed.lesion_id,
        followed.patient_id,
        followed.reader,
        followed.organ,
        min_by(record.diameter_mm, record.day) AS first_size_mm
    FROM followed
    INNER JOIN record
        ON followed.lesion_id = record.lesion_id AND followed.detected_day <= record.day
    WHERE record.diameter_mm IS NOT NULL
    GROUP BY followed.lesion_id, followed.patient_id, followed.reader, followed.organ, followed.is_nodal
    HAVING min_by(record.diameter_mm, record.day) >= CASE WHEN followed.is_nodal THEN 15 ELSE 10 END
),

new_of_organ AS (
    SELECT *
    FROM first_size
    QUALIFY row_number() OVER (
        PARTITION BY patient_id, reader, organ ORDER BY first_size_mm DESC, lesion_id ASC
    ) <= 2
),

new_target AS (
    SELECT lesion_id
    FROM new_of_organ
    QUALIFY row_number() OVER (PARTITION BY patient_id, reader ORDER BY first_size_mm DESC, lesion_id ASC) <= 5
),

new_at_visit AS (
    SELECT
        seen.patient_id,
        seen.reader,
        seen.day,
        count(*) FILTER (WHERE seen.is_present) AS n_new_present,
        sum(seen.size_mm ORDER BY seen.lesion_id) FILTER (WHERE new_target.lesion_id IS NOT NULL) AS new_target_sum_mm
    FROM lesion_at_visit AS seen
    LEFT JOIN new_target ON seen.lesion_id = new_target.lesion_id
    WHERE seen.lesion_type = 'new'
    GROUP BY seen.patient_id, seen.reader, seen.day
),

judged AS (
    SELECT
        visit.*,
        coalesce(new_at_visit.n_new_present, 0) AS n_new_present,
        new_at_visit.new_target_sum_mm,
        coalesce(new_at_visit.n_new_present, 0) > 0 AS has_new_lesion,
        coalesce(visit.target_response = 'PD' OR visit.nontarget_response = 'PD', FALSE)
        OR coalesce(new_at_visit.n_new_present, 0) > 0 AS is_progressed
    FROM visit
    LEFT JOIN new_at_visit
        ON
            visit.patient_id = new_at_visit.patient_id
            AND visit.reader = new_at_visit.reader
            AND visit.day = new_at_visit.day
),

-- What the time point is by itself, before anything is confirmed.
unconfirmed AS (
    SELECT
        judged.*,
        rule.priority AS rule_priority,
        rule.irecist_response
    FROM judged
    INNER JOIN staging.irecist_rule AS rule
        ON
            rule.confirmed_by IS NULL
            AND (judged.target_response = rule.target_response OR rule.target_response = '*')
            AND (judged.nontarget_response = rule.nontarget_response OR rule.nontarget_response = '*')
            AND coalesce(judged.has_new_lesion = rule.has_new_lesion, TRUE)
    QUALIFY row_number() OVER (
        PARTITION BY judged.patient_id, judged.reader, judged.day ORDER BY rule.priority
    ) = 1
),

in_runs AS (
    SELECT
        *,
        count(*) FILTER (WHERE NOT is_progressed AND irecist_response <> 'NE') OVER (
            PARTITION BY patient_id, reader ORDER BY day
        ) AS run
    FROM unconfirmed
),

with_history AS (
    SELECT
        *,
        coalesce(bool_or(target_response = 'PD') OVER before_it, FALSE) AS had_target,
        coalesce(bool_or(nontarget_response = 'PD') OVER before_it, FALSE) AS had_nontarget,
        coalesce(bool_or(has_new_lesion) OVER before_it, FALSE) AS had_new
    FROM in_runs
    WINDOW
        before_it AS (
            PARTITION BY patient_id, reader, run ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

pair AS (
    SELECT
        later.patient_id,
        later.reader,
        later.day,
        earlier.day AS iupd_last_day,
        earlier.recist_day AS iupd_day,
        earlier.target_response = 'PD'
        AND earlier.is_complete
        AND later.sum_of_diameters_mm - earlier.sum_of_diameters_mm >= setting.growth_mm - 1e-9 AS is_target_grown,
        earlier.nontarget_response = 'PD' AS was_nontarget,
        earlier.has_new_lesion AND later.has_new_lesion AS was_new,
        later.new_target_sum_mm - earlier.new_target_sum_mm >= setting.growth_mm - 1e-9 AS is_new_target_grown,
        (later.target_response = 'PD' AND NOT later.had_target)
        OR (later.nontarget_response = 'PD' AND NOT later.had_nontarget)
        OR (later.has_new_lesion AND NOT later.had_new) AS is_other_category
    FROM with_history AS later
    INNER JOIN with_history AS earlier
        ON later.patient_id = earlier.patient_id AND later.reader = earlier.reader AND later.run = earlier.run
    CROSS JOIN setting
    WHERE
        later.is_progressed
        AND earlier.is_progressed
        AND later.day - earlier.day >= setting.min_days
    -- In time after the last iUPD; what grew since an earlier one of the run counts too.
    QUALIFY
        later.day - max(earlier.day) OVER (PARTITION BY later.patient_id, later.reader, later.day)
        <= setting.max_days
),

lesion_pair AS (
    SELECT
        pair.patient_id,
        pair.reader,
        pair.day,
        pair.iupd_last_day,
        bool_or(
            later.lesion_type = 'non-target'
            AND later.is_progressed
            AND (NOT coalesce(earlier.is_progressed, FALSE) OR later.size_mm > earlier.size_mm)
        ) AS is_nontarget_grown,
        bool_or(
            later.lesion_type = 'new'
            AND later.is_present
            AND (
                later.detected_day > pair.iupd_last_day
                OR (new_target.lesion_id IS NULL AND later.size_mm > earlier.size_mm)
            )
        ) AS is_new_grown
    FROM pair
    INNER JOIN lesion_at_visit AS later
        ON pair.patient_id = later.patient_id AND pair.reader = later.reader AND pair.day = later.day
    LEFT JOIN lesion_at_visit AS earlier
        ON later.lesion_id = earlier.lesion_id AND pair.iupd_last_day = earlier.day
    LEFT JOIN new_target ON later.lesion_id = new_target.lesion_id
    GROUP BY pair.patient_id, pair.reader, pair.day, pair.iupd_last_day
),

confirmation AS (
    SELECT
        pair.patient_id,
        pair.reader,
        pair.day,
        CASE
            WHEN pair.is_target_grown THEN 'target'
            WHEN pair.was_nontarget AND lesion_pair.is_nontarget_grown THEN 'non-target'
            WHEN pair.was_new AND (pair.is_new_target_grown OR lesion_pair.is_new_grown) THEN 'new lesion'
            WHEN pair.is_other_category THEN 'other category'
        END AS confirmed_by,
        pair.iupd_day
    FROM pair
    LEFT JOIN lesion_pair
        ON
            pair.patient_id = lesion_pair.patient_id
            AND pair.reader = lesion_pair.reader
            AND pair.day = lesion_pair.day
            AND pair.iupd_last_day = lesion_pair.iupd_last_day
),

confirmed AS (
    SELECT
        confirmation.patient_id,
        confirmation.reader,
        confirmation.day,
        confirmation.iupd_day,
        confirmation.confirmed_by,
        rule.priority AS rule_priority,
        rule.irecist_response
    FROM confirmation
    INNER JOIN staging.irecist_rule AS rule ON confirmation.confirmed_by = rule.confirmed_by
    QUALIFY row_number() OVER (
        PARTITION BY confirmation.patient_id, confirmation.reader, confirmation.day
        ORDER BY rule.priority ASC, confirmation.iupd_day DESC
    ) = 1
)

SELECT
    seen.patient_id, -- text id of the patient
    seen.reader, -- who read the scan; empty text where the source names none
    seen.time_point_id, -- text id of the time point
    CASE
        WHEN coalesce(confirmed.irecist_response, seen.irecist_response) IN ('iUPD', 'iCPD') THEN seen.recist_day ELSE
            seen.day
    END
        AS day, -- day of the response, from first dose
    seen.day AS last_day, -- last scan of the time point, from first dose
    seen.is_analysis_reader, -- the one reader of the patient whose lesions are analysed
    seen.target_response, -- response of the target lesions by RECIST 1.1
    seen.nontarget_response, -- response of the non-target lesions by RECIST 1.1
    CAST(seen.n_new_present AS INTEGER) AS n_new_lesions, -- new lesions that are there on the day
    seen.new_target_sum_mm, -- sum of the new lesions that are measured as targets, last known sizes, mm
    seen.sum_of_diameters_mm, -- sum of the target lesions measured, mm
    seen.overall_response, -- overall response by RECIST 1.1
    coalesce(confirmed.irecist_response, seen.irecist_response)
        AS irecist_response, -- iCR, iPR, iSD, NON-iCR/NON-iUPD, iUPD, iCPD or NE
    confirmed.confirmed_by, -- of an iCPD: target, non-target, new lesion or other category
    confirmed.iupd_day, -- of an iCPD: day of the last iUPD of the run that it shows more than
    -- times that the bar has been set anew before
    CAST(seen.run AS INTEGER) AS run,
    rule.priority AS irecist_rule_priority, -- row of staging.irecist_rule that says so
    rule.sentence AS irecist_rule, -- the row in words
    coalesce(
        bool_or(confirmed.irecist_response = 'iCPD') OVER (
            PARTITION BY seen.patient_id, seen.reader
            ORDER BY seen.day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), FALSE
    ) AS is_after_confirmed_progression -- counts for nothing
FROM with_history AS seen
LEFT JOIN confirmed
    ON seen.patient_id = confirmed.patient_id AND seen.reader = confirmed.reader AND seen.day = confirmed.day
INNER JOIN staging.irecist_rule AS rule ON coalesce(confirmed.rule_priority, seen.rule_priority) = rule.priority
