/* The first day on which a rule of a rule set holds for a lesion.
   Why: analysis.lesion_event says of every lesion whether and when; this table is its half that reads the rules, and
   shows for each event what was compared with what.
   How: target lesions by size on scans after their baseline; non-target lesions by the status that the reader gave
   after baseline (day 0 where they have no baseline of their own); new lesions on the day they are detected. A scan
   without a value is no scan, nor is one from a local treatment, a merging or a splitting of the lesion on
   (analysis.lesion_cutoff). On the first day, the rule of the lowest priority number names the event. A threshold
   itself counts, within staging.rule_set.relative_tolerance.
   Caveats: analysed lesions only. New lesions that do not count (analysis.new_lesion) have no row.
   Reference: Eisenhauer et al. 2009, Eur J Cancer 45:228; Zhou et al. 2023, Methods.
   Grain: one row per lesion_id, endpoint and rule_set
   Key: lesion_id, endpoint, rule_set
*/
WITH lesion AS (
    SELECT
        lesion_id,
        lesion_type,
        coalesce(baseline_day, 0) AS baseline_day,
        source_file,
        source_row
    FROM core.lesion
    WHERE is_analysed
),

size_seen AS (
    SELECT
        lesion_id,
        day,
        'diameter' AS quantity,
        diameter_mm AS observed_value,
        baseline_diameter_mm AS baseline_value,
        nadir_diameter_mm AS nadir_value,
        previous_diameter_day AS previous_day,
        is_imputed,
        source_file,
        source_row
    FROM analysis.lesion_change
    WHERE is_after_baseline AND diameter_mm IS NOT NULL AND NOT is_after_lineage_change
    UNION ALL
    SELECT
        lesion_id,
        day,
        'volume' AS quantity,
        volume_mm3 AS observed_value,
        baseline_volume_mm3 AS baseline_value,
        nadir_volume_mm3 AS nadir_value,
        previous_volume_day AS previous_day,
        is_imputed,
        source_file,
        source_row
    FROM analysis.lesion_change
    WHERE is_after_baseline AND volume_mm3 IS NOT NULL AND NOT is_after_lineage_change
),

size_compared AS (
    SELECT
        seen.lesion_id,
        seen.day,
        seen.previous_day,
        seen.observed_value,
        seen.is_imputed,
        seen.source_file,
        seen.source_row,
        rule.rule_set,
        rule.rule_id,
        rule.endpoint,
        rule.priority,
        rule.quantity,
        rule.reference_state,
        rule.combine,
        rule.relative_change,
        rule.absolute_change,
        rule_set.relative_tolerance,
        CASE rule.reference WHEN 'baseline' THEN seen.baseline_value ELSE seen.nadir_value END AS reference_value,
        CASE rule.direction WHEN 'decrease' THEN -1 ELSE 1 END AS direction_sign
    FROM size_seen AS seen
    INNER JOIN lesion ON seen.lesion_id = lesion.lesion_id
    INNER JOIN staging.event_rule AS rule
        ON lesion.lesion_type = rule.lesion_type AND seen.quantity = rule.quantity
    INNER JOIN staging.rule_set AS rule_set ON rule.rule_set = rule_set.rule_set
),

-- A change in the rule's own direction is positive here, whichever direction that is.
size_measured AS (
    SELECT
        *,
        direction_sign * (observed_value - reference_value) AS change_made,
        direction_sign * relative_change * reference_value AS relative_change_wanted,
        direction_sign * absolute_change AS absolute_change_wanted,
        relative_tolerance * greatest(reference_value, 1) AS tolerance
    FROM size_compared
),

size_judged AS (
    SELECT
        *,
        change_made > tolerance AS is_changed,
        coalesce(reference_state = 'any', TRUE)
        OR (reference_state = 'zero') = (reference_value <= tolerance) AS is_reference_meant,
        change_made >= relative_change_wanted - tolerance AS is_relative_met,
        change_made >= absolute_change_wanted - tolerance AS is_absolute_met
    FROM size_measured
),

