/* The order in which a patient's organs first progressed.
   Why: clusters of sequences, intervals between progressions and transitions between organs start here.
   How: an organ progresses with its first lesion that does, new lesions included. source observed: days of scans;
   modelled: target lesions on their growth curves, and nothing else; combined: target lesions by their curve where
   they have one, all other lesions as observed, as Zhou 2023 did. Organs of the same day stand in the order of their
   last scans without progression; those that are alike in this too by the setting progression.ties: arbitrary (a hash
   of patient and organ, which favours no organ and is the same in every run) or organ_order (core.organ): the macro
   organ_order. is_tied marks them: analyses that need times only do not depend on the order within a tie.
   progression.sites = lesion takes the lesions of an organ as sites of their own, numbered by baseline volume from the
   largest, non-target lesions after target ones: for projects whose lesions all lie in one organ.
   Caveats: the order of organs seen on one scan is not known. An organ that had not progressed when the scans ended
   has no row: that it never did is not known. Patients without progression have no row; analysis.progression_patient
   has them.
   Reference: Zhou et al. 2023, Fig. 4a and Methods, Progression pattern classification.
   Grain: one row per patient_id, rule_set, source and position
   Key: patient_id, rule_set, source, position
   Tags: public
*/
WITH setting AS (
    SELECT
        (
            SELECT value FROM meta.setting
            WHERE name = 'progression.sites'
        ) AS sites,
        (
            SELECT value FROM meta.setting
            WHERE name = 'progression.ties'
        ) AS ties
),

progression AS (
    SELECT
        lesion_id,
        patient_id,
        organ,
        rule_set,
        source,
        time_days,
        time_lower,
        is_event
    FROM analysis.lesion_event
    WHERE endpoint = 'progression' AND patient_id IS NOT NULL
),

by_source AS (
    SELECT
        lesion_id,
        patient_id,
        organ,
        rule_set,
        source,
        time_days,
        time_lower,
        is_event
    FROM progression
    UNION ALL
    SELECT
        progression.lesion_id,
        progression.patient_id,
        progression.organ,
        progression.rule_set,
        'combined' AS source,
        progression.time_days,
        progression.time_lower,
        progression.is_event
    FROM progression
    LEFT JOIN progression AS modelled
        ON
            progression.lesion_id = modelled.lesion_id
            AND progression.rule_set = modelled.rule_set
            AND modelled.source = 'modelled'
    WHERE progression.source = 'modelled' OR modelled.lesion_id IS NULL
),

numbered_lesion AS (
    SELECT
        lesion_id,
        organ,
        lesion_type,
        row_number() OVER (
            PARTITION BY patient_id, organ
            ORDER BY
                lesion_type <> 'target', baseline_volume_mm3 DESC NULLS LAST, lesion_number ASC, lesion_id ASC
        ) AS size_rank
    FROM core.lesion
    WHERE is_analysed
),

sited AS (
    SELECT
        by_source.lesion_id,
        by_source.patient_id,
        by_source.rule_set,
        by_source.source,
        by_source.time_days,
        by_source.time_lower,
        CASE
            WHEN setting.sites = 'organ' OR numbered_lesion.lesion_id IS NULL THEN by_source.organ
            WHEN numbered_lesion.lesion_type = 'new' THEN by_source.organ || ' new lesion'
            ELSE by_source.organ || ' lesion ' || numbered_lesion.size_rank
        END AS organ,
        by_source.organ AS organ_of_lesion
    FROM by_source
    CROSS JOIN setting
    LEFT JOIN numbered_lesion ON by_source.lesion_id = numbered_lesion.lesion_id
    WHERE by_source.is_event
),

ranked AS (
    SELECT
        sited.*,
        count(*) OVER one_organ AS n_lesion_events,
        row_number() OVER (one_organ ORDER BY sited.time_days ASC, sited.lesion_id ASC) AS place
    FROM sited
    WINDOW one_organ AS (PARTITION BY sited.patient_id, sited.rule_set, sited.source, sited.organ)
),

first_lesion AS (
    SELECT
        ranked.patient_id,
        ranked.rule_set,
        ranked.source,
        ranked.organ,
        ranked.lesion_id,
        ranked.time_days,
        ranked.time_lower,
        ranked.n_lesion_events,
        organ_order(
            ranked.time_days, ranked.time_lower, organ.sort_order, setting.ties, ranked.patient_id, ranked.organ
        ) AS order_key
    FROM ranked
    CROSS JOIN setting
    LEFT JOIN core.organ AS organ ON ranked.organ_of_lesion = organ.organ
    WHERE ranked.place = 1
),

placed AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY patient_id, rule_set, source ORDER BY order_key) AS position,
        count(*) OVER (PARTITION BY patient_id, rule_set, source, time_days) AS n_same_day,
        count(*) OVER (PARTITION BY patient_id, rule_set, source) AS n_organs
    FROM first_lesion
)

SELECT
    patient_id, -- text id of the patient
    rule_set, -- rule set of staging.rule_set
    source, -- observed, modelled or combined
    CAST(position AS INTEGER) AS position, -- 1 is the organ that progressed first
    organ, -- organ; with progression.sites = lesion the organ and the lesion's number
    time_days, -- day of the organ's first progression, from first dose
    CASE
        WHEN position = 1 THEN time_days
        ELSE time_days - lag(time_days) OVER (PARTITION BY patient_id, rule_set, source ORDER BY position)
    END AS interval_days, -- days from the progression before it; for the first from first dose
    n_same_day > 1 AS is_tied, -- another organ progressed on the same day
    CAST(n_same_day AS INTEGER) AS n_same_day, -- organs that progressed on the day, this one included
    CAST(n_organs AS INTEGER) AS n_progressive_organs, -- organs of the patient that progressed
    lesion_id, -- lesion that progressed first in the organ
    CAST(n_lesion_events AS INTEGER) AS n_lesion_events -- lesions of the organ that progressed
FROM placed
