/* A growth estimate of simulated trials beside the truth. Empty for real trials.
   Why: says for every run on simulated data how far the fit is from what made the data. Empty, too, for other
   growth models than two_population: their parameters have no truth.
   How: subset by subset. The truth are the marginal values over its fitted lesions: exp of the mean of log kg and log
   kd, inverse logit of the mean of logit F, and the standard deviations of the three, all patients, organs and
   treatments together; so omega_ is held against them with the patients' variance added (total_sd).
   Caveats: exact agreement is not to be expected. Sizes are whole millimetres, and patients leave for reasons that
   target lesions do not show; docs/growth.md says what each does.
   Grain: one row per fit_id and parameter
   Key: fit_id, parameter
   Tags: public
*/
WITH fitted AS (
    SELECT
        lesion.fit_id,
        lesion.lesion_id,
        ln(simulated.kg_per_day) AS log_kg,
        ln(simulated.kd_per_day) AS log_kd,
        ln(simulated.f / (1 - simulated.f)) AS logit_f,
        simulated.b
    FROM analysis.growth_lesion AS lesion
    INNER JOIN staging.simulated_lesion AS simulated ON lesion.lesion_id = simulated.lesion_id
    WHERE
        lesion.estimate_kind = 'conditional_mode'
        AND lesion.kg_per_day IS NOT NULL
        AND lesion.kd_per_day IS NOT NULL
        AND lesion.f IS NOT NULL
        AND simulated.kg_per_day > 0
        AND simulated.kd_per_day > 0
        AND simulated.f > 0
        AND simulated.f < 1
),

marginal AS (
    SELECT
        fit_id,
        count(*) AS n_simulated,
        avg(log_kg ORDER BY lesion_id) AS mean_log_kg,
        avg(log_kd ORDER BY lesion_id) AS mean_log_kd,
        avg(logit_f ORDER BY lesion_id) AS mean_logit_f,
        stddev_pop(log_kg ORDER BY lesion_id) AS sd_log_kg,
        stddev_pop(log_kd ORDER BY lesion_id) AS sd_log_kd,
        stddev_pop(logit_f ORDER BY lesion_id) AS sd_logit_f,
        max(b) AS b
    FROM fitted
    GROUP BY fit_id
),

truth AS (
    SELECT
        fit_id,
        n_simulated,
        unnest(['kg_pop', 'kd_pop', 'f_pop', 'omega_kg', 'omega_kd', 'omega_f', 'b']) AS parameter,
        unnest([
            exp(mean_log_kg), exp(mean_log_kd), 1 / (1 + exp(-mean_logit_f)), sd_log_kg, sd_log_kd, sd_logit_f, b
        ]) AS truth,
        CAST(unnest([0.05, 0.05, 0.1, 0.1, 0.1, 0.1, 0.1]) AS DOUBLE) AS tolerance
    FROM marginal
)

SELECT
    population.fit_id, -- analysis.growth_fit
    population.subset, -- lesions that were fitted together, or all
    population.parameter, -- kg_pop, kd_pop, f_pop, omega_kg, omega_kd, omega_f or b
    coalesce(population.total_sd, population.estimate) AS estimate, -- of omega_: both levels together
    population.standard_error / population.estimate AS relative_standard_error, -- standard error over estimate
    truth.truth, -- marginal value over the fitted lesions
    coalesce(population.total_sd, population.estimate) / truth.truth - 1 AS relative_difference, -- estimate / truth - 1
    truth.tolerance, -- largest relative difference that is expected
    abs(coalesce(population.total_sd, population.estimate) / truth.truth - 1)
    <= truth.tolerance AS is_within, -- the difference is not larger
    truth.n_simulated, -- fitted lesions whose truth is known
    fit.n_lesions -- fitted lesions
FROM analysis.growth_population AS population
INNER JOIN truth ON population.fit_id = truth.fit_id AND population.parameter = truth.parameter
INNER JOIN analysis.growth_fit AS fit ON population.fit_id = fit.fit_id
