/* What a rule says of one biomarker of one patient at the landmark: responded, did not, or cannot be told.
   Why: a response by a day that is the same for all can be held against what follows it; a response at any time
   cannot, for who lives longer has more samples.
   How: the result nearest to biomarkers.landmark_day, at most biomarkers.landmark_window_days from it; of two as near
   the earlier. Rules are those for a response or clearance that ask for no confirmation. A result below its limit shows
   a decrease only where the limit does; else it is unknown, never no.
   Reference: Vega et al. 2022, JCO Precision Oncology; Anderson et al. 1983, J Clin Oncol 1:710
   Grain: one row per patient_id, test and rule_set
   Key: patient_id, test, rule_set
   Tags: public
*/
WITH setting AS (
    SELECT
        CAST(max(value) FILTER (WHERE name = 'biomarkers.landmark_day') AS INTEGER) AS landmark_day,
        CAST(max(value) FILTER (WHERE name = 'biomarkers.landmark_window_days') AS INTEGER) AS window_days
    FROM meta.setting
    WHERE name IN ('biomarkers.landmark_day', 'biomarkers.landmark_window_days')
),

sample AS (
    SELECT
        course.*,
        setting.landmark_day
    FROM analysis.biomarker_course AS course
    CROSS JOIN setting
    WHERE course.is_after_baseline AND abs(course.day - setting.landmark_day) <= setting.window_days
    QUALIFY row_number() OVER (
        PARTITION BY course.patient_id, course.test
        ORDER BY abs(course.day - setting.landmark_day), course.day
    ) = 1
),

asked AS (
    SELECT
        evaluable.patient_id,
        evaluable.test,
        evaluable.study_id,
        evaluable.is_evaluable,
        evaluable.reason,
        rule.rule_set,
        rule.direction,
        rule.factor,
        rule.is_strict
    FROM analysis.biomarker_evaluable AS evaluable
    INNER JOIN staging.biomarker_rule AS rule ON evaluable.rule_id = rule.rule_id
    WHERE
        rule.confirmation = 'none'
        AND (
            rule.direction = 'undetected'
            OR (rule.direction = 'decrease' AND rule.reference = 'baseline')
        )
)

SELECT
    asked.patient_id, -- text id of the patient
    asked.test, -- marker of staging.biomarker
    asked.rule_set, -- rule set of staging.biomarker_rule
    asked.study_id, -- text id of the study
    CAST(setting.landmark_day AS DOUBLE) AS landmark_days, -- day that the result is to be near to
    sample.day AS day_used, -- day of the result; NULL where none is near enough
    sample.ratio_to_baseline, -- value over baseline; an upper bound where below the limit
    sample.log10_change, -- its logarithm to base 10; likewise
    sample.is_below_limit, -- below the limit
    CASE
        WHEN NOT asked.is_evaluable OR sample.day IS NULL THEN 'not evaluable'
        WHEN asked.direction = 'undetected' THEN CASE WHEN sample.is_below_limit THEN 'yes' ELSE 'no' END
        WHEN
            reaches_threshold(
                sample.value,
                sample.is_below_limit,
                asked.factor * sample.baseline_value,
                'decrease',
                asked.is_strict
            )
            THEN 'yes'
        WHEN sample.is_below_limit THEN 'unknown'
        ELSE 'no'
    END AS response, -- yes, no, unknown: the limit is too high to tell; not evaluable
    CASE
        WHEN asked.reason IS NOT NULL THEN asked.reason
        WHEN sample.day IS NULL THEN 'no sample near the landmark'
    END AS reason -- why it is not evaluable; NULL where it is
FROM asked
CROSS JOIN setting
LEFT JOIN sample ON asked.patient_id = sample.patient_id AND asked.test = sample.test
