/* The shipped growth models, each fitted to the target lesions of a study or arm.
   Why: whether a part that regrows and a part that shrinks (two_population) describes lesions better than simpler
   curves.
   How: the same rows, conventions and lesions for all models of a study and arm; at most growth.compare_lesions
   lesions, chosen by a hash of their id. Smaller AIC and BIC are better; is_best is the smallest BIC among fits that
   converged. two_population takes the lesion to have grown before the first dose, as published.
   Caveats: empty unless growth.compare_models is on. Differences of BIC below 2 say nothing, and those below
   minus2ll_mc_se neither. Parameters of different models are not comparable.
   Reference: Zhou et al. 2023; Stein 2011; Claret 2009; Laleh 2022, PLoS Comput Biol
   Filled by: step growth_model_comparison
   Grain: one row per study_id, arm and model
   Key: study_id, arm, model
   Tags: public
*/
CREATE TABLE analysis.growth_model_comparison (
    study_id VARCHAR, -- core.study
    arm VARCHAR, -- core.patient, or all
    model VARCHAR, -- two_population, stein_fojo, claret, exponential, gompertz or logistic
    n_lesions BIGINT, -- lesions fitted
    n_available BIGINT, -- lesions that could have been
    n_observations BIGINT, -- measurements evaluated
    n_estimates BIGINT, -- population estimates
    minus2ll DOUBLE, -- -2 log-likelihood; null where the model could not be fitted
    minus2ll_mc_se DOUBLE, -- its Monte Carlo standard error, an upper bound
    aic DOUBLE, -- Akaike's criterion
    bic DOUBLE, -- Bayesian criterion, by the number of lesions
    delta_bic DOUBLE, -- bic minus the smallest of a converged model
    is_best BOOLEAN, -- smallest bic among the models that converged
    is_converged BOOLEAN, -- every estimate is exact to a fifth of its standard error
    verdict VARCHAR -- convergence in a sentence, or why there is no fit
)
