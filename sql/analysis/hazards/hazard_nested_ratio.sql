/* One hazard ratio of a model with nested random effects (analysis.hazard_nested_fit), beside that of the model with
   the patient's alone.
   Caveats: it is for patients of the same site. Intervals and p-values are Wald's, the variances taken as known.
   Only with hazards.random_effect site/patient or study/patient; else empty. Reference: Ripatti and Palmgren,
   Biometrics 2000; Therneau, Grambsch and Pankratz, JCGS 2003. See docs/hazards.md
   Filled by: step hazard_nested
   Grain: one row per endpoint, stratum, term and level
   Key: endpoint, stratum, term, level
   Tags: public
*/
CREATE TABLE analysis.hazard_nested_ratio (
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all, a class of treatment or a tumor type: analysis.hazard_fit
    term VARCHAR, -- organ or covariate
    level VARCHAR, -- its level; the covariate's name where it is a number
    reference VARCHAR, -- level that it is compared with; NULL for numbers
    log_hr DOUBLE, -- log hazard ratio
    standard_error DOUBLE, -- its standard error
    hazard_ratio DOUBLE, -- hazard ratio
    ci_lower DOUBLE, -- lower limit (hazards.confidence)
    ci_upper DOUBLE, -- upper limit
    p_value DOUBLE, -- two-sided, Wald
    patient_log_hr DOUBLE, -- log hazard ratio with the patient's random effect alone
    patient_standard_error DOUBLE -- its standard error
)
