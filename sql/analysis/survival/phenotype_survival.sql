/* Survival of patients with organs of a phenotype, against the rest.
   How: groups of analysis.patient_phenotype; Kaplan-Meier medians, log-rank test of the two groups.
   Caveats: a comparison of patients as they are, without covariates.
   Reference: Zhou et al. 2023, Nat Commun, Fig. S5: any low-high organ, OS median 378 against 561 days; high-low organs
   only, 770 against 524 days
   Filled by: step hazard
   Grain: one row per comparator, grouping, endpoint and group_name
   Key: comparator, grouping, endpoint, group_name
   Tags: public
*/
CREATE TABLE analysis.phenotype_survival (
    comparator VARCHAR, -- of analysis.organ_phenotype
    grouping VARCHAR, -- any high-high, any high-low, any low-high, any low-low, or only high-low
    endpoint VARCHAR, -- OS or PFS
    group_name VARCHAR, -- yes, or the rest
    n_patients BIGINT, -- patients with a known time
    n_events BIGINT, -- of them who died (OS), or progressed or died (PFS)
    median_days DOUBLE, -- Kaplan-Meier median; null where not reached
    median_lower DOUBLE, -- its lower limit (survival.confidence, survival.interval)
    median_upper DOUBLE, -- its upper limit
    chi2 DOUBLE, -- log-rank statistic of the two groups
    p_value DOUBLE -- its p-value
)
