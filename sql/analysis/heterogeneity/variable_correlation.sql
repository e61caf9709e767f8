/* Correlation of two variables of lesions or patients.
   Why: heterogeneity should not be another word for many lesions.
   How: staging.correlation_plan. Intervals by Fisher's transformation; p-values exact for few values without ties
   (Kendall below 50, Spearman up to 9).
   Caveats: lesions are counted as if independent.
   Reference: Zhou et al., Cancer Res 2021, Results (tau = 0.005, p = 0.71); Bonett and Wright, Psychometrika 2000
   Filled by: step variable_correlation
   Grain: one row per subset, x, y, min_lesions and method
   Key: subset, x, y, min_lesions, method
   Tags: public
*/
CREATE TABLE analysis.variable_correlation (
    subset VARCHAR, -- analysis.patient_subset: in which patients
    x VARCHAR, -- one variable
    y VARCHAR, -- the other
    min_lesions BIGINT, -- patients with at least so many target lesions with phases
    method VARCHAR, -- kendall (tau-b), spearman or pearson
    level VARCHAR, -- what is counted: patient or lesion
    n BIGINT, -- pairs of values
    estimate DOUBLE, -- correlation, -1 to 1
    ci_lower DOUBLE, -- lower limit (survival.confidence)
    ci_upper DOUBLE, -- upper limit
    statistic DOUBLE, -- z or T (Kendall), S (Spearman) or t (Pearson)
    p_value DOUBLE, -- two-sided
    is_exact BOOLEAN, -- the p-value is exact
    null_reason VARCHAR -- why there is no correlation; NULL where there is one
)
