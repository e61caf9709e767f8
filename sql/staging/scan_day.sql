/* One day on which a reader's scans of a patient lie, and the group of days that it belongs to.
   Why: scans of one visit lie on several days (CT, MRI, bone scan); an assessment is complete only when they are taken
   together.
   How: the days of one link group, else of one visit, form a group; days without either form groups of their own. Where
   a day has rows of several, a link group counts more than a visit, and the one with most rows counts. Days are
   walked through in order, and a new group begins where
   (1) the group would span more than time_point.visit_days (for days without a visit, time_point.window_days; up to
   baseline.latest_day, time_point.screening_days), or
   (2) a lesion is measured again that the group has already: at once for days without a visit, where the visits of the
   two differ (a link group that stands for no one assessment), and where the first was up to baseline.latest_day and
   the second after it; else when more than time_point.window_days lie between the two, for then a label stands for two
   visits.
   Days without a visit at most time_point.window_days from a visit's days complete that visit, the nearest, where they
   show none of its lesions again.
   Grain: one row per subject, reader and day
   Key: subject, reader, day
*/
WITH RECURSIVE setting AS (
    SELECT
        max(CAST(value AS INTEGER)) FILTER (WHERE name = 'time_point.visit_days') AS visit_days,
        max(CAST(value AS INTEGER)) FILTER (WHERE name = 'time_point.window_days') AS window_days,
        max(CAST(value AS INTEGER)) FILTER (WHERE name = 'time_point.screening_days') AS screening_days,
        max(CAST(value AS INTEGER)) FILTER (WHERE name = 'baseline.latest_day') AS latest_baseline_day
    FROM meta.setting
    WHERE name LIKE 'time_point.%' OR name = 'baseline.latest_day'
),

tally AS (
    SELECT
        subject,
        reader,
        day,
        CASE WHEN link_group IS NOT NULL THEN 1 WHEN visit_key IS NOT NULL THEN 2 ELSE 3 END AS kind,
        coalesce(link_group, visit_key, '') AS group_key,
        count(*) AS n_rows
    FROM staging.assessment_row
    WHERE is_scan AND day IS NOT NULL
    GROUP BY ALL
),

keyed_day AS (
    SELECT
        subject,
        reader,
        day,
        kind,
        group_key
    FROM tally
    QUALIFY row_number() OVER (PARTITION BY subject, reader, day ORDER BY kind ASC, n_rows DESC, group_key ASC) = 1
),

seen_day AS (
    SELECT
        row.subject,
        row.reader,
        row.day,
        row.seen,
        keyed_day.kind,
        keyed_day.group_key,
        min(row.visit_written) AS visit_written
    FROM staging.assessment_row AS row
    INNER JOIN keyed_day
        ON row.subject = keyed_day.subject AND row.reader = keyed_day.reader AND row.day = keyed_day.day
    WHERE row.seen IS NOT NULL
    GROUP BY row.subject, row.reader, row.day, row.seen, keyed_day.kind, keyed_day.group_key
),

seen_before AS (
    SELECT
        subject,
        reader,
        day,
        lag(day) OVER days_of_lesion AS earlier_day,
        visit_written <> lag(visit_written) OVER days_of_lesion AS is_other_visit
    FROM seen_day
    WINDOW days_of_lesion AS (PARTITION BY subject, reader, kind, group_key, seen ORDER BY day)
),

repeated AS (
    SELECT
        subject,
        reader,
        day,
        max(earlier_day) AS repeated_day,
        coalesce(bool_or(is_other_visit), FALSE) AS is_other_visit
    FROM seen_before
    WHERE earlier_day IS NOT NULL
    GROUP BY subject, reader, day
),

placed AS (
    SELECT
        keyed_day.subject,
        keyed_day.reader,
        keyed_day.kind,
        keyed_day.group_key,
        keyed_day.day,
        repeated.repeated_day,
        CASE
            WHEN keyed_day.kind = 3 OR repeated.is_other_visit THEN 0
            WHEN
                repeated.repeated_day <= setting.latest_baseline_day
                AND keyed_day.day > setting.latest_baseline_day
                THEN 0
            ELSE setting.window_days
        END AS repeat_days,
        CASE
            WHEN keyed_day.day <= setting.latest_baseline_day THEN setting.screening_days
            WHEN keyed_day.kind = 3 THEN setting.window_days
            ELSE setting.visit_days
        END AS longest_days,
        row_number() OVER (
            PARTITION BY keyed_day.subject, keyed_day.reader, keyed_day.kind, keyed_day.group_key
            ORDER BY keyed_day.day
        ) AS place
    FROM keyed_day
    CROSS JOIN setting
    LEFT JOIN repeated
        ON
            keyed_day.subject = repeated.subject
            AND keyed_day.reader = repeated.reader
            AND keyed_day.day = repeated.day
),

