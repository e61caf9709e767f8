"""Turnbull's estimate: published masses, Kaplan-Meier as a special case, brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from udfs.survival import kaplan_meier, turnbull

INF = np.inf
RADIOTHERAPY = [
    (45, INF), (25, 37), (37, INF), (6, 10), (46, INF), (0, 5), (0, 7), (26, 40), (18, INF),
    (46, INF), (46, INF), (24, INF), (46, INF), (27, 34), (36, INF), (7, 16), (36, 44), (5, 11),
    (17, INF), (46, INF), (19, 35), (7, 14), (36, 48), (17, 25), (37, 44), (37, INF), (24, INF),
    (0, 8), (40, INF), (32, INF), (4, 11), (17, 25), (33, INF), (15, INF), (46, INF), (19, 26),
    (11, 15), (11, 18), (37, INF), (22, INF), (38, INF), (34, INF), (46, INF), (5, 12), (36, INF),
    (46, INF),
]  # fmt: skip
"""Months to breast retraction, radiotherapy alone (Finkelstein and Wolfe, Biometrics 1985)."""
PUBLISHED = [
    (4, 5, 0.0463), (6, 7, 0.0334), (7, 8, 0.0887), (11, 12, 0.0708), (24, 25, 0.0926),
    (33, 34, 0.0818), (38, 40, 0.1209), (46, 48, 0.4656),
]  # fmt: skip
"""Fay and Shaw, J Stat Softw 2010 (R's interval), icfit of these data, four digits."""


def test_the_masses_of_the_breast_data_are_the_published_ones() -> None:
    found = turnbull(*np.array(RADIOTHERAPY, dtype=float).T)
    rows = list(zip(found.left, found.right, found.mass.round(4), strict=True))
    assert rows == PUBLISHED
    assert found.quantile(0.5) == (38, 40)
    assert (found.n, found.n_events) == (46, 21)


def test_known_and_censored_times_give_kaplan_meier() -> None:
    rng = np.random.default_rng(1)
    time = np.ceil(rng.exponential(200.0, 300))
    event = rng.random(300) < 0.6
    found = turnbull(time, np.where(event, time, INF))
    curve = kaplan_meier(time, event)
    days = curve.time[curve.n_events > 0]
    np.testing.assert_array_equal(found.right[np.isfinite(found.right)], days)
    survival = curve.survival[curve.n_events > 0]
    # The gap of 1e-6 in the log-likelihood leaves about its square root in a mass.
    np.testing.assert_allclose(found.survival[: days.size], survival, atol=1e-5)


def loglik(masses: np.ndarray, low: np.ndarray, high: np.ndarray, ends: np.ndarray) -> float:
    inside = (ends > low[:, None]) & (ends <= high[:, None])
    return float(np.log(inside @ masses).sum())


@pytest.mark.parametrize("seed", range(6))
def test_no_other_masses_are_more_likely(seed: int) -> None:
    """Masses on every day, by a general optimiser, over intervals of random visits."""
    rng = np.random.default_rng(seed)
    visits = np.sort(rng.integers(1, 25, (40, 4)), axis=1)
    true = rng.exponential(12.0, 40)
    low = np.array([max([0, *v[v < t]]) for v, t in zip(visits, true, strict=True)], dtype=float)
    high = np.array([min([*v[v >= t], INF]) for v, t in zip(visits, true, strict=True)])
    ends = np.append(np.arange(1.0, 26.0), 1e9)

    def loss(x: np.ndarray) -> float:
        weights = np.exp(x - x.max())
        return -loglik(weights / weights.sum(), low, np.where(high < INF, high, 1e9), ends)

    best = min(
        minimize(loss, rng.normal(0, 0.1, ends.size), method="BFGS", options={"maxiter": 2000}).fun
        for _ in range(2)
    )
    found = turnbull(low, high)
    assert found.loglik >= -best - 2e-6
    assert found.loglik <= -best + 1e-2  # softmax masses near 0 keep the optimiser from the border
    assert found.mass.sum() == pytest.approx(1.0, abs=1e-12)


def test_many_visits_bring_the_true_curve() -> None:
    """4,000 subjects seen every 56 days: the estimate at visits is within four binomial errors."""
    rng = np.random.default_rng(7)
    true = rng.exponential(300.0, 4000)
    low = np.floor(true / 56) * 56
    is_seen = low < 900
    found = turnbull(np.minimum(low, 952.0), np.where(is_seen, low + 56, INF))
    seen = np.isfinite(found.right)
    wanted = np.exp(-found.right[seen] / 300.0)
    error = np.sqrt(wanted * (1 - wanted) / 4000)
    assert seen.sum() == 17
    assert (np.abs(found.survival[seen] - wanted) < 4 * error).all()


def test_wrong_limits_are_named_and_nobody_has_no_curve() -> None:
    with pytest.raises(ValueError, match=r"row 1: \(5.0, 3.0\]"):
        turnbull([1, 5], [2, 3])
    assert turnbull([], []).n == 0
    assert all(np.isnan(turnbull([5.0], [INF]).quantile(0.5)))


@pytest.mark.parametrize("n", [2_000, 20_000])
def test_many_subjects_of_unlike_visits_reach_the_maximum(n: int) -> None:
    """Studies with visits every 42, 56 and 63 days, give or take a few, pooled.

    A step near the maximum gains less than the rounding of the log-likelihood's sum."""
    rng = np.random.default_rng(n)
    visits = np.column_stack((np.zeros(n), np.arange(1, 31) * rng.choice([42, 56, 63], (n, 1))))
    visits[:, 1:] += rng.integers(-6, 7, (n, 30))
    event = rng.weibull(1.2, n) * 300
    end = rng.integers(1, 31, n)
    before = (visits <= event[:, None]).sum(axis=1) - 1
    rows = np.arange(n)
    low = visits[rows, np.minimum(before, end)]
    high = np.where(before < end, visits[rows, np.minimum(before + 1, 30)], INF)
    found = turnbull(low, high)
    assert found.gap <= 1e-6
    assert found.mass.sum() == pytest.approx(1.0, abs=1e-9)


def test_the_curve_is_near_that_of_survfit_and_more_likely() -> None:
    """R 4.2.2, survival 3.5-3, whose EM ends early: its curve is up to 0.003 off and less likely.

    survfit(Surv(ifelse(low == 0, NA, low), high, type = "interval2") ~ 1)
    """
    i = np.arange(60)
    every = np.array([42, 56, 63])[i % 3]
    event = np.floor(20 + 400 * (i * 37 % 61 + 1) / 62)
    low = np.floor(event / every) * every
    high = np.where(i % 5 == 0, INF, low + every)
    found = turnbull(low, high)
    end = [42, 63, 84, 168, 189, 210, 224, 252, 280, 294, 315, 336, 378, 392]
    survival = [
        0.9691628569203, 0.9593025494097, 0.8703643461355, 0.7845223136561, 0.7200303182785,
        0.6770762222567, 0.6518229254702, 0.5696751596071, 0.3857759761534, 0.3836870694596,
        0.3800225620527, 0.2562692058248, 0.1274899983411, 0.0640888932198,
    ]  # fmt: skip
    assert found.right.tolist() == [*end, 420]
    np.testing.assert_allclose(found.survival[:-1], survival, atol=3e-3)
    mass = -np.diff([1.0, *survival, 0.0])
    assert found.loglik > loglik(mass, low, high, found.right) + 1e-3
