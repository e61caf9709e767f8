/* Whether the selected features vary between a patient's lesions at all, and whether they vary otherwise in patients
   with few lesions (oligo: 2 to 5) than in those with many (multi: 15 or more).
   How: the patients' absolute coefficients of variation; Student's one-sample test of mean 0 in all patients and in
   each group, Wilcoxon's rank sum test between the groups (exact where R's is); intervals by bootstrap of patients.
   Caveats: an absolute coefficient of variation cannot be negative, so that its mean is other than 0 says little; the
   interval says more. A small p-value is significant below radiomics.significance, which was 0.05 / 32 for the paper's
   8 features and 4 tests.
   Reference: Henry et al. 2022, Methods, Data analysis
   Filled by: step radiomic_test
   Grain: one row per study_id, feature, test and population
   Key: study_id, feature, test, population
   Tags: public
*/
CREATE TABLE analysis.radiomic_test (
    study_id VARCHAR, -- core.study
    feature VARCHAR, -- name of the feature, selected in analysis.radiomic_robustness
    test VARCHAR, -- one-sample t or Wilcoxon rank sum
    population VARCHAR, -- all, oligo, multi, or 'oligo and multi'
    n_patients BIGINT, -- patients with a coefficient, of both groups
    estimate DOUBLE, -- mean coefficient; between groups the mean of oligo minus that of multi
    ci_lower DOUBLE, -- lower bootstrap limit (radiomics.confidence)
    ci_upper DOUBLE, -- upper bootstrap limit
    statistic DOUBLE, -- t, or Wilcoxon's W of oligo
    p_value DOUBLE, -- two-sided
    p_bonferroni DOUBLE, -- p_value times the number of tests of the study, at most 1
    threshold DOUBLE, -- p-values below it are significant
    is_significant BOOLEAN, -- p_value lies below the threshold
    is_exact BOOLEAN, -- the p-value is exact
    null_reason VARCHAR -- why there is no test; NULL where there is one
)
