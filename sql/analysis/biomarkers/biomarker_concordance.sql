/* How often a biomarker's response at the landmark and the lesions' best response say the same.
   Why: whether a marker stands for the scan, and in how many patients it says something else.
   How: the marker's yes or no at the landmark (analysis.biomarker_landmark) against a complete or partial response as
   best overall response, unconfirmed (analysis.best_overall_response, the analysis reader, derived). Cohen's kappa is
   agreement beyond chance. Who cannot be compared is counted by reason.
   Caveats: the best response may come after the landmark. Kappa of few patients is wide: read it with n.
   Reference: Cohen 1960, Educ Psychol Meas 20:37
   Grain: one row per subset, test and rule_set
   Key: subset, test, rule_set
   Tags: public
*/
WITH best AS (
    SELECT
        patient_id,
        CASE
            WHEN best_overall_response IN ('CR', 'PR') THEN TRUE
            WHEN best_overall_response IN ('SD', 'PD', 'NON-CR/NON-PD') THEN FALSE
        END AS is_response
    FROM analysis.best_overall_response
    WHERE basis = 'derived' AND is_counted_reader
),

paired AS (
    SELECT
        landmark.patient_id,
        landmark.study_id,
        landmark.test,
        landmark.rule_set,
        landmark.response,
        best.is_response
    FROM analysis.biomarker_landmark AS landmark
    LEFT JOIN best ON landmark.patient_id = best.patient_id
),

placed AS (
    SELECT
        *,
        unnest(['all', 'study ' || study_id]) AS subset
    FROM paired
),

counted AS (
    SELECT
        subset,
        test,
        rule_set,
        count(*) AS n_patients,
        count(*) FILTER (WHERE response = 'yes' AND is_response) AS n_both,
        count(*) FILTER (WHERE response = 'yes' AND NOT is_response) AS n_marker_only,
        count(*) FILTER (WHERE response = 'no' AND is_response) AS n_lesions_only,
        count(*) FILTER (WHERE response = 'no' AND NOT is_response) AS n_neither,
        count(*) FILTER (WHERE response = 'unknown') AS n_unknown,
        count(*) FILTER (WHERE response = 'not evaluable') AS n_not_evaluable,
        count(*) FILTER (WHERE response IN ('yes', 'no') AND is_response IS NULL) AS n_without_best_response
    FROM placed
    GROUP BY subset, test, rule_set
),

summed AS (
    SELECT
        *,
        n_both + n_marker_only + n_lesions_only + n_neither AS n_compared,
        (n_both + n_neither) / nullif(n_both + n_marker_only + n_lesions_only + n_neither, 0) AS agreement,
        (
            CAST(n_both + n_marker_only AS DOUBLE) * (n_both + n_lesions_only)
            + CAST(n_lesions_only + n_neither AS DOUBLE) * (n_marker_only + n_neither)
        ) / nullif(power(n_both + n_marker_only + n_lesions_only + n_neither, 2), 0) AS by_chance
    FROM counted
)

SELECT
    subset, -- all, or study and its id
    test, -- marker of staging.biomarker
    rule_set, -- rule set of staging.biomarker_rule
    n_patients, -- patients with the marker
    n_compared, -- of them, with a yes or no of the marker and a best response
    n_both, -- marker and lesions responded
    n_marker_only, -- only the marker did
    n_lesions_only, -- only the lesions did
    n_neither, -- neither did
    n_unknown, -- the detection limit hides the marker's answer
    n_not_evaluable, -- no baseline, not detected at baseline, or no sample near the landmark
    n_without_best_response, -- the marker can be told, the best response cannot
    agreement, -- share of n_compared in which both say the same; NULL without any
    CASE WHEN by_chance < 1 THEN (agreement - by_chance) / (1 - by_chance) END AS kappa -- Cohen's kappa; NULL where one
    -- of the two never differs
FROM summed
