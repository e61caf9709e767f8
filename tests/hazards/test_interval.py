"""The interval-censored model: closed forms, brute force, known times, and simulated patients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from udfs.hazards.interval import IntervalModelError, interval_model

INF = np.inf
NOTHING: list[float] = []


def test_a_constant_hazard_is_events_over_time() -> None:
    time = np.array([3.0, 5.0, 7.0, 11.0, 13.0])
    found = interval_model(time, [3.0, 5.0, 7.0, INF, INF], np.zeros((5, 0)), cuts=NOTHING)
    assert np.exp(found.log_rate[0]) == pytest.approx(3 / 39, rel=1e-7)
    assert found.log_rate_error[0] == pytest.approx(1 / np.sqrt(3), rel=1e-5)
    assert found.loglik == pytest.approx(3 * np.log(3 / 39) - 3, abs=1e-10)


def test_two_groups_seen_once_are_two_shares() -> None:
    """Seen on day 10 only: 30 of 50 and 20 of 50 had the event by then, so that the cumulative
    hazards are -log(0.4) and -log(0.6). The error of a log -log share follows by the delta method,
    that of the ratio is the root of both variances."""
    high = np.repeat([10.0, INF, 10.0, INF], [30, 20, 20, 30])
    low = np.where(np.isfinite(high), 0.0, 10.0)
    x = np.repeat([0.0, 1.0], 50)[:, None]
    found = interval_model(low, high, x, cuts=NOTHING)
    wanted = np.log(-np.log(0.6)) - np.log(-np.log(0.4))
    assert found.coefficient[0] == pytest.approx(wanted, abs=1e-6)
    variance = sum((1 - s) / s / 50 / np.log(s) ** 2 for s in (0.4, 0.6))
    assert found.standard_error[0] == pytest.approx(np.sqrt(variance), rel=1e-5)


def small(seed: int) -> tuple[np.ndarray, ...]:
    """24 subjects of 8 groups; some times are known, some censored, most between two visits."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(8), 3)
    x = rng.standard_normal((24, 1))
    time = rng.exponential(50.0 * np.exp(-0.7 * x[:, 0] - 0.8 * rng.standard_normal(8)[group]))
    low = np.floor(time / 30) * 30
    high = low + 30
    high[low >= 150], low[low >= 150] = INF, 150.0
    low[:4], high[:4] = time[:4], time[:4]
    return low, high, x, group


