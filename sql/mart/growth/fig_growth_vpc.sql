/* Visual predictive check of the growth model: one row per bin of time.
   Why: percentiles of the measurements should run inside the bands of simulations.
   Caveats: p05 to p95 are of prediction-corrected sizes, raw_ ones of sizes as measured. Simulated patients leave as
   the real ones did (simulates_dropout) where the fit holds drop-out; else late bins hold lesions that had not
   progressed, which the simulations do not know: see fig_growth_residual, whose npde takes each scan given the earlier
   ones. A band is NULL where no simulation reaches the bin.
   Grain: one row per fit_id, stratum_kind, stratum and bin
   Key: fit_id, stratum_kind, stratum, bin
   Tags: figure
*/
SELECT
    fit_id, -- analysis.growth_fit
    subset, -- lesions that were fitted together, or all
    stratum_kind, -- all, treatment_class or organ
    stratum, -- the treatment class or organ; all
    bin, -- number of the bin, from 1
    any_value(day_from ORDER BY quantity) AS day_from, -- first day of the bin
    any_value(day_to ORDER BY quantity) AS day_to, -- last day
    any_value(day_middle ORDER BY quantity) AS day_middle, -- median day
    any_value(n_rows ORDER BY quantity) AS n_rows, -- measurements
    bool_or(simulates_dropout) AS simulates_dropout, -- simulated patients leave too
    max(observed) FILTER (WHERE quantity = 'p05') AS p05, -- 5th percentile of the corrected sizes, mm3
    max(simulated_lower) FILTER (WHERE quantity = 'p05') AS p05_lower, -- band of simulations
    max(simulated_median) FILTER (WHERE quantity = 'p05') AS p05_median, -- their median
    max(simulated_upper) FILTER (WHERE quantity = 'p05') AS p05_upper, -- band of simulations
    max(observed) FILTER (WHERE quantity = 'p50') AS p50, -- median of the corrected sizes, mm3
    max(simulated_lower) FILTER (WHERE quantity = 'p50') AS p50_lower, -- band of simulations
    max(simulated_median) FILTER (WHERE quantity = 'p50') AS p50_median, -- their median
    max(simulated_upper) FILTER (WHERE quantity = 'p50') AS p50_upper, -- band of simulations
    max(observed) FILTER (WHERE quantity = 'p95') AS p95, -- 95th percentile of the corrected sizes, mm3
    max(simulated_lower) FILTER (WHERE quantity = 'p95') AS p95_lower, -- band of simulations
    max(simulated_median) FILTER (WHERE quantity = 'p95') AS p95_median, -- their median
    max(simulated_upper) FILTER (WHERE quantity = 'p95') AS p95_upper, -- band of simulations
    max(observed) FILTER (WHERE quantity = 'p05_uncorrected') AS raw_p05, -- 5th percentile as measured, mm3
    max(simulated_lower) FILTER (WHERE quantity = 'p05_uncorrected') AS raw_p05_lower, -- band of simulations
    max(simulated_median) FILTER (WHERE quantity = 'p05_uncorrected') AS raw_p05_median, -- their median
    max(simulated_upper) FILTER (WHERE quantity = 'p05_uncorrected') AS raw_p05_upper, -- band of simulations
    max(observed) FILTER (WHERE quantity = 'p50_uncorrected') AS raw_p50, -- median as measured, mm3
    max(simulated_lower) FILTER (WHERE quantity = 'p50_uncorrected') AS raw_p50_lower, -- band of simulations
    max(simulated_median) FILTER (WHERE quantity = 'p50_uncorrected') AS raw_p50_median, -- their median
    max(simulated_upper) FILTER (WHERE quantity = 'p50_uncorrected') AS raw_p50_upper, -- band of simulations
    max(observed) FILTER (WHERE quantity = 'p95_uncorrected') AS raw_p95, -- 95th percentile as measured, mm3
    max(simulated_lower) FILTER (WHERE quantity = 'p95_uncorrected') AS raw_p95_lower, -- band of simulations
    max(simulated_median) FILTER (WHERE quantity = 'p95_uncorrected') AS raw_p95_median, -- their median
    max(simulated_upper) FILTER (WHERE quantity = 'p95_uncorrected') AS raw_p95_upper, -- band of simulations
    max(observed) FILTER (WHERE quantity = 'censored') AS censored, -- share below the limit of quantification
    max(simulated_lower) FILTER (WHERE quantity = 'censored') AS censored_lower, -- band of simulations
    max(simulated_median) FILTER (WHERE quantity = 'censored') AS censored_median, -- their median
    max(simulated_upper) FILTER (WHERE quantity = 'censored') AS censored_upper, -- band of simulations
    max(observed) FILTER (WHERE quantity = 'followed') AS followed, -- Kaplan-Meier share of patients who have not left
    max(simulated_lower) FILTER (WHERE quantity = 'followed') AS followed_lower, -- band of simulations
    max(simulated_median) FILTER (WHERE quantity = 'followed') AS followed_median, -- their median
    max(simulated_upper) FILTER (WHERE quantity = 'followed') AS followed_upper -- band of simulations
FROM analysis.growth_vpc
GROUP BY fit_id, subset, stratum_kind, stratum, bin
