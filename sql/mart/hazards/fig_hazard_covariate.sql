/* Covariates of the hazard models: hazard ratios, and the test that chose them.
   Why: Zhou 2023, Fig. S4.
   Caveats: a covariate was tested alone beside organ and stands in the final model beside the others. One that was not
   selected has no hazard ratio. With stepwise selection the last test of each is shown. A level whose hazard ratio is
   0 or infinite (is_separated) has the one limit that there is.
   Grain: one row per stratum, endpoint, term and level
   Key: stratum, endpoint, term, level
   Tags: figure
*/
WITH screened AS (
    SELECT
        model_id,
        stratum,
        endpoint,
        term,
        chi2,
        df,
        p_value,
        is_selected,
        problem,
        n_lesions
    FROM analysis.hazard_term_test
    WHERE test = 'screening'
    QUALIFY row_number() OVER (PARTITION BY model_id, term ORDER BY step DESC) = 1
)

SELECT
    screened.stratum, -- all, or a tumor type
    screened.endpoint, -- response or progression
    screened.term, -- covariate
    coalesce(ratio.level, '') AS level, -- its level; the covariate itself for a number; empty without a hazard ratio
    ratio.reference, -- level compared with; per unit: a number
    screened.is_selected, -- in the final model
    screened.chi2, -- likelihood-ratio statistic beside organ
    screened.df, -- its degrees of freedom
    screened.p_value AS screening_p_value, -- its p-value
    final.p_value AS final_p_value, -- of the term in the final model, likelihood ratio
    screened.n_lesions AS n_lesions_known, -- lesions for which the covariate is known
    screened.problem, -- why it was not tested; NULL where it was
    ratio.n_lesions, -- lesions of the level
    ratio.n_events, -- of them with the event
    ratio.hazard_ratio, -- in the final model; where separated 0, or NULL for infinite
    ratio.ci_lower, -- lower limit
    ratio.ci_upper, -- upper limit; NULL where infinite
    coalesce(ratio.is_separated, FALSE) AS is_separated, -- the level has no event, or all fall on one side: one limit
    ratio.p_value -- Wald, of the level
FROM screened
LEFT JOIN analysis.hazard_ratio AS ratio
    ON screened.model_id = ratio.model_id AND screened.term = ratio.term
LEFT JOIN analysis.hazard_term_test AS final
    ON screened.model_id = final.model_id AND screened.term = final.term AND final.test = 'final'