def by_quadrature(theta: np.ndarray, low, high, x, group) -> float:
    """The log-likelihood with hazards that change on day 40, each group integrated by itself."""
    rates, beta, sd = np.exp(theta[:2]), theta[2], np.exp(theta[3])

    def cumulative(t: float) -> float:
        return rates[0] * min(t, 40.0) + rates[1] * max(t - 40.0, 0.0)

    def product(u: float, rows: np.ndarray) -> float:
        out = np.exp(-0.5 * (u / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        for i in rows:
            risk = np.exp(x[i, 0] * beta + u)
            start = np.exp(-cumulative(low[i]) * risk)
            if high[i] == low[i]:
                out *= rates[int(low[i] > 40.0)] * risk * start
            elif np.isinf(high[i]):
                out *= start
            else:
                out *= start - np.exp(-cumulative(high[i]) * risk)
        return out

    return sum(
        np.log(quad(product, -8 * sd, 8 * sd, (np.flatnonzero(group == g),), epsabs=0)[0])
        for g in np.unique(group)
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_integrated_likelihood_is_that_of_brute_force_and_largest(seed: int) -> None:
    low, high, x, group = small(seed)
    found = interval_model(low, high, x, group, cuts=[40.0], nodes=25)
    sd = np.sqrt(max(found.variance, np.exp(-10.0)))
    theta = np.array([*found.log_rate, found.coefficient[0], np.log(sd)])
    data = (low, high, x, group)
    assert found.loglik == pytest.approx(by_quadrature(theta, *data), abs=1e-6)
    for j in range(4):
        for step in (-0.02, 0.02):
            assert by_quadrature(theta + step * (np.arange(4) == j), *data) < found.loglik


def patients(seed: int, n: int, beta: float, sd: float) -> tuple[np.ndarray, ...]:
    """n patients with 4 lesions, seen every 56 days for a year; the hazard falls after day 120."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n), 4)
    x = (rng.random((4 * n, 1)) < 0.5).astype(float)
    need = rng.exponential(np.exp(-beta * x[:, 0] - sd * rng.standard_normal(n)[group]))
    time = np.where(need < 120 * 0.008, need / 0.008, 120 + (need - 120 * 0.008) / 0.004)
    low = np.minimum(np.floor(time / 56) * 56, 392.0)
    return low, np.where(time < 392, low + 56, INF), x, group, time


def test_effects_and_variance_are_found_again() -> None:
    """40 sets of 150 patients, log hazard ratio 0.8, s = 1: means within three of their errors,
    estimates that spread as the stated errors say (the ratio is known to 11 %), limits that hold
    the truth in 95 % within three binomial errors."""
    found = [interval_model(*patients(seed, 150, 0.8, 1.0)[:4], cuts=[120.0]) for seed in range(40)]
    assert all(one.is_converged for one in found)
    beta = np.array([one.coefficient[0] for one in found])
    error = np.array([one.standard_error[0] for one in found])
    assert abs(beta.mean() - 0.8) < 3 * beta.std(ddof=1) / np.sqrt(40)
    assert beta.std(ddof=1) == pytest.approx(error.mean(), rel=0.33)
    assert (np.abs(beta - 0.8) < 1.96 * error).mean() > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 40)
    log_sd = np.array([np.log(one.variance) / 2 for one in found])
    assert abs(log_sd.mean()) < 3 * log_sd.std(ddof=1) / np.sqrt(40) + 0.02  # O(1 / n) bias
    rates = np.array([one.log_rate for one in found])
    wanted = np.log([0.008, 0.004])
    assert (np.abs(rates.mean(axis=0) - wanted) < 3 * rates.std(axis=0, ddof=1) / 40**0.5).all()


def test_without_the_effect_hazard_ratios_are_drawn_to_one() -> None:
    low, high, x, group, _ = patients(1, 400, 0.8, 1.0)
    with_effect = interval_model(low, high, x, group, cuts=[120.0])
    without = interval_model(low, high, x, cuts=[120.0])
    assert without.variance == 0
    assert without.coefficient[0] < with_effect.coefficient[0] - 2 * with_effect.standard_error[0]
    assert with_effect.loglik > without.loglik + 20


def test_no_variance_is_said_to_be_none() -> None:
    """Every lesion has a patient of its own label's, and nothing is shared: s2 ends near 0."""
    low, high, x, group, _ = patients(2, 200, 0.5, 0.0)
    found = interval_model(low, high, x, group, cuts=[120.0])
    alone = interval_model(low, high, x, cuts=[120.0])
    assert found.variance < 0.15
    assert found.loglik == pytest.approx(alone.loglik, abs=2.0)
    assert found.coefficient[0] == pytest.approx(
        alone.coefficient[0], abs=0.3 * alone.standard_error[0]
    )


def test_what_cannot_be_fitted_is_named() -> None:
    with pytest.raises(IntervalModelError, match="no event"):
        interval_model([5.0], [INF], np.zeros((1, 0)))
    with pytest.raises(IntervalModelError, match="piece"):
        interval_model([5.0, 6.0], [6.0, INF], np.zeros((2, 0)), cuts=[50.0])
    low, high, x, group, _ = patients(3, 40, 0.5, 0.5)
    with pytest.raises(IntervalModelError, match="collinear"):
        interval_model(low, high, np.hstack((x, x)), group, cuts=NOTHING)
    with pytest.raises(ValueError, match="order"):
        interval_model([5.0], [4.0], np.zeros((1, 0)))


def test_a_constant_hazard_is_that_of_survreg() -> None:
    """R 4.2.2, survival 3.5-3; survreg models log time, so that its signs are turned:

    survreg(Surv(ifelse(low == 0, NA, low), high, type = "interval2") ~ x + z, dist = "exponential")
    """
    i = np.arange(60)
    x, z = (i * 7 % 10) / 10, i % 2
    event = np.floor(20 + 400 * ((i * 37) % 61 + 1) / 62 * np.exp(-0.6 * x + 0.4 * z))
    low = np.floor(event / 42) * 42
    high = np.where(i % 5 == 0, INF, low + 42)
    found = interval_model(low, high, np.column_stack((x, z)), cuts=NOTHING)
    ours = [found.log_rate[0], *found.coefficient]
    errors = [found.log_rate_error[0], *found.standard_error]
    # Both searches stop within 1e-4 of a standard error.
    np.testing.assert_allclose(ours, [-5.756992850348, 0.879333599966, -0.393475530848], atol=3e-5)
    np.testing.assert_allclose(errors, [0.323668748092, 0.532632040045, 0.290693102738], rtol=1e-4)
    assert found.loglik == pytest.approx(-133.335075049, abs=1e-8)
