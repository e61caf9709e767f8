/* One population parameter of a growth fit, with its interval and its shrinkage.
   Why: the estimates table of Zhou 2023, and how much single lesions say (shrinkage).
   Caveats: shrinkage stands with the spread (omega) of a parameter: 1 - sd(estimates) / omega. Above about 0.5,
   single lesions' estimates lean on the population.
   Reference: Zhou et al. 2023, Supplementary Table 2; Savic and Karlsson 2009.
   Grain: one row per fit_id and parameter
   Key: fit_id, parameter
   Tags: figure
*/
SELECT
    population.fit_id, -- id of the fit
    population.subset, -- lesions that were fitted together, or all
    population.parameter, -- population value, spread between lesions (omega) or residual error
    population.estimate, -- estimate
    population.standard_error, -- standard error
    population.rse_percent, -- relative standard error, percent
    population.ci_lower, -- lower limit
    population.ci_upper, -- upper limit
    population.unit, -- unit; NULL where it has none
    population.shrinkage_modes, -- shrinkage of the lesions' conditional modes
    population.shrinkage_means, -- shrinkage of the lesions' conditional means
    fit.n_lesions -- lesions of the fit
FROM analysis.growth_population AS population
INNER JOIN analysis.growth_fit AS fit ON population.fit_id = fit.fit_id
