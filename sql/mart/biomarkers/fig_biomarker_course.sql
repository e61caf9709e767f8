/* One point of the spider plot of a biomarker, or of the sum of diameters beside it, over its baseline.
   Why: what the blood says and what the scan says of the same patient, on one axis.
   Caveats: patients with a detected baseline of the marker. A marker below its limit is drawn at the limit over the
   baseline, an upper bound (is_below_limit). Complete sums of the analysis reader only; a sum of 0 has no place on a
   logarithmic axis and no row.
   Grain: one row per test, patient_id, quantity and day
   Key: test, patient_id, quantity, day
   Tags: figure
*/
WITH shown AS (
    SELECT
        series.patient_id,
        series.test,
        series.study_id,
        marker.display_name
    FROM analysis.biomarker_series AS series
    INNER JOIN staging.biomarker AS marker ON series.test = marker.marker
    INNER JOIN core.patient AS patient ON series.patient_id = patient.patient_id
    WHERE series.status = 'evaluable' AND patient.is_analysed
),

point AS (
    SELECT
        shown.*,
        shown.display_name AS quantity,
        course.day,
        course.ratio_to_baseline,
        course.is_below_limit
    FROM shown
    INNER JOIN analysis.biomarker_course AS course
        ON shown.patient_id = course.patient_id AND shown.test = course.test
    WHERE (course.is_baseline OR course.is_after_baseline) AND course.ratio_to_baseline > 0
    UNION ALL
    SELECT
        shown.*,
        'Sum of diameters' AS quantity,
        visit.last_day AS day,
        max(visit.sum_of_diameters_mm / visit.baseline_sum_mm) AS ratio_to_baseline,
        FALSE AS is_below_limit
    FROM shown
    INNER JOIN analysis.visit_response AS visit ON shown.patient_id = visit.patient_id
    WHERE
        visit.is_analysis_reader
        AND visit.is_complete
        AND visit.sum_of_diameters_mm > 0
        AND visit.baseline_sum_mm > 0
    GROUP BY shown.patient_id, shown.test, shown.study_id, shown.display_name, visit.last_day
),

best AS (
    SELECT
        patient_id,
        max(best_overall_response) AS best_overall_response
    FROM analysis.best_overall_response
    WHERE basis = 'derived' AND is_counted_reader
    GROUP BY patient_id
)

SELECT
    point.test, -- marker of staging.biomarker
    point.patient_id, -- text id of the patient
    point.quantity, -- the marker's name, or Sum of diameters
    point.day, -- day from first dose
    point.study_id, -- text id of the study
    point.display_name, -- the marker's name
    point.ratio_to_baseline, -- value over baseline; an upper bound where below the limit
    point.is_below_limit, -- below the limit
    best.best_overall_response -- best overall response by RECIST 1.1, derived
FROM point
LEFT JOIN best ON point.patient_id = best.patient_id
