/* The way of a growth fit: the population estimates at each step.
   Why: whether the estimates came to rest, as the plot of convergence of Monolix shows it.
   How: stage saem is stochastic approximation (few iterations: it has to come near), newton Newton's method on the
   likelihood by importance sampling, patients the same on the likelihood with patients' effects. Before patients an
   omega_ is the spread of all lesions; from patients on of those of one patient, and gamma_ that between patients.
   Steps that were taken back are among them.
   Caveats: saem wanders by design; newton and patients are deterministic given the nodes, which are put anew a few
   times, so that minus2ll may rise by their error. The first steps of patients are of some of the patients where they
   are many, and have no minus2ll. No rows of saem after a warm start.
   Reference: Monolix documentation, Population parameter estimation using SAEM (convergence of the parameters)
   Filled by: step growth
   Grain: one row per fit_id, step and parameter
   Key: fit_id, step, parameter
   Tags: public
*/
CREATE TABLE analysis.growth_trace (
    fit_id VARCHAR, -- analysis.growth_fit: subset and model
    subset VARCHAR, -- lesions that were fitted together, or all (analysis.growth_subset)
    step BIGINT, -- number of the step over all stages, from 1
    stage VARCHAR, -- saem, newton or patients
    parameter VARCHAR, -- as in analysis.growth_population
    estimate DOUBLE, -- the estimate there
    minus2ll DOUBLE -- -2 log-likelihood there; rough in saem, null where it was not worked out
)
