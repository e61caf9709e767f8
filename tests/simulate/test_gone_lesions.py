"""Lesions that are read as gone: what the sizes say must be what made them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.simulate import SimulatedTrials, simulate_hnscc, simulate_mcrc
from udfs.simulate.growth import LesionCurves, volume_of_diameter
from udfs.simulate.presets import MCRC
from udfs.simulate.responders import choose_responders
from udfs.simulate.sampling import Columns
from udfs.simulate.scans import Schedule, read_lesions

LIMIT_MM3 = 200.0
"""Limit of quantification of Zhou 2023: volumes below are censored."""

FloatArray = NDArray[np.float64]


def curve_at(trials: SimulatedTrials, lesion: NDArray[np.int64], day: FloatArray) -> FloatArray:
    """Equation 2 of Zhou 2023 with the growth before the first dose, from the written truth."""
    truth = trials.truth_lesions
    kg, kd, f, v = (
        truth[name][lesion]
        for name in ("kg_per_day", "kd_per_day", "f", "volume_at_first_dose_mm3")
    )
    treated = f * np.exp(kg * day) + (1 - f) * np.exp(-kd * day)
    return np.asarray(v * np.where(day < 0, np.exp(kg * day), treated))


def sizes(trials: SimulatedTrials) -> Columns:
    """Measured sizes of both readers by lesion and scan, with the curve of the same lesion."""
    m, lesions = trials.measurements, trials.lesions
    same = dict(zip(lesions["lesion"], lesions["same_lesion"], strict=True))
    rows = np.flatnonzero(m["is_done"])
    rows = rows[np.lexsort((m["scan"][rows], m["lesion"][rows]))]
    own = np.array([same[i] for i in m["lesion"][rows].tolist()])
    # What was resected is gone whatever its curve says.
    local = trials.truth_local_treatments
    treated = dict(zip(local["lesion"].tolist(), local["day"].tolist(), strict=True))
    after = m["day"][rows] >= np.array([treated.get(i, np.inf) for i in own.tolist()])
    rows, own = rows[~after], own[~after]
    return {
        "lesion": m["lesion"][rows],
        "reader": m["reader"][rows],
        "long_mm": m["long_mm"][rows],
        "curve": curve_at(trials, own, m["day"][rows].astype(float)),
    }


@pytest.mark.parametrize(
    "simulate",
    [
        simulate_mcrc,
        lambda: simulate_mcrc(seed=2),
        lambda: simulate_mcrc(300, seed=11),
        lambda: simulate_mcrc(60, seed=5),
        simulate_hnscc,
        lambda: simulate_hnscc(seed=3),
        lambda: simulate_mcrc(200, seed=4, sequence_separation=0.9),
    ],
    ids=["mcrc", "mcrc-2", "mcrc-300", "mcrc-60", "hnscc", "hnscc-3", "sequences"],
)
def test_no_size_is_0_where_the_curve_is_above_the_limit(
    simulate: Callable[[], SimulatedTrials],
) -> None:
    found = sizes(simulate())
    is_gone = found["long_mm"] == 0
    assert is_gone.any()
    assert found["curve"][is_gone].max() < LIMIT_MM3


@pytest.fixture(scope="module")
def full() -> SimulatedTrials:
    return simulate_mcrc()


def test_lesions_that_come_back_are_seen_again(full: SimulatedTrials) -> None:
    found = sizes(full)
    was_gone = (found["lesion"][1:] == found["lesion"][:-1]) & (found["long_mm"][:-1] == 0)
    is_back = was_gone & (found["curve"][1:] >= LIMIT_MM3)
    assert is_back.sum() >= 20
    assert (found["long_mm"][1:][is_back] > 0).all()


def test_the_share_of_complete_responses_is_the_published_one(full: SimulatedTrials) -> None:
    included = full.patients["excluded"] == ""
    share = (full.patients["best_response"][included] == "CR").mean()
    # Table 1: 118 of 4,308. Two standard errors of such a share.
    assert share == pytest.approx(118 / 4308, abs=2 * np.sqrt(0.027 * 0.973 / 4308))


DAYS = np.array([[40, 100, 160, 400, 600, 800]])


def one_lesion(
    kg: float, has_scars: bool, diameter: float = 20.0, kd: float = 0.04
) -> tuple[Columns, LesionCurves]:
    lesions = {
        "patient": np.array([0]),
        "organ": np.array([0]),
        "type": np.array(["target"]),
        "axis_ratio": np.array([1.31]),
        "diameter_mm": np.array([diameter]),
        "is_short_axis": np.array([False]),
        "has_scars": np.array([has_scars]),
    }
    volume = volume_of_diameter(lesions["diameter_mm"], lesions["axis_ratio"])
    curves = LesionCurves(volume, np.zeros(1), np.full(1, kg), np.full(1, kd), np.full(1, 0.01))
    return lesions, curves


def read(lesions: Columns, curves: LesionCurves) -> list[int]:
    day = np.concatenate([np.zeros((1, 1), dtype=int), DAYS], axis=1)
    readings = read_lesions(curves, lesions, day, MCRC, np.random.default_rng(1))
    return (readings.long_mm[0] > 0).astype(int).tolist()


def test_a_scar_is_gone_until_its_curve_is_back_above_the_limit() -> None:
    # 2,331 mm3 at first. At 172 mm3 it comes back, but is below the limit still.
    lesions, curves = one_lesion(0.005, True)
    np.testing.assert_allclose(
        curves.volume_mm3(DAYS.astype(float))[0], [494, 81, 56, 172, 468, 1272], atol=10
    )
    assert read(lesions, curves) == [1, 1, 0, 0, 0, 1, 1]


def test_only_deep_responders_have_scars() -> None:
    assert read(*one_lesion(0.005, False)) == [1] * 7


def test_a_lesion_that_was_small_before_is_a_scar_below_half_of_it() -> None:
    # 63 mm3 at first, below every limit: a scar below half of that, a lesion again above all of it.
    lesions, curves = one_lesion(0.007, True, 6.0, 0.0099)
    part = curves.volume_mm3(DAYS.astype(float))[0] / curves.volume_at_baseline_mm3
    np.testing.assert_allclose(part, [0.68, 0.39, 0.23, 0.18, 0.67, 2.7], atol=0.02)
    assert read(lesions, curves) == [1, 1, 0, 0, 0, 0, 1]


def lesions_of(n: int, rng: np.random.Generator) -> tuple[Columns, LesionCurves]:
    """Two lesions each of ``n`` patients in three organs, all but patient 0's too large to go."""
    diameter = rng.uniform(10.5, 12, 2 * n)
    diameter[:2] = 40
    lesions: Columns = {
        "patient": np.repeat(np.arange(n), 2),
        "organ": np.arange(2 * n) % 3,
        "type": np.where(np.arange(2 * n) % 4 < 3, "target", "non-target"),
        "axis_ratio": np.full(2 * n, 1.31),
        "diameter_mm": diameter,
        "is_short_axis": np.zeros(2 * n, dtype=bool),
    }
    volume = volume_of_diameter(diameter, lesions["axis_ratio"])
    f = np.where(lesions["patient"] == 0, 0.01, 0.9)
    curves = LesionCurves(volume, np.zeros(2 * n), np.full(2 * n, 0.002), np.full(2 * n, 0.03), f)
    return lesions, curves


