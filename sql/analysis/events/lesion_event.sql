/* One lesion's response, or its progression, under one rule set: when, by which rule, or why not.
   Why: times to response and progression of single lesions are what hazards, sequences and clusters are made of. All
   rule sets are always computed; staging.event_rule holds the rules, and the rule that set an event stands beside it.
   How: the first day of analysis.lesion_finding is the event. New lesions progress when they are detected and have no
   response endpoint. The two endpoints do not stop each other: a lesion may respond after it has progressed.
   Censoring: at the lesion's own last assessment, for nobody would have seen an event after it; on day 0 where
   none came after the first dose. With rules.censoring = 'last_day', as in Zhou 2023, at the patient's last day in
   the trial, even where the lesion was last assessed long before. last_assessment_day says when that was. The
   reason is the first that applies of: no_baseline; no_baseline_diameter or no_baseline_volume (the lesion has
   sizes, but at baseline none of the kind that the rules compare, as one measured by volume only under RECIST);
   why a new lesion does not count (analysis.new_lesion: detection_day_unknown, detected_before_treatment,
   equivocal, not_found, not_evaluable, no_tumor); baseline_zero (no decrease possible);
   no_assessment_after_baseline (none that could be evaluated); local_treatment, merged or split
   (analysis.lesion_cutoff); death (the patient's); end_of_follow_up. A lesion that was treated locally (unless
   local_treatment.policy is kept), that merged or that split is followed no longer than to that day: a
   hypothetical strategy of ICH E9(R1).
   Modelled: target lesions that the growth model fits have a second row per endpoint and rule set, source modelled,
   from analysis.modelled_event, which says how. All the rest of this text is about observed ones.
   Caveats: an observed event is seen on a scan and happened at some time since the scan before, in (time_lower,
   time_upper]. One lesion is judged as RECIST judges a sum; the volume rule sets have no 5 mm (staging.rule_set).
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228; Zhou et al. 2023, Methods.
   Grain: one row per lesion_id, endpoint, rule_set and source
   Key: lesion_id, endpoint, rule_set, source
   Tags: public
*/
WITH setting AS (
    SELECT value AS censoring
    FROM meta.setting
    WHERE name = 'rules.censoring'
),

lesion AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        lesion.lesion_type,
        lesion.organ,
        lesion.baseline_day,
        lesion.source_file,
        lesion.source_row,
        patient.last_day,
        CASE WHEN patient.os_event THEN patient.os_days END AS death_day,
        cutoff.cutoff_day,
        cutoff.cutoff_reason
    FROM core.lesion AS lesion
    LEFT JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
    LEFT JOIN analysis.lesion_cutoff AS cutoff ON lesion.lesion_id = cutoff.lesion_id
    WHERE lesion.is_analysed
),

-- Which endpoints a lesion of a type has, and by which quantity, is said by the rules alone.
applicable AS (
    SELECT
        lesion_type,
        endpoint,
        rule_set,
        max(quantity) AS quantity
    FROM staging.event_rule
    GROUP BY lesion_type, endpoint, rule_set
),

assessed_day AS (
    SELECT
        change.lesion_id,
        CASE lesion.lesion_type WHEN 'target' THEN 'diameter' ELSE 'status' END AS quantity,
        change.day,
        'core.measurement' AS source_table,
        change.source_file,
        change.source_row,
        CASE lesion.lesion_type WHEN 'target' THEN change.baseline_diameter_mm END AS baseline_value
    FROM analysis.lesion_change AS change
    INNER JOIN lesion ON change.lesion_id = lesion.lesion_id
    WHERE
        change.day >= change.baseline_day
        AND change.diameter_mm IS NOT NULL
        AND NOT change.is_after_lineage_change
    UNION ALL
    SELECT
        change.lesion_id,
        CASE lesion.lesion_type WHEN 'target' THEN 'volume' ELSE 'status' END AS quantity,
        change.day,
        'core.measurement' AS source_table,
        change.source_file,
        change.source_row,
        CASE lesion.lesion_type WHEN 'target' THEN change.baseline_volume_mm3 END AS baseline_value
    FROM analysis.lesion_change AS change
    INNER JOIN lesion ON change.lesion_id = lesion.lesion_id
    WHERE
        change.day >= change.baseline_day
        AND change.volume_mm3 IS NOT NULL
        AND NOT change.is_after_lineage_change
    UNION ALL
    SELECT
        assessment.lesion_id,
        'status' AS quantity,
        assessment.day,
        'core.lesion_assessment' AS source_table,
        assessment.source_file,
        assessment.source_row,
        CAST(NULL AS DOUBLE) AS baseline_value
    FROM core.lesion_assessment AS assessment
    INNER JOIN lesion ON assessment.lesion_id = lesion.lesion_id
    WHERE
        lesion.lesion_type = 'non-target'
        AND assessment.status <> 'NE'
        AND coalesce(assessment.day < lesion.cutoff_day, TRUE)
),

last_assessment AS (
    SELECT
        lesion_id,
        quantity,
        day,
        source_table,
        source_file,
        source_row,
        baseline_value
    FROM assessed_day
    QUALIFY row_number() OVER (PARTITION BY lesion_id, quantity ORDER BY day DESC, source_table ASC) = 1
),