size_finding AS (
    SELECT
        lesion_id,
        endpoint,
        rule_set,
        rule_id,
        priority,
        day,
        previous_day,
        'core.measurement' AS source_table,
        source_file,
        source_row,
        quantity,
        observed_value,
        reference_value,
        is_imputed
    FROM size_judged
    WHERE
        is_changed
        AND is_reference_meant
        AND CASE
            WHEN combine = 'or' THEN coalesce(is_relative_met, FALSE) OR coalesce(is_absolute_met, FALSE)
            ELSE coalesce(is_relative_met, TRUE) AND coalesce(is_absolute_met, TRUE)
        END
),

status_seen AS (
    SELECT
        assessment.lesion_id,
        assessment.day,
        assessment.status,
        assessment.source_file,
        assessment.source_row,
        lesion.lesion_type,
        lesion.baseline_day,
        lag(assessment.day) OVER (PARTITION BY assessment.lesion_id ORDER BY assessment.day) AS previous_day
    FROM core.lesion_assessment AS assessment
    INNER JOIN lesion ON assessment.lesion_id = lesion.lesion_id
    LEFT JOIN analysis.lesion_cutoff AS cutoff ON assessment.lesion_id = cutoff.lesion_id
    WHERE assessment.status <> 'NE' AND coalesce(assessment.day < cutoff.cutoff_day, TRUE)
),

status_finding AS (
    SELECT
        seen.lesion_id,
        rule.endpoint,
        rule.rule_set,
        rule.rule_id,
        rule.priority,
        seen.day,
        seen.previous_day,
        'core.lesion_assessment' AS source_table,
        seen.source_file,
        seen.source_row,
        rule.quantity,
        CAST(NULL AS DOUBLE) AS observed_value,
        CAST(NULL AS DOUBLE) AS reference_value,
        FALSE AS is_imputed
    FROM status_seen AS seen
    INNER JOIN staging.event_rule AS rule
        ON seen.lesion_type = rule.lesion_type AND seen.status = rule.status
    WHERE rule.quantity = 'status' AND seen.day > seen.baseline_day
),

detection_finding AS (
    SELECT
        lesion.lesion_id,
        rule.endpoint,
        rule.rule_set,
        rule.rule_id,
        rule.priority,
        new_lesion.detected_day AS day,
        scan.previous_day,
        'core.lesion' AS source_table,
        lesion.source_file,
        lesion.source_row,
        rule.quantity,
        CAST(NULL AS DOUBLE) AS observed_value,
        CAST(NULL AS DOUBLE) AS reference_value,
        FALSE AS is_imputed
    FROM lesion
    INNER JOIN analysis.new_lesion AS new_lesion ON lesion.lesion_id = new_lesion.lesion_id
    INNER JOIN staging.event_rule AS rule ON lesion.lesion_type = rule.lesion_type
    LEFT JOIN analysis.scan AS scan
        ON
            new_lesion.patient_id = scan.patient_id
            AND new_lesion.reader = scan.reader
            AND new_lesion.time_point_id = scan.time_point_id
    WHERE rule.quantity = 'detection' AND new_lesion.detected_day IS NOT NULL
),

finding AS (
    SELECT * FROM size_finding
    UNION ALL
    SELECT * FROM status_finding
    UNION ALL
    SELECT * FROM detection_finding
)

SELECT
    lesion_id, -- text id of the lesion
    endpoint, -- response or progression
    rule_set, -- rule set of staging.rule_set
    rule_id, -- rule of staging.event_rule that holds
    day, -- day from first dose
    previous_day, -- the lesion's scan before; for a new lesion, the last of the time point before; NULL: none
    quantity, -- what the rule looked at: diameter, volume, status, detection
    observed_value, -- value that met the rule: mm for diameter, mm3 for volume
    reference_value, -- baseline or nadir that it was compared with, same unit
    is_imputed, -- the value stands for 'too small to measure'
    source_table, -- table of the scan
    source_file, -- source file of the scan
    source_row -- its row in source_file
FROM finding
QUALIFY row_number() OVER (PARTITION BY lesion_id, endpoint, rule_set ORDER BY day, priority, rule_id) = 1
