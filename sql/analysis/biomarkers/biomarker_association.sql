/* What a biomarker's response at the landmark, and its slope, go with: overall survival, the growth of lesions.
   Why: whether the marker says something of the outcome, without guaranteed time.
   How: Cox model of overall survival, stratified by study, from biomarkers.landmark_day +
   biomarkers.landmark_window_days on (when the last sample that may count has been drawn), in those alive and followed
   then, by response at the landmark. Spearman's correlation of patients' slopes (conditional means, so that results
   below the limit count as such) with the mean log kg of their lesions and with the change of the sum of diameters up
   to biomarkers.early_days.
   Caveats: an association. A response at any time as if known from the start would be biased by immortal time and is
   not made. kg is estimated from scans of the same months as the slope. Unknown responses (below a limit that is too
   high) are in n_not_told.
   Reference: Anderson et al. 1983, J Clin Oncol 1:710
   Filled by: step biomarker_association
   Grain: one row per test, predictor and outcome
   Key: test, predictor, outcome
   Tags: public
*/
CREATE TABLE analysis.biomarker_association (
    test VARCHAR, -- marker of staging.biomarker
    predictor VARCHAR, -- response by a rule set at the landmark, early slope or late slope
    outcome VARCHAR, -- OS, lesion growth rate (log kg), or log change of the sum
    measure VARCHAR, -- log hazard ratio, yes against no; or Spearman's rank correlation
    start_days DOUBLE, -- day from first dose from which survival counts; NULL for correlations
    n_patients BIGINT, -- patients compared
    n_events BIGINT, -- deaths among them; NULL for correlations
    n_not_told BIGINT, -- patients left out: response unknown or not evaluable, or no size or growth
    n_not_at_risk BIGINT, -- patients left out: dead or no longer followed at start_days; NULL for correlations
    estimate DOUBLE, -- log hazard ratio or correlation
    standard_error DOUBLE, -- of the log hazard ratio; NULL for correlations
    ci_lower DOUBLE, -- lower limit (survival.confidence)
    ci_upper DOUBLE, -- upper limit
    p_value DOUBLE, -- two-sided
    null_reason VARCHAR -- why there is no estimate; NULL where there is one
)
