/* One result of a biomarker in its course: beside baseline and the smallest result before.
   Why: a change is read from a ratio, not from a level.
   How: the baseline is the last result up to the first dose, at most biomarkers.baseline_window_days before it. A
   result below its limit lies between 0 and the limit: the ratio and the logarithm are then upper bounds
   (is_below_limit), never values. Where the baseline itself is below its limit there is no ratio.
   Caveats: the nadir counts results below the limit as the limit.
   Grain: one row per patient_id, test and day
   Key: patient_id, test, day
   Tags: public
*/
WITH setting AS (
    SELECT CAST(max(value) AS INTEGER) AS window_days
    FROM meta.setting
    WHERE name = 'biomarkers.baseline_window_days'
),

followed AS (
    SELECT result.*
    FROM analysis.biomarker_result AS result
    WHERE result.exclusion_reason IS NULL
),

baseline AS (
    SELECT
        followed.patient_id,
        followed.test,
        max(followed.day) AS baseline_day,
        arg_max(followed.value, followed.day) AS baseline_value,
        arg_max(followed.is_below_limit, followed.day) AS is_baseline_below_limit
    FROM followed
    CROSS JOIN setting
    WHERE followed.day <= 0 AND followed.day >= -setting.window_days
    GROUP BY followed.patient_id, followed.test
),

based AS (
    SELECT
        followed.*,
        baseline.baseline_day,
        baseline.baseline_value,
        baseline.is_baseline_below_limit,
        coalesce(followed.day = baseline.baseline_day, FALSE) AS is_baseline,
        followed.day > 0 AS is_after_baseline,
        lag(followed.day) OVER course AS previous_day,
        min(CASE WHEN followed.day >= baseline.baseline_day OR followed.day > 0 THEN followed.value END) OVER (
            course ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS nadir_value
    FROM followed
    LEFT JOIN baseline ON followed.patient_id = baseline.patient_id AND followed.test = baseline.test
    WINDOW course AS (PARTITION BY followed.patient_id, followed.test ORDER BY followed.day)
)

SELECT
    patient_id, -- text id of the patient
    test, -- marker of staging.biomarker
    day, -- day from first dose
    study_id, -- text id of the study
    biomarker_id, -- core.biomarker
    value, -- result, in unit; the limit where below it
    unit, -- unit of the result
    detection_limit, -- lower limit, in unit
    is_below_limit, -- below the limit: value, ratio_to_baseline and log10_change are upper bounds
    upper_limit_normal, -- upper limit of the normal range, in unit
    is_upper_limit_assumed, -- it is the usual one of staging.biomarker, not the source's
    is_baseline, -- the baseline result
    is_after_baseline, -- after the first dose
    previous_day, -- day of the result before
    baseline_day, -- day of the baseline result; NULL where there is none
    baseline_value, -- baseline, in unit; the limit where below it
    is_baseline_below_limit, -- the baseline is below its limit
    nadir_value, -- smallest result before, baseline included, in unit; results below the limit count as the limit
    CASE
        WHEN baseline_value > 0 AND NOT is_baseline_below_limit THEN value / baseline_value
    END AS ratio_to_baseline, -- value over baseline; NULL without a detected baseline
    CASE
        WHEN baseline_value > 0 AND NOT is_baseline_below_limit AND value > 0 THEN log10(value / baseline_value)
    END AS log10_change, -- its logarithm to base 10; NULL for a count of 0
    CASE
        WHEN is_after_baseline AND nadir_value > 0 THEN value / nadir_value
    END AS ratio_to_nadir -- value over the smallest result before
FROM based
