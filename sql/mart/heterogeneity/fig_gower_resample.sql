/* Hazard ratio and p-value of the Gower distance in one random sample of the patients.
   Why: the distribution of p-values over subsets, and of hazard ratios over bootstrap samples.
   Caveats: subsets share most of their patients: their spread is not the standard error.
   Reference: Zhou et al. 2021, Fig. 2E.
   Grain: one row per scheme and replicate
   Key: scheme, replicate
   Tags: figure
*/
SELECT
    scheme, -- subset (without replacement) or bootstrap (with)
    replicate, -- number of the sample
    CASE
        WHEN abs(log_hr) < 690 THEN exp(log_hr)
    END AS hazard_ratio, -- hazard ratio of the Gower distance, overall survival; NULL where beyond what a number holds
    p_value, -- two-sided
    log10(greatest(p_value, 1e-300)) AS log10_p_value, -- its decimal logarithm
    n_patients, -- patients drawn
    n_events -- deaths among them
FROM analysis.survival_resample
WHERE term = 'patient_gower_distance' AND log_hr IS NOT NULL
