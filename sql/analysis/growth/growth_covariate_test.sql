/* Does a covariate act on a growth parameter at all? All its levels in one test.
   How: Wald tests per parameter. Standard errors are those of a sandwich by patient: lesions of a patient share its
   treatment and more, and count as one source. The likelihood-ratio test leaves the covariate out of all parameters and
   takes lesions as independent: for what is the same in all lesions of a patient its p-values are too small.
   Filled by: step growth_covariate
   Grain: one row per fit_id, covariate, parameter and test
   Key: fit_id, covariate, parameter, test
   Tags: public
*/
CREATE TABLE analysis.growth_covariate_test (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    covariate VARCHAR, -- name of the covariate
    parameter VARCHAR, -- growth parameter, or all
    test VARCHAR, -- Wald by patient, or likelihood ratio
    chi2 DOUBLE, -- statistic
    df BIGINT, -- degrees of freedom: levels but the reference, times parameters
    p_value DOUBLE -- of F(df, patients - 1) for Wald, of chi-squared for the ratio
)
