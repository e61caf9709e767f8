/* One biomarker of one patient under one rule: whether the rule can be applied to it.
   Why: a rule that was not applied is no "no event"; its reason is a row.
   Grain: one row per patient_id, test and rule_id
   Key: patient_id, test, rule_id
*/
WITH judged AS (
    SELECT
        series.patient_id,
        series.test,
        series.study_id,
        rule.rule_id,
        rule.rule_set,
        rule.endpoint,
        CASE
            WHEN series.baseline_day IS NULL THEN 'no baseline'
            WHEN series.n_after_baseline = 0 THEN 'no sample on treatment'
            WHEN rule.units IS NOT NULL AND NOT list_contains(string_split(rule.units, ';'), coalesce(series.unit, ''))
                THEN 'another unit than the rule''s'
            WHEN
                rule.tumor_pattern IS NOT NULL
                AND NOT regexp_matches(lower(coalesce(study.tumor_type, '')), rule.tumor_pattern)
                THEN 'not meant for this tumor type'
            WHEN
                rule.baseline_state = 'detected'
                AND (series.is_baseline_below_limit OR series.baseline_value = 0)
                THEN 'not detected at baseline'
            WHEN
                series.upper_limit_normal IS NULL
                AND (
                    rule.reference = 'upper_limit'
                    OR rule.baseline_min_limits IS NOT NULL
                    OR rule.baseline_state IN ('normal', 'elevated')
                    OR rule.course_state IN ('normalised', 'not_normalised')
                )
                THEN 'no upper limit of normal'
            WHEN rule.baseline_state = 'elevated' AND series.baseline_value <= series.upper_limit_normal
                THEN 'not elevated at baseline'
            WHEN rule.baseline_state = 'normal' AND series.baseline_value > series.upper_limit_normal
                THEN 'not normal at baseline'
            WHEN series.baseline_value < rule.baseline_min_limits * series.upper_limit_normal
                THEN 'baseline too low for the rule'
            WHEN series.baseline_value < rule.baseline_min THEN 'baseline too low for the rule'
            WHEN series.baseline_value >= rule.baseline_below THEN 'baseline too high for the rule'
        END AS reason
    FROM analysis.biomarker_series AS series
    INNER JOIN staging.biomarker_rule AS rule ON series.test = rule.marker
    INNER JOIN core.study AS study ON series.study_id = study.study_id
)

SELECT
    patient_id, -- text id of the patient
    test, -- marker of staging.biomarker
    rule_id, -- rule of staging.biomarker_rule
    study_id, -- text id of the study
    rule_set, -- its rule set
    endpoint, -- its endpoint
    reason IS NULL AS is_evaluable, -- the rule can be applied
    reason -- why it cannot; NULL where it can
FROM judged
