/* One patient's progression across organs in a line: how many organs, which first, how fast.
   Why: patients without any progressive organ belong to every comparison; the sequence table does not have them.
   Caveats: level says how many organs progressed while scans were made; a patient followed for a short time had less
   occasion to. mean_interval_days is the day of the last first progression over their number, the mean of the
   intervals; mean_time_days the mean of the days themselves.
   Reference: Zhou et al. 2023, Fig. 4c.
   Grain: one row per patient_id, rule_set and source
   Key: patient_id, rule_set, source
   Tags: public
*/
WITH progression AS (
    SELECT
        lesion_id,
        patient_id,
        organ,
        rule_set,
        source,
        greatest(time_days, last_assessment_day) AS last_day
    FROM analysis.lesion_event
    WHERE endpoint = 'progression' AND patient_id IS NOT NULL
),

followed AS (
    SELECT
        patient_id,
        rule_set,
        source,
        count(DISTINCT organ) AS n_organs_followed,
        max(last_day) AS last_day
    FROM progression
    GROUP BY patient_id, rule_set, source
    UNION ALL
    SELECT
        patient_id,
        rule_set,
        'combined' AS source,
        count(DISTINCT organ) AS n_organs_followed,
        max(last_day) AS last_day
    FROM progression
    GROUP BY patient_id, rule_set
),

sequence AS (
    SELECT
        patient_id,
        rule_set,
        source,
        count(*) AS n_organs,
        string_agg(organ, ' > ' ORDER BY position) AS organs,
        max(organ) FILTER (WHERE position = 1) AS first_organ,
        bool_or(is_tied) FILTER (WHERE position = 1) AS is_first_tied,
        bool_or(is_tied) AS has_ties,
        max(time_days) FILTER (WHERE position = 1) AS first_days,
        max(interval_days) FILTER (WHERE position = 2) AS second_interval_days,
        max(interval_days) FILTER (WHERE position = 3) AS third_interval_days,
        max(interval_days) FILTER (WHERE position = 4) AS fourth_interval_days,
        max(time_days) AS last_progression_days,
        sum(time_days ORDER BY position) AS total_days
    FROM analysis.progression_sequence
    GROUP BY patient_id, rule_set, source
)

SELECT
    followed.patient_id, -- text id of the patient
    followed.rule_set, -- rule set of staging.rule_set
    followed.source, -- observed, modelled or combined: analysis.progression_sequence
    CASE
        WHEN sequence.n_organs IS NULL THEN 'no progression'
        WHEN sequence.n_organs = 1 THEN 'one organ'
        ELSE 'several organs'
    END AS level, -- no progression, one organ or several organs
    CAST(coalesce(sequence.n_organs, 0) AS INTEGER) AS n_progressive_organs, -- organs that progressed
    CAST(followed.n_organs_followed AS INTEGER) AS n_organs_followed, -- organs with a lesion, new ones included
    sequence.first_organ, -- organ that progressed first; NULL without progression
    sequence.organs AS organ_sequence, -- the organs in their order, '>' between; NULL without progression
    coalesce(sequence.is_first_tied, FALSE) AS is_first_tied, -- another organ progressed on the day of the first
    coalesce(sequence.has_ties, FALSE) AS has_ties, -- two organs progressed on one day
    sequence.first_days, -- day of the first progression, from first dose
    sequence.second_interval_days, -- days from the first to the second
    sequence.third_interval_days, -- days from the second to the third
    sequence.fourth_interval_days, -- days from the third to the fourth
    sequence.last_progression_days / sequence.n_organs AS mean_interval_days, -- mean of all intervals
    sequence.total_days / sequence.n_organs AS mean_time_days, -- mean day of progression
    followed.last_day AS last_assessment_day -- last day with a finding in any lesion
FROM followed
LEFT JOIN sequence
    ON
        followed.patient_id = sequence.patient_id
        AND followed.rule_set = sequence.rule_set
        AND followed.source = sequence.source
