/* What a biomarker goes with, one line of the forest plot.
   Why: survival by the response at the landmark, and slopes beside the growth of lesions.
   Grain: one row per test, predictor and outcome
   Key: test, predictor, outcome
   Tags: figure
*/
SELECT
    association.test, -- marker of staging.biomarker
    association.predictor, -- response by a rule set at the landmark, early slope or late slope
    association.outcome, -- OS, lesion growth rate (log kg), or log change of the sum
    marker.display_name || ', ' || association.predictor AS label, -- marker and predictor
    association.n_patients, -- patients compared
    association.n_events, -- deaths among them
    association.measure, -- log hazard ratio or correlation
    CASE association.outcome WHEN 'OS' THEN exp(association.estimate) ELSE association.estimate END
        AS estimate, -- hazard ratio, or correlation
    CASE association.outcome WHEN 'OS' THEN exp(association.ci_lower) ELSE association.ci_lower END
        AS ci_lower, -- lower limit
    CASE association.outcome WHEN 'OS' THEN exp(association.ci_upper) ELSE association.ci_upper END
        AS ci_upper, -- upper limit
    association.p_value -- two-sided
FROM analysis.biomarker_association AS association
INNER JOIN staging.biomarker AS marker ON association.test = marker.marker
WHERE association.estimate IS NOT NULL
