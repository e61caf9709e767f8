/* The lines of all patients through the logarithms of a biomarker in one window, as a population.
   Why: the typical doubling or halving time, with patients of few results and results below the limit counted for what
   they say.
   How: log value = a + b day + error, (a, b) normal over patients and correlated, the error normal; a result below its
   limit adds the probability of being there. Maximum likelihood, both effects integrated out by adaptive Gauss-Hermite
   quadrature.
   Caveats: patients who leave because of their course are missing at random only given their results. With limits on
   both sides of 0 the population doubles or halves.
   Reference: Hughes, Biometrics 1999; Beal, J Pharmacokinet Pharmacodyn 2001 (M3); Vaida and Liu, J Comput Graph Stat
   2009
   Filled by: step biomarker_kinetics
   Grain: one row per test and time_window
   Key: test, time_window
   Tags: public
*/
CREATE TABLE analysis.biomarker_population (
    test VARCHAR, -- marker of staging.biomarker
    time_window VARCHAR, -- early or late
    n_patients BIGINT, -- patients with a result in the window
    n_results BIGINT, -- results
    n_below_limit BIGINT, -- of them, below the limit
    intercept_mean DOUBLE, -- mean logarithm on the day of the first dose
    slope_mean DOUBLE, -- mean slope of the natural logarithm, per day
    slope_error DOUBLE, -- its standard error
    slope_lower DOUBLE, -- lower limit (survival.confidence)
    slope_upper DOUBLE, -- upper limit
    intercept_sd DOUBLE, -- standard deviation of patients' levels, logarithms
    slope_sd DOUBLE, -- standard deviation of patients' slopes, per day
    correlation DOUBLE, -- between level and slope; NULL where it would be 1 or -1 and the two are taken as independent
    sigma DOUBLE, -- standard deviation of results about a patient's line, logarithms
    loglik DOUBLE, -- log-likelihood
    direction VARCHAR, -- doubling, halving, or doubling or halving
    days_to_double_or_halve DOUBLE, -- log 2 over the mean slope without its sign, days
    days_lower DOUBLE, -- lower limit; NULL where the direction is open
    days_upper DOUBLE, -- upper limit; NULL where the direction is open
    is_converged BOOLEAN, -- the maximum was found and its curvature is that of one
    reason VARCHAR -- why there is no estimate, or no error; NULL where there is
)
