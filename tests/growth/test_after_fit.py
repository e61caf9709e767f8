"""What follows a fit: modes, draws, shrinkage, influence, curves, residuals, checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from growth.cases import CRC_LIKE, LABELS, QUICK
from scipy.stats import kstest

from udfs.growth import (
    ConditionalDraws,
    ConditionalModes,
    GrowthData,
    GrowthFit,
    assess_convergence,
    conditional_draws,
    conditional_modes,
    fit_growth,
    format_fit,
    individual_curves,
    influence,
    linearised_standard_errors,
    minus2ll_at,
    prediction_errors,
    predictive_check,
    residuals,
    shrinkage,
    simulate_data,
    simulate_from_fit,
    simulate_schedule,
)
from udfs.growth.modes import maximise


@pytest.fixture(scope="module")
def modes(simulated_fit: GrowthFit) -> ConditionalModes:
    return conditional_modes(simulated_fit)


@pytest.fixture(scope="module")
def draws(simulated_fit: GrowthFit) -> ConditionalDraws:
    return conditional_draws(simulated_fit, 100)


def test_no_random_start_beats_the_modes(simulated_fit: GrowthFit, modes: ConditionalModes):
    problem, population = simulated_fit.problem, simulated_fit.population
    assert modes.is_converged.all()
    rng = np.random.default_rng(0)
    n, copies = problem.n_lesions, 10
    lesions = np.repeat(np.arange(n), copies)
    typical = problem.design.mean(population.coefficients)[:, lesions]
    start = typical + 1.5 * population.sd[:, None] * rng.standard_normal(typical.shape)
    _, value, _, _ = maximise(problem, population, lesions, start, typical)
    best = value.reshape(n, copies).max(axis=1)
    assert (best > modes.log_posterior[problem.order] + 1e-6).sum() == 0


def test_modes_are_the_same_on_two_threads(simulated_fit: GrowthFit, modes: ConditionalModes):
    assert conditional_modes(simulated_fit, threads=2).phi.tobytes() == modes.phi.tobytes()


def test_draws_have_the_conditional_moments(simulated_fit: GrowthFit, draws: ConditionalDraws):
    lesions = simulated_fit.lesions
    # systematic resampling: the error of a mean of 100 draws is below that of independent ones
    error = (draws.phi.mean(axis=1) - lesions.mean_phi) / lesions.sd_phi
    assert np.sqrt((error**2).mean()) < 1.2 / np.sqrt(100)
    assert draws.phi.std(axis=1) / lesions.sd_phi == pytest.approx(1.0, abs=0.6)
    assert (draws.phi.std(axis=1) / lesions.sd_phi).mean() == pytest.approx(1.0, abs=0.03)
    assert ((draws.psi[..., 2] > 0) & (draws.psi[..., 2] < 1)).all()


def test_draws_do_not_shrink(
    simulated_fit: GrowthFit, modes: ConditionalModes, draws: ConditionalDraws
):
    found = shrinkage(simulated_fit, modes)
    assert (found.of_means > 0.2).all()
    assert (found.of_modes > 0.2).all()
    spread = (draws.phi - simulated_fit.lesions.typical_phi[:, None]).reshape(-1, 3).std(axis=0)
    # E[Var] + Var[E] = omega^2: an identity at the maximum
    np.testing.assert_allclose(spread, simulated_fit.population.sd, rtol=0.03)
    by_hand = 1 - (modes.phi[:, 0] - simulated_fit.lesions.typical_phi[:, 0]).var() / (
        simulated_fit.estimate("omega_kg") ** 2
    )
    assert found.of_modes[0] == pytest.approx(by_hand)


def test_influence_foretells_a_refit_without_the_lesion(
    simulated: GrowthData, simulated_fit: GrowthFit
):
    found = influence(simulated_fit)
    np.testing.assert_allclose(found.shift.sum(axis=0), 0.0, atol=0.02)  # scores sum to 0
    worst = int(np.argmax(found.largest_shift))
    keep = np.arange(simulated.n_lesions) != simulated_fit.lesions.position[worst]
    without = fit_growth(simulated.take(keep), settings=QUICK, start=simulated_fit)
    k = list(LABELS).index(str(found.label[worst]))
    change = (simulated_fit.estimates - without.estimates)[k] / simulated_fit.standard_errors[k]
    assert change == pytest.approx(found.shift[worst, k], rel=0.5, abs=0.1)


def test_likelihood_is_lower_away_from_the_estimate(simulated_fit: GrowthFit):
    fit = simulated_fit
    here = minus2ll_at(fit, {}, n_nodes=1792)
    assert here.minus2ll == pytest.approx(fit.minus2ll, abs=4 * (here.mc_se + fit.minus2ll_mc_se))
    k = LABELS.index("omega_kd")
    away = {"omega_kd": fit.estimates[k] + 2 * fit.standard_errors[k]}
    there = minus2ll_at(fit, away, n_nodes=1792)
    # a parabola with one parameter moved by 2 standard errors: (2)^2 or more, others held
    assert there.minus2ll - here.minus2ll > 2.5
    with pytest.raises(ValueError, match="no estimate is called 'kge'"):
        minus2ll_at(fit, {"kge": 1.0})
    with pytest.raises(ValueError, match="not possible"):
        minus2ll_at(fit, {"f_pop": 1.5})


def test_curves_pass_their_baseline_and_bands_hold_the_mode(
    simulated: GrowthData,
    simulated_fit: GrowthFit,
    modes: ConditionalModes,
    draws: ConditionalDraws,
):
    places = np.array([0, 7, 20])
    days = np.stack([simulated.t0[places], np.zeros(3), np.full(3, 100.0)], axis=1)
    found = individual_curves(simulated_fit, days, draws, modes=modes, positions=places)
    for part in (found.volume_mm3, found.lower, found.upper, found.population_mm3):
        np.testing.assert_allclose(part[:, 0], simulated.v0[places], rtol=1e-9)
    assert (found.lower[:, 1:] <= found.upper[:, 1:]).all()
    everyone = individual_curves(simulated_fit, [100.0], draws, modes=modes)
    inside = (everyone.lower <= everyone.volume_mm3) & (everyone.volume_mm3 <= everyone.upper)
    assert inside.mean() > 0.9
    kg, kd, f = modes.psi[7]
    by_hand = simulated.v0[7] * np.exp(-kg * simulated.t0[7])
    by_hand *= f * np.exp(kg * 100) + (1 - f) * np.exp(-kd * 100)
    assert found.volume_mm3[1, 2] == pytest.approx(by_hand)


@pytest.fixture(scope="module")
def censored_fit(schedule: Callable) -> GrowthFit:
    """Small lesions: a fifth of the rows below the limit of quantification."""
    base = schedule(250, 31)
    small = replace(base, v0=np.maximum(base.v0 * 0.05, 250.0))
    data = simulate_data(small, CRC_LIKE, seed=31)
    return fit_growth(data, settings=QUICK)


@pytest.mark.parametrize("method", ["sequential", "decorrelated"])
def test_npde_of_a_right_model_is_standard_normal(censored_fit: GrowthFit, method: str):
    assert 0.1 < censored_fit.n_censored / censored_fit.n_observations < 0.5
    found = prediction_errors(censored_fit, method=method, n_nodes=896, n_simulations=400)
    m = len(found.npde)
    assert np.isfinite(found.npde).all()
    assert abs(found.mean) < 3.5 / np.sqrt(m)
    assert abs(found.variance - 1) < 3.5 * np.sqrt(2 / m)
    assert found.ks_p_value > 0.001
    assert found.ks_p_value == pytest.approx(kstest(found.quantile, "uniform").pvalue, abs=0.01)


def test_npde_of_a_wrong_error_model_is_not(censored_fit: GrowthFit):
    wrong = replace(censored_fit, theta=censored_fit.theta + np.array([0, 0, 0, 0, 0, 0, 0.5]))
    found = prediction_errors(wrong, n_nodes=448)
    assert found.variance < 0.85
    assert found.ks_p_value < 1e-3


def test_residuals_and_predictive_check(censored_fit: GrowthFit):
    fit = censored_fit
    modes, draws = conditional_modes(fit), conditional_draws(fit, 20)
    errors = prediction_errors(fit, n_nodes=448)
    found = residuals(fit, modes, draws, errors)
    data, row = fit.problem.data, found.data_row
    measured = ~found.is_censored
    by_hand = (data.volume[row] - found.individual_mm3) / (fit.estimate("b") * found.individual_mm3)
    np.testing.assert_allclose(found.individual[measured], by_hand[measured])
    drawn = found.observed_mm3[found.is_censored]
    assert ((drawn >= 0) & (drawn <= 200)).all()
    m = len(row)
    assert abs(found.individual_from_draws.mean()) < 3.5 / np.sqrt(m)
    assert abs(found.individual_from_draws.var() - 1) < 3.5 * np.sqrt(2 / m)
    check = predictive_check(fit, found, n_bins=8, n_simulations=100)
    assert check.n_rows.sum() == m
    assert check.is_inside.mean() > 0.75  # 24 percentiles in 90 % bands: below 18 has p < .005
    limits = (check.censored_lower - 1e-9 <= check.censored_observed) & (
        check.censored_observed <= check.censored_upper + 1e-9
    )
    assert limits.mean() >= 0.6


def test_simulation_repeats_the_populations_moments(simulated_fit: GrowthFit):
    volumes = simulate_from_fit(simulated_fit, 200, seed=1)
    problem = simulated_fit.problem
    assert volumes.shape == (200, problem.data.n_rows)
    assert np.isnan(volumes[0][problem.data.is_own_baseline]).all()
    again = simulate_from_fit(simulated_fit, 200, seed=1)
    assert volumes.tobytes() == again.tobytes()
    # median over replicates of y / (V0 exp(-kg T0)) on a row is the median curve: with kg, kd, F
    # varying it lies between the curves of the quartiles; checked on the mean log of one row
    row = problem.rows[0]
    lesion = problem.data.row_lesion[row]
    day, t0 = problem.data.time[row], problem.data.t0[lesion]
    rng = np.random.default_rng(0)
    population = simulated_fit.population
    phi = population.coefficients[0] + population.sd * rng.standard_normal((20000, 3))
    kg, kd, f = np.exp(phi[:, 0]), np.exp(phi[:, 1]), 1 / (1 + np.exp(-phi[:, 2]))
    curve = np.exp(-kg * t0) * (f * np.exp(kg * day) + (1 - f) * np.exp(-kd * day))
    curve *= 1 + simulated_fit.estimate("b") * rng.standard_normal(20000)
    sample = volumes[:, row] / problem.data.v0[lesion]
    spread = np.quantile(curve, [0.1, 0.5, 0.9])
    share = [(sample < one).mean() for one in spread]
    np.testing.assert_allclose(share, [0.1, 0.5, 0.9], atol=4 * 0.5 / np.sqrt(200))


def test_drop_out_and_rounding_in_simulated_data():
    base = simulate_schedule(200, 2)
    plain = simulate_data(base, CRC_LIKE, seed=3)
    dropped = simulate_data(base, CRC_LIKE, seed=3, drops_out_at=1.728)
    assert dropped.n_rows < plain.n_rows
    assert dropped.n_lesions == plain.n_lesions
    for start, stop in zip(dropped.offsets[:-1], dropped.offsets[1:], strict=True):
        series = dropped.volume[start:stop]
        over = series[1:] > 1.728 * np.minimum.accumulate(series)[:-1]
        assert not over[:-1].any()
    rounded = simulate_data(base, CRC_LIKE, seed=3, rounds_to_mm=True)
    measured = ~rounded.is_censored & ~rounded.is_own_baseline
    diameter = np.cbrt(2 * 1.31**2 * rounded.volume[measured])
    np.testing.assert_allclose(diameter, np.round(diameter), atol=1e-6)


def test_linearised_errors_are_close_but_smaller(simulated_fit: GrowthFit, modes: ConditionalModes):
    found = linearised_standard_errors(simulated_fit, modes)
    ratio = found / simulated_fit.standard_errors
    assert ((ratio > 0.4) & (ratio < 1.1)).all()
    assert ratio.mean() < 1.0


def test_convergence_study_compares_runs(simulated: GrowthData):
    small = simulated.take(np.arange(120))
    starts = [{}, {"kg": 0.001, "kd": 0.05, "f": 0.5}]
    study = assess_convergence(small, starts=starts, seeds=(1, 2), settings=QUICK)
    assert study.estimates.shape == (4, 7)
    assert study.seed.tolist() == [1, 2, 1, 2]
    assert study.agrees, study.verdict
    by_hand = np.abs(study.estimates - np.median(study.estimates, axis=0)).max(axis=0)
    np.testing.assert_allclose(study.spread, by_hand / study.standard_errors)


def test_table_holds_what_monolix_prints(simulated_fit: GrowthFit, modes: ConditionalModes):
    table = format_fit(simulated_fit, shrinkage(simulated_fit, modes))
    for label, value in zip(simulated_fit.labels, simulated_fit.estimates, strict=True):
        line = next(one for one in table.splitlines() if one.startswith(label))
        assert f"{value:.5g}" in line
    for word in ("R.S.E.", "-2 x log-likelihood", "Akaike", "SHRINKAGE", "converged"):
        assert word in table