joined AS (
    SELECT
        lesion.lesion_id,
        lesion.patient_id,
        lesion.lesion_type,
        lesion.organ,
        lesion.baseline_day,
        lesion.death_day,
        new_lesion.not_counted_because,
        applicable.endpoint,
        applicable.rule_set,
        event.rule_id,
        event.day AS event_day,
        event.previous_day,
        event.quantity,
        event.observed_value,
        event.reference_value,
        event.is_imputed,
        last_seen.day AS last_assessment_day,
        last_seen.baseline_value,
        applicable.quantity AS judged_quantity,
        event.day IS NOT NULL AS is_event,
        lesion.cutoff_day,
        lesion.cutoff_reason,
        -- What was treated locally, merged or split tells nothing of itself from then on.
        least(greatest(lesion.last_day, last_seen.day), lesion.cutoff_day) AS followed_day,
        greatest(last_seen.day, 0) AS last_scan_day,
        setting.censoring,
        coalesce(event.source_table, last_seen.source_table, 'core.lesion') AS source_table,
        CASE
            WHEN event.day IS NOT NULL THEN event.source_file
            WHEN last_seen.day IS NOT NULL THEN last_seen.source_file
            ELSE lesion.source_file
        END AS source_file,
        CASE
            WHEN event.day IS NOT NULL THEN event.source_row
            WHEN last_seen.day IS NOT NULL THEN last_seen.source_row
            ELSE lesion.source_row
        END AS source_row
    FROM lesion
    CROSS JOIN setting
    INNER JOIN applicable ON lesion.lesion_type = applicable.lesion_type
    LEFT JOIN analysis.lesion_finding AS event
        ON
            lesion.lesion_id = event.lesion_id
            AND applicable.endpoint = event.endpoint
            AND applicable.rule_set = event.rule_set
    LEFT JOIN last_assessment AS last_seen
        ON lesion.lesion_id = last_seen.lesion_id AND applicable.quantity = last_seen.quantity
    LEFT JOIN analysis.new_lesion AS new_lesion ON lesion.lesion_id = new_lesion.lesion_id
),

reasoned AS (
    SELECT
        *,
        CASE
            WHEN is_event THEN NULL
            WHEN lesion_type = 'target' AND baseline_day IS NULL THEN 'no_baseline'
            WHEN lesion_type = 'target' AND baseline_value IS NULL THEN 'no_baseline_' || judged_quantity
            WHEN lesion_type = 'new' THEN not_counted_because
            WHEN endpoint = 'response' AND baseline_value = 0 THEN 'baseline_zero'
            WHEN coalesce(last_assessment_day <= coalesce(baseline_day, 0), TRUE) THEN 'no_assessment_after_baseline'
            WHEN cutoff_day <= followed_day THEN cutoff_reason
            WHEN death_day <= followed_day THEN 'death'
            ELSE 'end_of_follow_up'
        END AS censor_reason,
        CASE WHEN censoring = 'last_day' THEN followed_day ELSE least(last_scan_day, cutoff_day) END AS censor_day
    FROM joined
),

observed AS (
    SELECT
        lesion_id,
        endpoint,
        rule_set,
        'observed' AS source,
        patient_id,
        organ,
        lesion_type,
        CAST(coalesce(event_day, censor_day) AS DOUBLE) AS time_days,
        CAST(CASE WHEN is_event THEN previous_day ELSE last_assessment_day END AS DOUBLE) AS time_lower,
        CAST(event_day AS DOUBLE) AS time_upper,
        is_event,
        CAST(is_event AS DOUBLE) AS event_probability,
        rule_id,
        source_table,
        source_row,
        source_file,
        censor_reason,
        CAST(last_assessment_day AS DOUBLE) AS last_assessment_day,
        quantity,
        observed_value,
        reference_value,
        is_imputed
    FROM reasoned
),

combined AS (
    SELECT * FROM observed
    UNION ALL
    SELECT
        lesion_id,
        endpoint,
        rule_set,
        source,
        patient_id,
        organ,
        lesion_type,
        time_days,
        time_lower,
        time_upper,
        is_event,
        event_probability,
        rule_id,
        source_table,
        source_row,
        source_file,
        censor_reason,
        last_assessment_day,
        quantity,
        observed_value,
        reference_value,
        is_imputed
    FROM analysis.modelled_event
)

SELECT
    lesion_id, -- text id of the lesion
    endpoint, -- response or progression
    rule_set, -- rule set of staging.rule_set
    source, -- observed: seen on a scan; modelled: on the curve of analysis.growth_lesion
    patient_id, -- text id of the patient; NULL where the source does not say
    organ, -- organ of the lesion
    lesion_type, -- target, non-target or new
    time_days, -- day of the event, or of censoring; from first dose
    time_lower, -- last scan without the event, days; it may be the baseline scan, before day 0; modelled: 5 % quantile
    time_upper, -- scan with the event, days; modelled: 95 % quantile; NULL where censored
    is_event, -- the event was seen, or the curve has it before the end of observation (analysis.modelled_event)
    event_probability, -- 1 or 0 for observed events; share of draws for modelled ones
    rule_id, -- rule that set the event; NULL where censored
    source_table, -- table of the scan with the event, or of the lesion's last assessment; or of the curve
    source_row, -- its row in source_file; NULL where modelled
    source_file, -- source file of that scan; NULL where modelled
    censor_reason, -- why there is no event, one of the reasons of the table's description; NULL where there is one
    last_assessment_day, -- the lesion's own last scan with a value, event or not
    quantity, -- what the rule looked at: diameter, volume, status, detection
    observed_value, -- value that met the rule: mm for diameter, mm3 for volume; NULL where modelled
    reference_value, -- baseline or nadir that it was compared with, same unit; NULL where modelled
    is_imputed -- the value stands for 'too small to measure'; NULL where censored or modelled
FROM combined
