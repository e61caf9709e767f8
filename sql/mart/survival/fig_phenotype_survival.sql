/* Survival of patients by the phenotypes of the organs that they have lesions in.
   Why: Zhou 2023, Supplementary Fig. 5.
   Caveats: phenotypes are estimated from the same patients.
   Grain: one row per comparator, grouping, endpoint and group_name
   Key: comparator, grouping, endpoint, group_name
   Tags: figure
*/
SELECT
    comparator, -- reference or mean: what the organs' hazards are compared with
    grouping, -- which phenotype decides
    endpoint, -- OS or PFS
    group_name, -- yes, or the rest
    n_patients, -- patients
    n_events, -- events
    median_days, -- median survival, days
    median_lower, -- lower limit
    median_upper, -- upper limit
    chi2, -- log-rank statistic
    p_value -- log-rank test
FROM analysis.phenotype_survival
