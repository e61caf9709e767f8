/* Likelihood-ratio tests of the terms of hazard models, and of the covariates that might have been terms.
   How: test screening adds a candidate to the organs (and, where hazards.selection is forward or backward, to those
   selected before or left) among the lesions where it is known; those with p < hazards.selection_level enter the final
   model. Test final takes a term out of a fitted model. The variance of the random effect is estimated again.
   Reference: Zhou et al. 2023, Nat Commun, Methods, 'Cox proportional regression model', Figs. 3, S4 to S6; Ripatti and
   Palmgren, Biometrics 2000. See docs/hazards.md
   Filled by: step hazard
   Grain: one row per model_id, test, step and term
   Key: model_id, test, step, term
   Tags: public
*/
CREATE TABLE analysis.hazard_term_test (
    model_id VARCHAR, -- model that the test is of (screening: whose covariates it chose)
    test VARCHAR, -- screening or final
    step BIGINT, -- of the selection, from 1; 0 for final
    term VARCHAR, -- candidate or term
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all; a class of treatment; or a tumor type, where there are several
    chi2 DOUBLE, -- likelihood-ratio statistic; null where it could not be tested
    df BIGINT, -- its degrees of freedom
    p_value DOUBLE, -- its p-value
    wald_chi2 DOUBLE, -- Wald's statistic (final only)
    wald_p_value DOUBLE, -- its p-value
    variance_without DOUBLE, -- variance of the random effect without the term (final only)
    n_lesions BIGINT, -- lesions that both models were fitted to
    n_events BIGINT, -- of them with an event
    is_selected BOOLEAN, -- screening: the step took it in, or kept it; final: true
    problem VARCHAR -- why it could not be tested; null where it could
)
