/* Residuals of a growth fit in a line: are they standard normal?
   Why: mean, variance and a test say whether curves, spread between lesions and error are as the model has them.
   How: a right model has mean 0 and variance 1 for all but individual_residual, whose variance lacks what shrinkage
   took. is_adequate asks for a mean within 0.1 and a variance within 0.8 to 1.25.
   Caveats: with tens of thousands of rows tests find deviations too small to matter; look at mean and variance first.
   Parameters were estimated from the same rows, which makes p-values too large. Tests of population_residual take rows
   of a lesion as independent, which they are not.
   Reference: Comets 2008; Karlsson and Savic 2007, Clin Pharmacol Ther (epsilon shrinkage)
   Filled by: step growth_check
   Grain: one row per fit_id, stratum_kind, stratum and quantity
   Key: fit_id, stratum_kind, stratum, quantity
   Tags: public
*/
CREATE TABLE analysis.growth_fit_check (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    stratum_kind VARCHAR, -- all, treatment_class or organ (growth.check_strata)
    stratum VARCHAR, -- the treatment class or organ; all
    quantity VARCHAR, -- column of analysis.growth_residual
    n_rows BIGINT, -- measurements
    n_censored BIGINT, -- of them below the limit of quantification
    mean DOUBLE, -- mean
    mean_p_value DOUBLE, -- t test of mean 0
    variance DOUBLE, -- variance
    variance_p_value DOUBLE, -- chi-squared test of variance 1, two-sided
    skewness DOUBLE, -- third standardised moment; 0 if normal
    ks_statistic DOUBLE, -- Kolmogorov-Smirnov distance from the standard normal
    ks_p_value DOUBLE, -- its p-value
    share_beyond_2 DOUBLE, -- share beyond -1.96 and 1.96; 0.05 if normal
    epsilon_shrinkage DOUBLE, -- 1 - standard deviation; null for other than individual_residual
    is_adequate BOOLEAN -- mean within 0.1 and variance within 0.8 to 1.25; null for individual_residual
)
