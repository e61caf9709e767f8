/* One population fit of the growth of target lesions, and how exact it is.
   Why: rates of growth (kg) and shrinkage (kd) and the part that grows (F) of every lesion, estimated together, are
   what organs and treatments are compared by.
   How: a nonlinear mixed-effects model, V0 and its day as regressors; rows from baseline on, volumes below
   volume.limit_of_quantification_mm3 censored in [0, limit]. Exact maximum of the likelihood by importance sampling.
   Patients leave a trial when one of their lesions progresses, which is ignorable only where the patient's other
   lesions are in the likelihood: so lesions of a patient vary together, unless growth.patient_effects is false; and
   progression that target lesions do not show is part of the likelihood, unless growth.dropout is false
   (analysis.growth_dropout). Tumor types are fitted by themselves (growth.subset_by, analysis.growth_subset). A cold
   start, so that the same input gives the same bytes, unless growth.warm_start is true. No row of a subset in which
   fewer than growth.fewest_lesions lesions are usable: analysis.growth_excluded has its lesions.
   Reference: Zhou et al. 2023, Nat Commun, Methods, equation (2), Figs. 2 and S1 to S3
   Filled by: step growth
   Grain: one row per fit_id
   Key: fit_id
   Tags: public
*/
CREATE TABLE analysis.growth_fit (
    fit_id VARCHAR, -- subset and model
    model VARCHAR, -- growth model, the setting growth.model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    n_lesions BIGINT, -- lesions fitted
    n_patients BIGINT, -- their patients; null without patients' effects
    n_excluded BIGINT, -- analysed target lesions excluded (analysis.growth_excluded)
    n_observations BIGINT, -- measurements evaluated
    n_censored BIGINT, -- of them, below the limit of quantification
    censoring_method VARCHAR, -- interval: P(0 <= volume <= limit)
    error_model VARCHAR, -- residual error
    is_baseline_counted BOOLEAN, -- baselines count as observations (growth.count_baseline)
    has_patient_effects BOOLEAN, -- lesions of a patient vary together (growth.patient_effects)
    has_dropout BOOLEAN, -- progression that target lesions do not show is part of the fit (growth.dropout)
    n_dropout_events BIGINT, -- patients with such progression; null without has_dropout
    minus2ll DOUBLE, -- -2 log-likelihood of the measurements; with has_dropout of measurements and events
    minus2ll_mc_se DOUBLE, -- its Monte Carlo standard error, an upper bound
    aic DOUBLE, -- Akaike's criterion
    bic DOUBLE, -- Bayesian criterion, by the number of patients, or of lesions without their effects
    minus2ll_gain DOUBLE, -- -2 log-likelihood without patients' effects, minus minus2ll
    is_converged BOOLEAN, -- every estimate is exact to a fifth of its standard error
    verdict VARCHAR, -- convergence in a sentence
    newton_decrement DOUBLE, -- squared distance to the maximum, in standard errors
    largest_mc_share DOUBLE, -- largest Monte Carlo error over standard error
    smallest_ess DOUBLE, -- effective importance draws of the worst lesion
    is_warm_start BOOLEAN, -- started from the published fit (growth.warm_start)
    seed BIGINT -- seed of the random numbers
)