walked AS (
    SELECT
        subject,
        reader,
        kind,
        group_key,
        place,
        day,
        day AS group_day
    FROM placed
    WHERE place = 1
    UNION ALL
    SELECT
        placed.subject,
        placed.reader,
        placed.kind,
        placed.group_key,
        placed.place,
        placed.day,
        CASE
            WHEN placed.day - walked.group_day > placed.longest_days THEN placed.day
            WHEN
                placed.repeated_day >= walked.group_day
                AND placed.day - placed.repeated_day > placed.repeat_days
                THEN placed.day
            ELSE walked.group_day
        END AS group_day
    FROM walked
    INNER JOIN placed
        ON
            walked.subject = placed.subject
            AND walked.reader = placed.reader
            AND walked.kind = placed.kind
            AND walked.group_key = placed.group_key
            AND walked.place + 1 = placed.place
),

day_group AS (
    SELECT
        subject,
        reader,
        kind,
        group_key,
        group_day,
        min(day) AS first_day,
        max(day) AS last_day
    FROM walked
    GROUP BY subject, reader, kind, group_key, group_day
),

-- Days without a visit, and the visits that they lie near.
near AS (
    SELECT
        loose.subject,
        loose.reader,
        loose.day,
        visit.kind,
        visit.group_key,
        visit.group_day,
        greatest(visit.first_day - loose.day, loose.day - visit.last_day, 0) AS distance_days
    FROM keyed_day AS loose
    CROSS JOIN setting
    INNER JOIN day_group AS visit
        ON
            loose.subject = visit.subject
            AND loose.reader = visit.reader
            AND loose.kind = 3
            AND visit.kind < 3
            AND loose.day BETWEEN visit.first_day - setting.window_days AND visit.last_day + setting.window_days
),

shown_again AS (
    SELECT
        near.subject,
        near.reader,
        near.day,
        near.kind,
        near.group_key,
        near.group_day
    FROM near
    INNER JOIN walked
        ON
            near.subject = walked.subject
            AND near.reader = walked.reader
            AND near.kind = walked.kind
            AND near.group_key = walked.group_key
            AND near.group_day = walked.group_day
    INNER JOIN seen_day AS loose
        ON near.subject = loose.subject AND near.reader = loose.reader AND near.day = loose.day
    INNER JOIN seen_day AS visit
        ON
            walked.subject = visit.subject
            AND walked.reader = visit.reader
            AND walked.day = visit.day
            AND loose.seen = visit.seen
),

completing AS (
    SELECT near.*
    FROM near
    ANTI JOIN shown_again
        ON
            near.subject = shown_again.subject
            AND near.reader = shown_again.reader
            AND near.day = shown_again.day
            AND near.kind = shown_again.kind
            AND near.group_key = shown_again.group_key
            AND near.group_day = shown_again.group_day
    QUALIFY row_number() OVER (
        PARTITION BY near.subject, near.reader, near.day
        ORDER BY near.distance_days, near.group_day, near.kind, near.group_key
    ) = 1
)

SELECT
    walked.subject, -- text id of the patient, or of the lesion when the source names no patients
    walked.reader, -- who read the scans; '' where the source names none
    walked.day, -- day from first dose
    coalesce(completing.kind, walked.kind) AS kind, -- 1 link group, 2 visit, 3 neither
    coalesce(completing.group_key, walked.group_key) AS group_key, -- the link group or visit; '' for neither
    coalesce(completing.group_day, walked.group_day) AS group_day -- the day from which the group was formed
FROM walked
LEFT JOIN completing
    ON
        walked.kind = 3
        AND walked.subject = completing.subject
        AND walked.reader = completing.reader
        AND walked.day = completing.day