def test_the_deepest_responder_swaps_sizes_with_small_lesions() -> None:
    n = 30
    lesions, curves = lesions_of(n, np.random.default_rng(3))
    schedule = Schedule(
        np.zeros(n, dtype=int), np.tile([60, 150], (n, 1)), np.ones((n, 2), dtype=bool)
    )
    chosen = choose_responders(
        lesions, curves, schedule, np.ones(n, dtype=bool), 1 / n, np.random.default_rng(4)
    )
    assert np.flatnonzero(chosen["has_scars"]).tolist() == [0, 1]
    assert chosen["diameter_mm"][:2].max() <= 12
    assert sorted(chosen["diameter_mm"]) == sorted(lesions["diameter_mm"])
    assert (chosen["diameter_mm"] != lesions["diameter_mm"]).sum() == 4
    for i in (0, 1):
        partner = int(np.flatnonzero(lesions["diameter_mm"] == chosen["diameter_mm"][i])[0])
        assert chosen["diameter_mm"][partner] == 40
        assert lesions["organ"][partner] == lesions["organ"][i]
        assert lesions["type"][partner] == lesions["type"][i]
    np.testing.assert_array_equal(
        chosen["volume_at_baseline_mm3"],
        volume_of_diameter(chosen["diameter_mm"], chosen["axis_ratio"]),
    )


def test_nobody_is_chosen_whose_lesions_would_have_to_vanish_at_once() -> None:
    n = 30
    lesions, curves = lesions_of(n, np.random.default_rng(3))
    schedule = Schedule(np.zeros(n, dtype=int), np.full((n, 1), 2), np.ones((n, 1), dtype=bool))
    chosen = choose_responders(
        lesions, curves, schedule, np.ones(n, dtype=bool), 1 / n, np.random.default_rng(4)
    )
    assert not chosen["has_scars"].any()
    np.testing.assert_array_equal(chosen["diameter_mm"], lesions["diameter_mm"])
