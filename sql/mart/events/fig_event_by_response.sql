/* Box plots of the days of response and of progression of target lesions by their patient's best overall response.
   Why: Zhou 2023, Fig. S3: lesions of responders respond early and progress late by the modelled times.
   Caveats: boxes are of lesions with the event. Dunn's and Kruskal and Wallis' tests count a patient's lesions as
   independent; mixed_p_value, of a Cox model with a random effect of the patient, does not.
   Grain: one row per endpoint, source and best_overall_response
   Key: endpoint, source, best_overall_response
   Tags: figure
*/
WITH against_stable AS (
    SELECT
        endpoint,
        source,
        CASE group_b WHEN 'SD' THEN group_a ELSE group_b END AS best_overall_response,
        p_adjusted
    FROM analysis.event_by_response_test
    WHERE test = 'Dunn' AND 'SD' IN (group_a, group_b)
),

overall AS (
    SELECT
        endpoint,
        source,
        max(p_value) FILTER (WHERE test = 'Kruskal-Wallis') AS kruskal_wallis_p_value,
        max(p_value) FILTER (WHERE test = 'mixed-effects Cox') AS mixed_p_value
    FROM analysis.event_by_response_test
    GROUP BY endpoint, source
)

SELECT
    summary.endpoint, -- response or progression
    summary.source, -- observed on scans, or modelled
    summary.best_overall_response, -- CR, PR, SD, PD or NE
    CASE summary.best_overall_response
        WHEN 'CR' THEN 'Complete response'
        WHEN 'PR' THEN 'Partial response'
        WHEN 'SD' THEN 'Stable disease'
        WHEN 'PD' THEN 'Progressive disease'
        ELSE 'Not evaluable'
    END AS display_name, -- name for a report
    summary.response_order, -- order in figures
    summary.n_patients, -- patients
    summary.n_lesions, -- target lesions
    summary.n_events, -- of them with the event
    summary.percentile_10, -- lower whisker, days
    summary.first_quartile, -- lower end of the box
    summary.median_event_days AS median, -- line in the box
    summary.third_quartile, -- upper end of the box
    summary.percentile_90, -- upper whisker
    summary.median_days, -- Kaplan-Meier median with censored lesions
    summary.hazard_ratio, -- against SD, with a random effect of the patient
    summary.ci_lower, -- lower limit
    summary.ci_upper, -- upper limit
    against_stable.p_adjusted AS p_value_against_stable, -- Dunn's test against SD, corrected; NULL for SD and NE
    overall.kruskal_wallis_p_value, -- of all groups
    overall.mixed_p_value -- of all groups, likelihood ratio of the Cox model
FROM analysis.event_by_response AS summary
LEFT JOIN against_stable
    ON
        summary.endpoint = against_stable.endpoint
        AND summary.source = against_stable.source
        AND summary.best_overall_response = against_stable.best_overall_response
LEFT JOIN overall ON summary.endpoint = overall.endpoint AND summary.source = overall.source
