"""The noiseless curve and its events, against hand calculation, an ODE and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.simulate.growth import (
    EVENT_RULES,
    EventRule,
    LesionCurves,
    diameter_of_volume,
    event_days,
    volume_of_diameter,
)

RECIST, ZHOU, RECIST_VOLUME = EVENT_RULES

LONG_PER_ROOT = (2 * 1.31**2) ** (1 / 3)
"""mm of long axis per cube root of mm3, for an axis ratio of 1.31."""


def curve(v: float, day: float, kg: float, kd: float, f: float) -> LesionCurves:
    return LesionCurves(*(np.array([x], dtype=float) for x in (v, day, kg, kd, f)))


def some_curves(n: int, seed: int) -> LesionCurves:
    rng = np.random.default_rng(seed)
    return LesionCurves(
        rng.uniform(800, 60000, n),
        -rng.integers(0, 40, n).astype(float),
        np.exp(rng.normal(-5.3, 0.8, n)),
        np.exp(rng.normal(-4.2, 0.8, n)),
        rng.beta(1.0, 2.5, n).clip(1e-3, 1 - 1e-3),
    )


def test_volume_by_hand() -> None:
    # V_b = 1000 on day -10, kg = ln(2)/100, kd = ln(2)/20, F = 1/4.
    # Day -10: 1000. Day 0: 1000 * 2^(10/100). Day 20: that * (2^0.2 / 4 + 3/4 * 1/2).
    c = curve(1000, -10, np.log(2) / 100, np.log(2) / 20, 0.25)
    at_first_dose = 1000 * 2**0.1
    days = np.array([[-10.0, 0.0, 20.0, 100.0]])
    wanted = [1000, at_first_dose, at_first_dose * (2**0.2 / 4 + 0.375),
              at_first_dose * (2 / 4 + 0.75 / 32)]  # fmt: skip
    np.testing.assert_allclose(c.volume_mm3(days)[0], wanted, rtol=1e-12)


def test_volume_solves_the_equations_of_two_cell_populations() -> None:
    # dR/dt = kg R, dS/dt = -kd S from R(0) = F V0, S(0) = (1-F) V0, by classical Runge-Kutta.
    kg, kd, f, v0 = 0.004, 0.02, 0.15, 5000.0
    state, step = np.array([f * v0, (1 - f) * v0]), 0.5
    rate = np.array([kg, -kd])
    for _ in range(int(300 / step)):
        k1 = rate * state
        k2 = rate * (state + step / 2 * k1)
        k3 = rate * (state + step / 2 * k2)
        k4 = rate * (state + step * k3)
        state = state + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    found = curve(v0, 0, kg, kd, f).volume_mm3(np.array([300.0]))[0]
    assert found == pytest.approx(state.sum(), rel=1e-9)


def test_nadir_by_hand() -> None:
    # F = 1/2, kd = 4 kg: t* = ln(4) / (5 kg).
    assert curve(1, 0, 0.01, 0.04, 0.5).nadir_day()[0] == pytest.approx(np.log(4) / 0.05)
    # More growth than shrinkage at once: the smallest volume is that of the first dose.
    assert curve(1, 0, 0.04, 0.01, 0.9).nadir_day()[0] == 0.0


def test_nadir_is_the_lowest_point_of_a_grid() -> None:
    c = some_curves(60, 3)
    days = np.arange(0, 4000, 0.5)
    volumes = c.volume_mm3(np.tile(days, (60, 1)))
    lowest = days[volumes.argmin(axis=1)]
    inside = lowest < 3999
    np.testing.assert_allclose(c.nadir_day()[inside], lowest[inside], atol=0.5)


def brute_force(
    c: LesionCurves, rule: EventRule, days: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First grid day of response and of progression, scanning forward and keeping the nadir."""
    n = len(c.f)
    volumes = c.volume_mm3(np.tile(days, (n, 1)))
    root = c.volume_at_baseline_mm3
    size = volumes if rule.is_volume else LONG_PER_ROOT * np.cbrt(volumes)
    base = root if rule.is_volume else LONG_PER_ROOT * np.cbrt(root)
    lowest = np.minimum.accumulate(size, axis=1)
    up = size >= rule.progression_ratio * lowest
    more = size >= lowest + rule.progression_plus
    progressed = (up & more) if rule.needs_both else (up | more)
    responded = size <= rule.response_ratio * base[:, None]
    first = [
        np.where(x.any(axis=1), days[x.argmax(axis=1)], np.inf) for x in (responded, progressed)
    ]
    return first[0], first[1]


@pytest.mark.parametrize("rule", EVENT_RULES, ids=lambda rule: rule.rule_set)
def test_event_days_match_brute_force(rule: EventRule) -> None:
    c = some_curves(80, 5)
    days = np.arange(0, 3000, 0.25)
    response, progression = event_days(c, rule, np.full(80, LONG_PER_ROOT))
    by_grid = brute_force(c, rule, days)
    for found, grid in zip((response, progression), by_grid, strict=True):
        seen = np.isfinite(grid)
        assert seen.sum() > 10
        # The grid sees an event up to one step late.
        assert np.all(
            (grid[seen] - found[seen] >= -1e-6) & (grid[seen] - found[seen] <= 0.25 + 1e-6)
        )
        assert np.all(found[~seen] > days[-1])


def test_progression_without_any_response_by_hand() -> None:
    # Pure growth, V doubles every 100 days from 8000 mm3 (d = 30.17 mm): +20 % in diameter and
    # more than 5 mm, so V = 1.728 * 8000 after 100 * log2(1.728) days.
    c = curve(8000, 0, np.log(2) / 100, 0.001, 1 - 1e-12)
    _, progression = event_days(c, RECIST, np.array([LONG_PER_ROOT]))
    assert progression[0] == pytest.approx(100 * np.log2(1.728), abs=1e-3)
    # 200 mm3 more come first under the paper's wording: 100 * log2(8200 / 8000).
    _, progression = event_days(c, ZHOU, np.array([LONG_PER_ROOT]))
    assert progression[0] == pytest.approx(100 * np.log2(8200 / 8000), abs=1e-3)


def test_a_lesion_that_never_grows_back_enough_has_no_progression() -> None:
    c = curve(5000, 0, 1e-9, 0.05, 1e-4)
    response, progression = event_days(c, RECIST_VOLUME, np.array([LONG_PER_ROOT]))
    # V falls to 0.343 V0: exp(-0.05 t) = (0.343 - 1e-4) / (1 - 1e-4).
    assert response[0] == pytest.approx(-np.log((0.343 - 1e-4) / (1 - 1e-4)) / 0.05, rel=1e-6)
    assert np.isinf(progression[0])


def test_volume_of_diameter_by_hand() -> None:
    # 26.2 mm long, 20 mm short: 26.2 * 400 / 2 = 5240 mm3.
    assert volume_of_diameter(np.array([26.2]), 1.31)[0] == pytest.approx(5240)
    assert diameter_of_volume(np.array([5240.0]), 1.31)[0] == pytest.approx(26.2)
