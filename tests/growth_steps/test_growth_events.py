"""Event times on curves: by hand, and against a fine grid of days."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.growth import TwoPopulation
from udfs.growth_events import EventRule, GrowthCurve, event_time, first_event

RESPONSE = EventRule("r", "response", "diameter", -0.3, None, "and")
RULES = [
    RESPONSE,
    EventRule("zr", "response", "volume", -0.2, None, "and"),
    EventRule("both", "response", "volume", -0.2, -500.0, "and"),
    EventRule("p", "progression", "diameter", 0.2, 5.0, "and"),
    EventRule("zp", "progression", "volume", 0.3, 200.0, "or"),
    EventRule("v", "progression", "volume", 0.728, None, "and"),
]
FACTOR = 0.5 / 1.31**2


def phi_of(kg: float, kd: float, f: float) -> list[float]:
    return [np.log(kg), np.log(kd), np.log(f / (1 - f))]


@pytest.fixture
def hand_worked() -> GrowthCurve:
    """V0 = 1000 on day -20, kg = .01, kd = .05, F = .2."""
    phi = np.array([phi_of(0.01, 0.05, 0.2)])
    return GrowthCurve.from_phi(phi, [1000.0], [-20.0], grows_before=True)


def test_a_curve_worked_by_hand(hand_worked: GrowthCurve) -> None:
    # 1000 exp(.2) = 1221.4; 1221.4 (.2 exp(.4) + .8 exp(-2)) = 496.663
    volumes = [np.exp(hand_worked.log_volume(np.array([day])))[0] for day in (0.0, 40.0)]
    assert volumes == pytest.approx([1221.403, 496.663], abs=2e-3)
    # The slope is 0 where .2 x .01 exp(.01 t) = .8 x .05 exp(-.05 t): t = ln(20) / .06.
    assert hand_worked.nadir_day()[0] == pytest.approx(49.9289, abs=1e-4)


def test_flat_before_treatment_starts_from_the_measured_volume() -> None:
    phi = np.array([phi_of(0.01, 0.05, 0.2)])
    curve = GrowthCurve.from_phi(phi, [1000.0], [-20.0], grows_before=False)
    assert np.exp(curve.log_volume(np.zeros(1)))[0] == pytest.approx(1000.0, rel=1e-12)


def test_a_lesion_that_only_grows_has_its_nadir_on_day_0_and_doubles_by_the_rate() -> None:
    curve = GrowthCurve.from_phi([[np.log(0.01), np.log(0.01), 40.0]], [1000.0], [0.0],
                                 grows_before=True)  # fmt: skip
    assert curve.nadir_day()[0] == 0.0
    doubled = EventRule("d", "progression", "volume", 1.0, None, "and")
    found = event_time(curve, doubled, [1000.0], [FACTOR], [400.0])
    assert found[0] == pytest.approx(np.log(2) / 0.01, rel=1e-9)
    assert event_time(curve, doubled, [1000.0], [FACTOR], [69.0])[0] == np.inf


def test_the_curve_is_the_models() -> None:
    rng = np.random.default_rng(1)
    phi = rng.normal([-5.0, -4.0, -1.0], 1.0, (50, 3))
    v0, t0 = np.exp(rng.normal(8, 1, 50)), -rng.uniform(0, 30, 50)
    for pretreatment in ("growth", "flat"):
        model = TwoPopulation(pretreatment=pretreatment)
        psi = [one.to_psi(phi[:, k]) for k, one in enumerate(model.parameters)]
        curve = GrowthCurve.from_phi(phi, v0, t0, grows_before=pretreatment == "growth")
        for day in (0.0, 33.0, 400.0):
            wanted = model.predict(psi, model.times(np.full(50, day), v0, t0))
            np.testing.assert_allclose(np.exp(curve.log_volume(np.full(50, day))), wanted, 1e-10)


STEP = 0.02


def on_grid(rule: EventRule, volume: np.ndarray, baseline: float) -> float:
    """First day of a grid on which the rule holds, read as it is written."""
    size = volume if rule.quantity == "volume" else np.cbrt(volume / FACTOR)
    first = baseline if rule.quantity == "volume" else np.cbrt(baseline / FACTOR)
    sign = -1.0 if rule.endpoint == "response" else 1.0
    reference = np.full(len(size), first)
    if rule.endpoint == "progression":
        reference = np.minimum(first, np.minimum.accumulate(size))
    change = sign * (size - reference)
    met = []
    if rule.relative_change is not None:
        met.append(change >= sign * rule.relative_change * reference)
    if rule.absolute_change is not None:
        met.append(change >= sign * rule.absolute_change)
    holds = np.any(met, axis=0) if rule.combine == "or" else np.all(met, axis=0)
    return float(np.argmax(holds)) * STEP if holds.any() else np.inf


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule_id)
@pytest.mark.parametrize("baseline_kind", ["predicted", "measured"])
def test_times_are_those_of_a_fine_grid(rule: EventRule, baseline_kind: str) -> None:
    rng = np.random.default_rng(7)
    n = 150
    phi = rng.normal([-5.3, -4.0, -1.0], [1.0, 1.0, 2.0], (n, 3))
    v0, t0 = np.exp(rng.normal(8, 1, n)), -rng.uniform(0, 30, n)
    end = rng.uniform(20, 600, n)
    curve = GrowthCurve.from_phi(phi, v0, t0, grows_before=True)
    baseline = np.exp(curve.log_volume(np.zeros(n))) if baseline_kind == "predicted" else v0
    found = event_time(curve, rule, baseline, np.full(n, FACTOR), end)
    wanted = np.empty(n)
    for i in range(n):
        days = np.arange(0.0, end[i], STEP)
        one = GrowthCurve.from_phi(phi[i], v0[i], t0[i], grows_before=True)
        wanted[i] = on_grid(rule, np.exp(one.log_volume(days)), baseline[i])
    differs = np.isfinite(found) != np.isfinite(wanted)
    # A crossing within the last grid step, or one that only touches, may fall to either side.
    assert differs.sum() <= 2
    both = np.isfinite(found) & np.isfinite(wanted)
    assert both.sum() > 10
    assert np.abs(found[both] - wanted[both]).max() <= STEP + 1e-6
    assert not np.any(found[np.isfinite(found)] > end[np.isfinite(found)])


def test_a_curve_whose_nadir_is_too_high_never_responds(hand_worked: GrowthCurve) -> None:
    # On day 49.93 .2 exp(.4993) + .8 exp(-2.496) = .3954 of the volume on day 0; .343 is wanted.
    start = np.exp(hand_worked.log_volume(np.zeros(1)))
    assert event_time(hand_worked, RESPONSE, start, [FACTOR], [400.0])[0] == np.inf


def test_draws_broadcast_and_the_first_of_two_rules_wins() -> None:
    phi = np.tile(phi_of(0.01, 0.05, 0.1), (2, 3, 1))
    curve = GrowthCurve.from_phi(phi, [[1000.0]] * 2, [[-20.0]] * 2, grows_before=True)
    start = np.exp(curve.log_volume(np.zeros(1)))
    times = event_time(curve, RESPONSE, start, [[FACTOR]] * 2, [[400.0]] * 2)
    assert times.shape == (2, 3)
    assert np.all(times == times[0, 0])
    assert np.all(times < curve.nadir_day())
    # .343 of the volume on day 0, the definition of 30 % less in diameter
    ratio = curve.log_volume(times) - curve.log_volume(np.zeros(1))
    np.testing.assert_allclose(np.exp(ratio), 0.343, rtol=1e-9)
    time, which = first_event([times, times - 1.0])
    assert np.all(which == 1)
    assert np.all(time == times - 1.0)
