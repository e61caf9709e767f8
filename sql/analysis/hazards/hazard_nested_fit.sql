/* One final hazard model with two nested random effects, of sites (or studies) and of the patients within them.
   Why: patients of one site share readers, scanners and practice; what they share is no property of each patient.
   How: lesions and terms of the final model of analysis.hazard_fit, Laplace's approximation with the exact determinant,
   as R's coxme (1 | site/patient) with dense matrices.
   Caveats: patients whose site is not stated count as one site of their study. With few sites the variance between them
   is hardly known: read its limits. Laplace's approximation states the variance of patients with few events a few
   percent low.
   Only with hazards.random_effect site/patient or study/patient; else empty. Reference: Ripatti and Palmgren,
   Biometrics 2000; Therneau, Grambsch and Pankratz, JCGS 2003. See docs/hazards.md
   Filled by: step hazard_nested
   Grain: one row per endpoint and stratum
   Key: endpoint, stratum
   Tags: public
*/
CREATE TABLE analysis.hazard_nested_fit (
    endpoint VARCHAR, -- response or progression
    stratum VARCHAR, -- all, a class of treatment or a tumor type: analysis.hazard_fit
    random_effect VARCHAR, -- site/patient or study/patient (hazards.random_effect)
    n_sites BIGINT, -- sites (or studies) with a lesion in the model
    n_patients BIGINT, -- patients with one
    n_patients_without_site BIGINT, -- of them, whose site is not stated
    n_lesions BIGINT, -- lesions in the model
    n_events BIGINT, -- of them with an event
    site_variance DOUBLE, -- variance of the sites' effect on the log hazard
    site_variance_lower DOUBLE, -- its profile-likelihood limit (hazards.confidence); of all lesions and of tumor types
    -- only
    site_variance_upper DOUBLE, -- the same, above; NULL where there is none
    patient_variance DOUBLE, -- variance of the patients' effect within sites
    patient_variance_lower DOUBLE, -- its profile-likelihood limit
    patient_variance_upper DOUBLE, -- the same, above; NULL where there is none
    patient_variance_alone DOUBLE, -- the patients' variance without an effect of sites
    site_chi2 DOUBLE, -- likelihood-ratio statistic of a site variance of 0
    site_p_value DOUBLE, -- its p-value, from the 50:50 mixture of chi-squared with 0 and 1 df
    loglik_null DOUBLE, -- log partial likelihood at coefficients 0 without random effects
    loglik_fixed DOUBLE, -- its maximum without random effects
    loglik_patient DOUBLE, -- its maximum with the patients' effects alone integrated out
    loglik_site DOUBLE, -- its maximum with the sites' effects alone integrated out
    loglik_integrated DOUBLE, -- its maximum with both integrated out
    n_evaluations BIGINT, -- pairs of variances at which the model was fitted
    is_boundary BOOLEAN, -- the likelihood is highest with a variance of 0
    is_converged BOOLEAN, -- the search ended at a maximum
    null_reason VARCHAR -- why there is no such model; NULL where there is one
)
