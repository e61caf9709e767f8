/* The way of a growth fit to its estimates: one point of one parameter.
   Why: whether the estimates came to rest before the fit ended.
   Caveats: the first stage (saem) wanders by design; where patients' effects enter (stage patients), the spread between
   lesions becomes that of the lesions of one patient, and falls.
   Grain: one row per fit_id, step and parameter
   Key: fit_id, step, parameter
   Tags: figure
*/
SELECT
    fit_id, -- analysis.growth_fit
    subset, -- lesions that were fitted together, or all
    step, -- number of the step over all stages
    stage, -- saem, newton or patients
    parameter, -- as in analysis.growth_population
    estimate, -- the estimate there
    minus2ll -- -2 log-likelihood there; NULL where it was not worked out
FROM analysis.growth_trace
