"""Lesions whose posterior has two modes: grown before treatment, flat after it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from udfs.growth import GrowthData, GrowthFit, TwoPopulation, conditional_modes, fit_growth
from udfs.growth.restore import fit_at

TRUTH = {"kg_pop": 0.0022, "kd_pop": 0.0165, "f_pop": 0.82, "omega_kg": 1.6, "omega_kd": 1.1,
         "omega_f": 5.6, "b": 0.28}  # fmt: skip
DAYS = np.array([-16.0, 57, 92, 129, 164, 206, 248, 311, 372, 437])
DIAMETERS = np.array([19.0, 31, 25, 25, 23, 24, 24, 21, 22, 19])
"""A measured lesion, mm."""
SETS = ((300, 5, 1), *((150, 100 + k, 3) for k in range(9)))
"""Lesions, seed and flat lesions of ten sets; the first is the one of which seeds ended 20 apart in
-2 log-likelihood, at a stated error of 0.8."""
SEEDS = 4
MOST_OVER = 1.5
"""Standard deviation over a few seeds against the stated Monte Carlo error: over 4 seeds chance
alone gives up to 1.6 times in one of 20 draws, and the stated error is an upper bound."""


def volume(mm: np.ndarray) -> np.ndarray:
    return 0.5 * mm * (mm / 1.31) ** 2


def lesions(n: int, seed: int, n_flat: int = 1) -> GrowthData:
    """n simulated lesions, and some that are the measured one, in scaled sizes."""
    g = np.random.default_rng(seed)
    ids, time, size = [], [], []
    t = np.array([-10.0, 42, 84, 126, 168, 210, 252])
    for i in range(n):
        kg, kd = 0.0025 * np.exp(1.36 * g.normal()), 0.016 * np.exp(1.05 * g.normal())
        f = 1 / (1 + np.exp(-1.05 - 4.7 * g.normal()))
        v0 = np.exp(g.normal(9, 1))
        curve = v0 * np.exp(10 * kg) * (f * np.exp(kg * t) + (1 - f) * np.exp(-kd * t))
        y = np.maximum(curve * (1 + 0.32 * g.normal(size=7)), 2)
        y[0] = v0
        ids += [f"s{i:03d}"] * 7
        time += list(t)
        size += list(y)
    for k in range(n_flat):
        ids += [f"flat{k}"] * len(DAYS)
        time += list(DAYS)
        size += list(volume(DIAMETERS) * (1 + 0.1 * k))
    return GrowthData.from_arrays(np.array(ids), np.array(time), np.array(size))


def at_truth(data: GrowthData, seed: int = 1) -> GrowthFit:
    return fit_at(data, TRUTH, model=TwoPopulation(), count_baseline=True, n_nodes=1792, seed=seed)


@cache
def few() -> GrowthFit:
    return at_truth(lesions(20, 3))


def log_joint(kg: np.ndarray, kd: np.ndarray, z: np.ndarray) -> np.ndarray:
    """log p(y, phi) of the measured lesion, all written out; phi = log kg, log kd, logit F = z."""
    p = TRUTH
    deviation = (
        (np.log(kg / p["kg_pop"]) / p["omega_kg"]) ** 2
        + (np.log(kd / p["kd_pop"]) / p["omega_kd"]) ** 2
        + ((z - np.log(p["f_pop"] / (1 - p["f_pop"]))) / p["omega_f"]) ** 2
    )
    total = -0.5 * deviation - 1.5 * np.log(2 * np.pi)
    total -= np.log(p["omega_kg"] * p["omega_kd"] * p["omega_f"])
    v = volume(DIAMETERS)
    f, rest = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
    for t, y in zip(DAYS, v, strict=True):
        after, start = max(t, 0.0), v[0] * np.exp(kg * (min(t, 0.0) + 16))
        h = start * (f * np.exp(kg * after) + rest * np.exp(-kd * after))
        total -= 0.5 * ((y - h) / (p["b"] * h)) ** 2 + np.log(p["b"] * h * np.sqrt(2 * np.pi))
    return total


def test_the_integral_is_that_of_a_grid() -> None:
    """Both modes count: without the second one it is smaller by e^15."""
    fit = few()
    k = fit.lesions.lesion.tolist().index("flat0")
    edges = [
        np.log(TRUTH["kg_pop"]) + TRUTH["omega_kg"] * np.linspace(-6, 3.5, 301),
        np.log(TRUTH["kd_pop"]) + TRUTH["omega_kd"] * np.linspace(-6, 4, 121),
        np.log(TRUTH["f_pop"] / 0.18) + TRUTH["omega_f"] * np.linspace(-8, 6, 281),
    ]
    cell = np.prod([edge[1] - edge[0] for edge in edges])
    slices = [
        log_joint(np.exp(one), np.exp(edges[1])[:, None], edges[2][None, :]) for one in edges[0]
    ]
    top = max(float(one.max()) for one in slices)
    exact = top + np.log(sum(float(np.exp(one - top).sum()) for one in slices) * cell)
    # importance sampling with 900 effective nodes or more: 0.033
    assert fit.lesions.ess[k] > 900
    assert fit.lesions.loglik[k] == pytest.approx(exact, abs=0.1)


def test_the_mode_is_the_higher_one_and_both_are_counted() -> None:
    fit = few()
    modes = conditional_modes(fit)
    k = fit.lesions.lesion.tolist().index("flat0")
    kg, kd, f = modes.psi[k]
    # the other one, near the typical lesion, is lower by 15 and more
    slow = log_joint(np.array(0.0033), np.array(0.0165), np.array(1.5))
    fast = log_joint(np.array(kg), np.array(kd), np.log(f) - np.log1p(-f))
    assert modes.log_posterior[k] == pytest.approx(float(fast), abs=1e-6)
    assert fast > slow + 10
    assert kg > 0.03
    assert f < 1e-6
    assert modes.n_modes[k] >= 2


def test_seeds_agree_as_the_monte_carlo_error_says() -> None:
    data = lesions(20, 5, n_flat=4)
    fits = [at_truth(data, seed) for seed in range(SEEDS)]
    found = np.array([fit.minus2ll for fit in fits])
    stated = np.median([fit.minus2ll_mc_se for fit in fits])
    assert found.std(ddof=1) < MOST_OVER * stated
    assert all(fit.convergence.n_unseen_modes == 0 for fit in fits)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "number", "n_flat"), SETS)
def test_twenty_fits_spread_as_their_monte_carlo_errors_say(
    n: int, number: int, n_flat: int
) -> None:
    """Estimates and -2 log-likelihood of lesions of which one or three have two modes."""
    data = lesions(n, number, n_flat=n_flat)
    fits = [fit_growth(data, count_baseline=True, seed=seed) for seed in range(20)]
    estimates = np.array([fit.estimates for fit in fits])
    errors = np.median([fit.standard_errors for fit in fits], axis=0)
    stated = np.median([fit.convergence.mc_share for fit in fits], axis=0)
    # over 20 seeds chance alone gives up to 1.4 times in one of 70 draws
    assert np.all(estimates.std(axis=0, ddof=1) / errors < 1.4 * np.maximum(stated, 0.01))
    minus2ll = np.array([fit.minus2ll for fit in fits])
    assert minus2ll.std(ddof=1) < 1.4 * np.median([fit.minus2ll_mc_se for fit in fits])
    # A fit that cannot know says so; most of them know.
    unsure = [fit.convergence for fit in fits if fit.convergence.n_unseen_modes > 0]
    assert len(unsure) < len(fits) / 2
    assert all(not one.is_converged and "a second mode" in one.verdict for one in unsure)
