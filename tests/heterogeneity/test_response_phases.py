"""Response phases against hand calculations, exact integer arithmetic and a plain loop."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.heterogeneity.phases import (
    BASELINE_ZERO,
    EVALUABLE,
    NO_LATER_SCAN,
    NOT_MEASURED,
    ResponsePhases,
    consistent_with_total,
    response_phases,
)

# name, sizes in mm on days 0, 40, 80 ..., then response, stable and relapse days (None: no such
# phase), nadir ratio, last ratio, mixed. Worked out by hand from udfs/heterogeneity/phases.
CASES: list[tuple[str, list[float], tuple[Any, Any, Any], float, float, bool]] = [
    ("all three phases", [10, 7, 5, 6, 6.1, 6.5], (40, 120, 40), 0.5, 0.65, False),
    ("response to the last scan", [10, 9, 8, 6], (120, None, None), 0.6, 0.6, False),
    ("response, then stable", [10, 6, 6, 7], (40, 80, None), 0.6, 0.7, False),
    ("never beyond a threshold", [10, 9, 8, 9.6], (None, 120, None), 0.8, 0.96, False),
    ("grows from the first scan", [10, 13, 14], (None, 40, 40), 1.3, 1.4, False),
    ("regrowth above an early nadir", [10, 8, 9.7, 9], (None, 80, 40), 0.8, 0.9, False),
    ("relapse seen on the last scan", [10, 10, 12.5], (None, 80, 0), 1.0, 1.25, False),
    ("disappears", [10, 0, 0], (40, 40, None), 0.0, 0.0, False),
    ("disappears and reappears", [10, 0, 5], (40, 40, 0), 0.0, 0.5, False),
    ("shrinks, regrows, shrinks again", [10, 5, 7, 4], (40, 40, 40), 0.4, 0.4, True),
    ("grows before it shrinks", [10, 13, 6, 5], (None, 40, 80), 0.5, 0.5, True),
    ("regrows, then a little down", [10, 5, 7, 6], (40, 40, 40), 0.5, 0.6, False),
    ("exactly 30 % down", [10, 7], (40, None, None), 0.7, 0.7, False),
    ("just not 30 % down", [10, 7.1], (None, 40, None), 0.71, 0.71, False),
    ("exactly 120 %", [10, 12], (None, 40, None), 1.2, 1.2, False),
    ("just above 120 %", [10, 12.1], (None, 40, 0), 1.21, 1.21, False),
]


def phases_of(*lesions: list[float], **rules: Any) -> ResponsePhases:
    sizes = [size for lesion in lesions for size in lesion]
    days = [40 * i for lesion in lesions for i in range(len(lesion))]
    offsets = np.cumsum([0, *(len(lesion) for lesion in lesions)])
    return response_phases(days, sizes, offsets, **rules)


@pytest.mark.parametrize(("name", "sizes", "days", "nadir", "last", "mixed"), CASES)
def test_a_lesion_worked_out_by_hand(
    name: str,
    sizes: list[float],
    days: tuple[Any, Any, Any],
    nadir: float,
    last: float,
    mixed: bool,
) -> None:
    found = phases_of(sizes)
    flags = (found.has_response[0], found.has_stable[0], found.has_relapse[0])
    assert flags == tuple(d is not None for d in days), name
    durations = (found.time_to_response_days[0], found.stable_days[0], found.relapse_days[0])
    assert durations == tuple(d or 0 for d in days), name
    assert found.nadir_ratio[0] == pytest.approx(nadir, rel=1e-12)
    assert found.last_ratio[0] == pytest.approx(last, rel=1e-12)
    assert found.is_mixed[0] == mixed


def test_all_lesions_at_once_give_what_each_gives_alone() -> None:
    together = phases_of(*(case[1] for case in CASES))
    for i, case in enumerate(CASES):
        alone = phases_of(case[1])
        for item in fields(ResponsePhases):
            assert getattr(together, item.name)[i] == getattr(alone, item.name)[0], case[0]


def test_regrowth_can_be_measured_from_the_baseline() -> None:
    sizes = [10, 5, 11, 12, 12.5]
    from_nadir = phases_of(sizes)
    assert (from_nadir.stable_days[0], from_nadir.relapse_days[0]) == (40, 80)
    from_baseline = phases_of(sizes, relapse_reference="baseline")
    assert (from_baseline.stable_days[0], from_baseline.relapse_days[0]) == (120, 0)
    assert from_baseline.has_relapse[0]


def test_thresholds_are_settings() -> None:
    assert not phases_of([10, 8]).has_response[0]
    assert phases_of([10, 8], response_ratio=0.8).has_response[0]
    assert phases_of([10, 12.5]).has_relapse[0]
    assert not phases_of([10, 12.5], relapse_ratio=1.25).has_relapse[0]


@pytest.mark.parametrize("unit", [1, 10], ids=["whole mm", "tenths of a mm"])
def test_both_thresholds_are_exact_for_every_size(unit: int) -> None:
    baseline, size = (a.ravel() for a in np.meshgrid(np.arange(1, 301), np.arange(0, 401)))
    rows = np.column_stack((baseline / unit, size / unit)).ravel()
    found = response_phases(np.tile([0, 42], size.size), rows, np.arange(size.size + 1) * 2)
    np.testing.assert_array_equal(found.has_response, 10 * size <= 7 * baseline)
    np.testing.assert_array_equal(found.has_relapse, 10 * size > 12 * baseline)


def test_what_cannot_be_evaluated_is_null_and_says_why() -> None:
    found = phases_of([0, 5, 6], [10], [], [0], [10, 6])
    expected = [BASELINE_ZERO, NO_LATER_SCAN, NOT_MEASURED, NO_LATER_SCAN, EVALUABLE]
    assert found.status.tolist() == expected
    assert found.has_response.tolist() == [False, False, False, False, True]
    for name in ("time_to_response_days", "stable_days", "relapse_days", "follow_up_days"):
        assert np.isnan(getattr(found, name)).tolist() == [True, True, True, True, False]
    assert np.isnan(found.nadir_ratio).tolist() == [True, True, True, True, False]
    assert np.isnan(found.last_ratio).tolist() == [True, True, True, True, False]


def test_no_lesion_gives_no_phase() -> None:
    assert response_phases([], [], [0]).status.size == 0


@pytest.mark.parametrize(
    ("day", "size", "offsets", "rules", "message"),
    [
        ([0, 0], [1, 1], [0, 2], {}, "row 1: day 0.0 does not come after day 0.0"),
        ([0, 1], [1, -1], [0, 2], {}, "row 1: size -1.0"),
        ([0, 1], [1, np.nan], [0, 2], {}, "row 1: size nan"),
        ([0, 1], [1, 1], [0, 1], {}, "end with the number of rows, 2"),
        ([0, 1], [1, 1], [0, 2, 1, 2], {}, "must not fall"),
        ([0, 1], [1], [0, 2], {}, "flat and alike"),
        ([0], [1], [0, 1], {"response_ratio": 1.0}, "between 0 and 1"),
        ([0], [1], [0, 1], {"relapse_ratio": 0.9}, "at least 1"),
        ([0], [1], [0, 1], {"relapse_reference": "last"}, "'nadir' or 'baseline'"),
    ],
)
def test_wrong_input_is_refused(
    day: Any, size: Any, offsets: Any, rules: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        response_phases(day, size, offsets, **rules)


def in_a_plain_loop(days: list[int], sizes: list[int], reference: str) -> dict[str, Any]:
    """The rules once more, one lesion and one scan at a time, in exact fractions."""
    baseline = sizes[0]
    nadir, response, relapse, peak, mixed = baseline, None, None, 0, False
    for day, size in zip(days[1:], sizes[1:], strict=True):
        if relapse is not None:
            peak = max(peak, size)
            mixed = mixed or 10 * size <= 7 * peak
        elif 10 * size > 12 * (nadir if reference == "nadir" else baseline):
            relapse, peak = day, size
        elif response is None and 10 * size <= 7 * baseline:
            response = day
        nadir = min(nadir, size)
    until_response = days[0] if response is None else response
    until_relapse = days[-1] if relapse is None else relapse
    return {
        "has_response": response is not None,
        "has_stable": until_relapse > until_response,
        "has_relapse": relapse is not None,
        "time_to_response_days": until_response - days[0],
        "stable_days": until_relapse - until_response,
        "relapse_days": days[-1] - until_relapse,
        "follow_up_days": days[-1] - days[0],
        "nadir_ratio": float(Fraction(min(sizes[1:]), baseline)),
        "last_ratio": float(Fraction(sizes[-1], baseline)),
        "is_mixed": mixed,
    }


@st.composite
def lesions(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    gaps = draw(st.lists(st.integers(1, 90), min_size=1, max_size=12))
    days = np.cumsum([draw(st.integers(-80, 1)), *gaps]).tolist()
    later = st.lists(st.integers(0, 60), min_size=len(gaps), max_size=len(gaps))
    return days, [draw(st.integers(1, 60)), *draw(later)]


many_lesions = st.lists(lesions(), min_size=1, max_size=8)
references = st.sampled_from(["nadir", "baseline"])


def flat(trials: list[tuple[list[int], list[int]]]) -> tuple[list[int], list[int], Any]:
    return (
        [day for days, _ in trials for day in days],
        [size for _, sizes in trials for size in sizes],
        np.cumsum([0, *(len(days) for days, _ in trials)]),
    )


@settings(deadline=None)
@given(many_lesions, references)
def test_equal_to_a_plain_loop(trials: list[tuple[list[int], list[int]]], reference: Any) -> None:
    found = response_phases(*flat(trials), relapse_reference=reference)
    for i, (days, sizes) in enumerate(trials):
        for name, value in in_a_plain_loop(days, sizes, reference).items():
            assert getattr(found, name)[i] == pytest.approx(value, rel=1e-14), name


@settings(deadline=None)
@given(many_lesions, references)
def test_phases_add_up_to_the_follow_up(
    trials: list[tuple[list[int], list[int]]], reference: Any
) -> None:
    found = response_phases(*flat(trials), relapse_reference=reference)
    total = found.time_to_response_days + found.stable_days + found.relapse_days
    np.testing.assert_array_equal(total, found.follow_up_days)
    np.testing.assert_array_equal(found.follow_up_days, [days[-1] - days[0] for days, _ in trials])
    assert (found.has_response | found.has_stable | found.has_relapse).all()
    assert not found.time_to_response_days[~found.has_response].any()
    assert not found.relapse_days[~found.has_relapse].any()
    np.testing.assert_array_equal(found.has_stable, found.stable_days > 0)


@settings(deadline=None)
@given(many_lesions, st.randoms(use_true_random=False), st.sampled_from([0.1, 25.4]))
def test_order_of_lesions_and_unit_of_size_do_not_matter(
    trials: list[tuple[list[int], list[int]]], random: Any, unit: float
) -> None:
    order = list(range(len(trials)))
    random.shuffle(order)
    found = response_phases(*flat(trials))
    days, sizes, offsets = flat([trials[i] for i in order])
    shuffled = response_phases(days, np.array(sizes) * unit, offsets)
    for item in fields(ResponsePhases):
        np.testing.assert_allclose(
            getattr(shuffled, item.name),
            getattr(found, item.name)[order],
            rtol=1e-12,
            err_msg=item.name,
        )


def test_a_lesion_is_consistent_when_all_three_phases_are_its_totals() -> None:
    lesion = phases_of([10, 6, 8], [10, 6, 6], [10, 6, 8], [10])
    total = phases_of([20, 12, 16], [20, 12, 16], [20], [20, 12, 16])
    assert consistent_with_total(lesion, total).tolist() == [True, False, False, False]
    with pytest.raises(ValueError, match="4 lesions, but 1 totals"):
        consistent_with_total(lesion, total.take([0]))


def test_taking_a_missing_total_is_not_evaluable() -> None:
    taken = phases_of([10, 6]).take([0, -1, 0])
    assert taken.status.tolist() == [EVALUABLE, NOT_MEASURED, EVALUABLE]
    assert taken.has_response.tolist() == [True, False, True]
    assert np.isnan(taken.time_to_response_days).tolist() == [False, True, False]
