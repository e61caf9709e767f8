"""The rules written a second time, as loops over exact decimals, on many random lesions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from events.event_models import records
from events.event_tables import Core, ellipsoid_mm3

Event = tuple[str, int] | None
Scans = list[tuple[int, Decimal]]


def by_decimals(scans: Scans, baseline_day: int) -> dict[tuple[str, str], Event]:
    """First event by (endpoint, rule set) of a lesion measured in tenths of a millimetre.

    With volume = k x diameter^3 the factor k cancels in every relative rule, so that the volume
    rules are exact in the cubes of the diameters; the 200 mm3 alone need k = 1 / (2 x 1.31^2).
    """
    found: dict[tuple[str, str], Event] = {}
    followed = [(day, size) for day, size in scans if day >= baseline_day]
    baseline = followed[0][1]
    shape = 1 / (2 * Decimal("1.31") ** 2)

    def note(endpoint: str, rule_set: str, name: str, day: int) -> None:
        found.setdefault((endpoint, rule_set), (f"{rule_set}/target/{name}", day))

    for place, (day, size) in enumerate(followed):
        if place == 0:
            continue
        nadir = min(size for _, size in followed[:place])
        if baseline > 0:
            for rule_set in ("recist_1_1", "recist_volume"):
                if size == 0:
                    note("response", rule_set, "disappearance", day)
                elif 10 * size <= 7 * baseline:
                    note("response", rule_set, "decrease", day)
            if 10 * size**3 <= 8 * baseline**3:
                note("response", "zhou2023", "decrease", day)
        if size <= nadir:
            continue
        if nadir == 0:
            note("progression", "recist_1_1", "reappearance", day)
            note("progression", "recist_volume", "reappearance", day)
        else:
            if 10 * size >= 12 * nadir and size - nadir >= 5:
                note("progression", "recist_1_1", "increase", day)
            if 10 * size >= 12 * nadir:
                note("progression", "recist_volume", "increase", day)
        if 10 * size**3 >= 13 * nadir**3 or shape * (size**3 - nadir**3) >= 200:
            note("progression", "zhou2023", "increase", day)
    return found


def random_scans(draw: np.random.Generator) -> tuple[Scans, int]:
    """Scans about six weeks apart, with zeros, repeats, and steps onto the thresholds."""
    n_before = int(draw.integers(0, 2))
    days = np.cumsum(draw.integers(20, 60, size=n_before + int(draw.integers(2, 8))))
    days = days - days[n_before] - int(draw.integers(0, 15))
    sizes: list[Decimal] = []
    for place in range(len(days)):
        size = Decimal(int(draw.integers(1, 600))) / 10
        if sizes:
            steps = {
                0: sizes[-1] * Decimal("0.7"),  # thresholds met exactly
                1: sizes[-1] * Decimal("1.2"),
                2: min(sizes) + 5,
                3: Decimal(0),
                4: sizes[-1],
                5: sizes[-1] * Decimal("0.95"),
                6: sizes[-1] * Decimal("1.08"),
            }
            size = steps.get(int(draw.integers(0, 9)), size)
        sizes.append(size if place or draw.random() > 0.05 else Decimal(0))
    return list(zip(days.tolist(), sizes, strict=True)), int(days[n_before])


@pytest.fixture(scope="module")
def lesions() -> dict[str, tuple[Scans, int]]:
    draw = np.random.default_rng(20230607)
    return {f"T{place:04}": random_scans(draw) for place in range(1500)}


@pytest.fixture(scope="module")
def events(lesions: dict[str, tuple[Scans, int]]) -> list[dict[str, Any]]:
    core = Core()
    core.patient(last_day=2000)
    for lesion_id, (scans, baseline_day) in lesions.items():
        sizes = {day: float(size) for day, size in scans}
        core.target(sizes, lesion_id, baseline_day=baseline_day)
    with core.build_events() as con:
        return records(con, "SELECT * FROM analysis.lesion_event")


def test_every_event_is_that_of_the_loops(
    lesions: dict[str, tuple[Scans, int]], events: list[dict[str, Any]]
) -> None:
    found = {
        (row["lesion_id"], row["endpoint"], row["rule_set"]): (row["rule_id"], row["time_days"])
        for row in events
        if row["is_event"]
    }
    wanted = {
        (lesion_id, *key): event
        for lesion_id, (scans, baseline_day) in lesions.items()
        for key, event in by_decimals(scans, baseline_day).items()
    }
    assert found == wanted
    named = {rule_id for rule_id, _ in found.values()}
    assert len(named) == 10, "the random lesions should meet every rule for target lesions"


def test_intervals_and_censoring_are_consistent(events: list[dict[str, Any]]) -> None:
    assert len(events) == 1500 * 6
    for row in events:
        if row["is_event"]:
            assert row["time_lower"] < row["time_upper"] == row["time_days"]
            assert (row["censor_reason"], row["event_probability"]) == (None, 1)
        else:
            assert row["time_days"] == row["time_lower"] == row["last_assessment_day"] < 2000
            assert (row["time_upper"], row["rule_id"], row["event_probability"]) == (None, None, 0)
            assert row["censor_reason"] in ("end_of_follow_up", "baseline_zero")


def test_volumes_of_the_fixture_are_those_of_the_paper() -> None:
    assert ellipsoid_mm3(20) == pytest.approx(20**3 / (2 * 1.31**2), rel=1e-15)
