/* Prediction-corrected visual predictive check: percentiles of the measurements in time, beside those of simulations.
   Why: a growth model that is right about single lesions and wrong about their spread shows here.
   How: measurements and simulations (growth.vpc_simulations of the whole project) are divided by their population
   prediction and multiplied by the bin's median one. Bins hold about equal numbers of measurements, and are the same
   for both. Quantities _uncorrected are of the volumes as measured: lesions of all sizes then share a bin, which widens
   its percentiles and may hide a misfit. Where the fit holds drop-out (analysis.growth_dropout) simulated patients
   leave as well (simulates_dropout): by the hazard of the fit, when their sum of diameters progresses by RECIST 1.1, or
   when withdrawal or the end of the study comes; who stays longer than the real patient goes on with visits as usual in
   the study. Measurements after a patient's first progression are left out on both sides. Without drop-out simulations
   have the days of the measurements. quantity censored is the share of the measurements below the limit of
   quantification; followed is the Kaplan-Meier share of patients who have neither progressed nor died by day_middle, of
   those with a measurement after baseline.
   Caveats: without drop-out simulated lesions are followed as long as the real ones; real ones stop with progression,
   so late bins hold the better lesions and need not lie in their band. With drop-out a band says that sizes and hazard
   together are right, not each. Withdrawal is taken to be by chance.
   Reference: Bergstrand 2011, AAPS J; Monolix documentation, correcting the VPC for missing observations
   Filled by: step growth_check
   Grain: one row per fit_id, stratum_kind, stratum, bin and quantity
   Key: fit_id, stratum_kind, stratum, bin, quantity
   Tags: public
*/
CREATE TABLE analysis.growth_vpc (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    stratum_kind VARCHAR, -- all, treatment_class or organ (growth.check_strata)
    stratum VARCHAR, -- the treatment class or organ; all
    bin BIGINT, -- number of the bin of time, from 1
    quantity VARCHAR, -- p05, p50, p95 (prediction-corrected volume, mm3), p05_uncorrected, p50_uncorrected,
    -- p95_uncorrected (volume as measured, mm3), censored or followed (shares, 0 to 1)
    day_from DOUBLE, -- first day of the bin
    day_to DOUBLE, -- last day of the bin
    day_middle DOUBLE, -- median day of its measurements
    n_rows BIGINT, -- measurements in the bin
    observed DOUBLE, -- of the measurements
    simulated_lower DOUBLE, -- lower limit of the band of simulations; null where none reaches the bin
    simulated_median DOUBLE, -- median of the simulations
    simulated_upper DOUBLE, -- upper limit of the band
    level DOUBLE, -- coverage of the band
    simulates_dropout BOOLEAN, -- simulated patients leave too; false: they stay as long as the real ones did
    is_inside BOOLEAN -- observed lies in the band; null without a band
)
