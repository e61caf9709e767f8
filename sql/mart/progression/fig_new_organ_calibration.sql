/* Predicted and observed risk of a new organ, in fifths of the risk, to be drawn.
   Why: whether who is said to be at high risk is, with the verdict beside it.
   Grain: one row per subset, organ, landmark_days and risk_group
   Key: subset, organ, landmark_days, risk_group
   Tags: figure
*/
SELECT
    fifth.subset, -- all; where there are several tumor types, each by itself
    fifth.organ, -- core.organ, or any
    fifth.landmark_days, -- day from first dose
    fifth.risk_group, -- fifth of the risk, 1 the lowest
    coalesce(organ.display_name, 'Any new organ') || ', day '
    || CAST(CAST(fifth.landmark_days AS INTEGER) AS VARCHAR) AS model, -- organ and landmark in words
    accuracy.verdict, -- of analysis.new_organ_accuracy, left out
    fifth.n_patients, -- patients
    fifth.mean_risk, -- mean predicted risk, left out
    fifth.observed, -- Aalen-Johansen incidence
    fifth.ci_lower, -- lower limit
    fifth.ci_upper -- upper limit
FROM analysis.new_organ_calibration AS fifth
INNER JOIN analysis.new_organ_accuracy AS accuracy
    ON
        fifth.subset = accuracy.subset
        AND fifth.organ = accuracy.organ
        AND fifth.landmark_days = accuracy.landmark_days
        AND accuracy.split <> 'apparent'
LEFT JOIN core.organ AS organ ON fifth.organ = organ.organ
WHERE fifth.observed IS NOT NULL
