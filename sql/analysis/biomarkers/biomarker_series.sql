/* One biomarker of one patient: how often, from when, and whether it can be judged.
   Why: a marker without a baseline, or that was never detected, has no response; it is counted and not left out.
   Grain: one row per patient_id and test
   Key: patient_id, test
   Tags: public
*/
SELECT
    patient_id, -- text id of the patient
    test, -- marker of staging.biomarker
    max(study_id) AS study_id, -- text id of the study
    max(unit) AS unit, -- unit of all its results
    count(*) AS n_results, -- results in the course
    count(*) FILTER (WHERE is_below_limit) AS n_below_limit, -- of them, below the limit
    count(*) FILTER (WHERE is_after_baseline) AS n_after_baseline, -- of them, after the first dose
    max(baseline_day) AS baseline_day, -- day of the baseline result
    max(baseline_value) AS baseline_value, -- baseline, in unit; the limit where below it
    bool_or(is_baseline_below_limit) AS is_baseline_below_limit, -- the baseline is below its limit
    max(upper_limit_normal) FILTER (WHERE is_baseline) AS upper_limit_normal, -- upper limit of normal at baseline
    bool_or(is_upper_limit_assumed) AS is_upper_limit_assumed, -- it is the usual one, not the source's
    max(day) FILTER (WHERE is_after_baseline) AS last_day, -- last result; NULL where none is after the first dose
    CASE
        WHEN max(baseline_day) IS NULL THEN 'no baseline'
        WHEN count(*) FILTER (WHERE is_after_baseline) = 0 THEN 'no sample on treatment'
        WHEN bool_or(is_baseline_below_limit) THEN 'not detected at baseline'
        WHEN max(baseline_value) = 0 THEN 'none at baseline'
        ELSE 'evaluable'
    END AS status -- evaluable, or why a change from baseline is not defined
FROM analysis.biomarker_course
GROUP BY patient_id, test
