"""What the paper's words leave open in the phases, each choice by hand and by a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.heterogeneity.phases import (
    ResponsePhases,
    response_phases,
    sum_carried_forward,
    sum_over_complete_days,
)


def phases_of(sizes: list[float], **rules: Any) -> ResponsePhases:
    return response_phases(40 * np.arange(len(sizes)), sizes, [0, len(sizes)], **rules)


def days(found: ResponsePhases) -> tuple[float, float, float]:
    return (
        float(found.time_to_response_days[0]),
        float(found.stable_days[0]),
        float(found.relapse_days[0]),
    )


def test_a_threshold_between_two_scans_can_be_interpolated() -> None:
    # 10 to 6 on day 40: 7 is three quarters of the way. 6 to 9: 7.2 is 0.4 of the way from day 40.
    found = phases_of([10, 6, 9], threshold_day="interpolated")
    assert days(found) == pytest.approx((30, 40 + 16 - 30, 80 - 56))
    assert days(phases_of([10, 6, 9])) == (40, 40, 0)


def test_a_threshold_met_exactly_on_a_scan_is_met_on_that_scan() -> None:
    found = phases_of([10, 7, 7], threshold_day="interpolated")
    assert days(found) == pytest.approx((40, 40, 0))


def test_a_relapse_on_the_last_scan_has_days_only_when_interpolated() -> None:
    assert phases_of([10, 10, 12.5]).relapse_days[0] == 0
    found = phases_of([10, 10, 12.5], threshold_day="interpolated")
    assert found.relapse_days[0] == pytest.approx(40 * 0.2)  # 12 is 0.8 of the way to 12.5


def test_a_regrowth_that_does_not_last_is_no_relapse_by_the_other_rule() -> None:
    regrows_and_shrinks = [10, 13, 6, 5]
    first = phases_of(regrows_and_shrinks)
    assert (first.has_relapse[0], first.has_response[0]) == (True, False)
    lasting = phases_of(regrows_and_shrinks, mixed_response="sustained_regrowth")
    assert (lasting.has_relapse[0], lasting.has_response[0]) == (False, True)
    assert days(lasting) == (80, 40, 0)
    assert first.is_mixed[0]
    assert lasting.is_mixed[0]


def test_a_lasting_relapse_begins_where_it_begins_to_last() -> None:
    # Above 120 % of the nadir 5 on days 80 and 160 to 200, not on day 120.
    sizes = [10, 5, 7, 5.5, 7, 8]
    assert days(phases_of(sizes)) == (40, 40, 120)
    assert days(phases_of(sizes, mixed_response="sustained_regrowth")) == (40, 120, 40)


@pytest.mark.parametrize("rule", ["mixed_response", "threshold_day", "relapse_reference"])
def test_an_unknown_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=f"{rule} is 'other', not"):
        phases_of([10, 9], **{rule: "other"})


courses = st.lists(st.lists(st.integers(1, 30), min_size=2, max_size=7), min_size=1, max_size=5)


@given(courses, st.sampled_from(["nadir", "baseline"]))
@settings(max_examples=60, deadline=None)
def test_sustained_regrowth_equals_a_plain_loop(lesions: list[list[int]], reference: Any) -> None:
    offsets = np.cumsum([0, *(len(sizes) for sizes in lesions)])
    day = np.concatenate([10 * np.arange(len(sizes)) for sizes in lesions])
    found = response_phases(
        day,
        np.concatenate(lesions),
        offsets,
        relapse_reference=reference,
        mixed_response="sustained_regrowth",
    )
    for i, sizes in enumerate(lesions):
        above = [
            k > 0 and 10 * size > 12 * (min(sizes[: k + 1]) if reference == "nadir" else sizes[0])
            for k, size in enumerate(sizes)
        ]
        start = len(sizes)
        while above[start - 1]:
            start -= 1
        assert found.has_relapse[i] == (start < len(sizes))
        if start < len(sizes):
            assert found.relapse_days[i] == 10 * (len(sizes) - 1 - start)
        responds = [k for k in range(1, start) if 10 * sizes[k] <= 7 * sizes[0]]
        assert found.has_response[i] == bool(responds)


@given(courses)
@settings(max_examples=60, deadline=None)
def test_interpolated_phases_add_up_and_never_come_later(lesions: list[list[int]]) -> None:
    offsets = np.cumsum([0, *(len(sizes) for sizes in lesions)])
    day = np.concatenate([10 * np.arange(len(sizes)) for sizes in lesions])
    sizes = np.concatenate(lesions)
    on_scan = response_phases(day, sizes, offsets)
    between = response_phases(day, sizes, offsets, threshold_day="interpolated")
    total = between.time_to_response_days + between.stable_days + between.relapse_days
    np.testing.assert_allclose(total, between.follow_up_days)
    np.testing.assert_array_equal(between.has_response, on_scan.has_response)
    np.testing.assert_array_equal(between.has_relapse, on_scan.has_relapse)
    assert (between.time_to_response_days <= on_scan.time_to_response_days).all()
    assert (between.relapse_days >= on_scan.relapse_days).all()


# Two lesions of patient 0, one of patient 1: (day, size) of each.
SCANS = [
    [(-10, 20), (30, 10), (60, 8)],
    [(-3, 30), (60, 15), (90, 12)],
    [(0, 5), (40, 6)],
]


def flat(scans: list[list[tuple[int, float]]]) -> tuple[Any, Any, Any]:
    rows = [row for lesion in scans for row in lesion]
    bounds = np.cumsum([0, *(len(lesion) for lesion in scans)])
    return [d for d, _ in rows], [s for _, s in rows], bounds


def test_sums_that_carry_the_last_size_forward() -> None:
    found = sum_carried_forward([0, 0, 1], *flat(SCANS))
    assert found.offsets.tolist() == [0, 4, 6]
    assert found.day.tolist() == [-3, 30, 60, 90, 0, 40]
    assert found.size.tolist() == [50, 40, 23, 20, 5, 6]
    assert found.n_lesions.tolist() == [2, 1]
    complete = sum_over_complete_days([0, 0, 1], *flat(SCANS))
    assert complete.day.tolist() == [-3, 60, 0, 40]
    assert complete.size.tolist() == [50, 23, 5, 6]


def test_the_baseline_of_a_carried_sum_is_the_sum_of_the_baselines() -> None:
    # The first lesion is measured again on the day of the other's baseline: 18 is no baseline.
    found = sum_carried_forward([0, 0], *flat([[(-9, 20), (0, 18), (40, 9)], [(0, 30), (40, 10)]]))
    assert found.day.tolist() == [0, 40]
    assert found.size.tolist() == [50, 19]


def test_no_lesion_gives_no_carried_sum() -> None:
    assert sum_carried_forward([], [], [], [0]).day.size == 0
    assert sum_carried_forward([-1], [0], [1], [0, 1]).day.size == 0


lesion_scans = st.dictionaries(st.integers(-5, 12), st.integers(0, 20), min_size=1, max_size=6)


@given(st.lists(st.tuples(st.integers(-1, 2), lesion_scans), max_size=7))
@settings(max_examples=80, deadline=None)
def test_carried_sums_equal_a_plain_loop(trials: list[tuple[int, dict[int, int]]]) -> None:
    scans = [sorted((d, float(s)) for d, s in lesion.items()) for _, lesion in trials]
    found = sum_carried_forward([p for p, _ in trials], *flat(scans))
    series = {}
    for patient in sorted({p for p, _ in trials if p >= 0}):
        mine = [lesion for (p, _), lesion in zip(trials, scans, strict=True) if p == patient]
        first = max(lesion[0][0] for lesion in mine)
        points = [(first, sum(lesion[0][1] for lesion in mine))]
        for day in sorted({d for lesion in mine for d, _ in lesion if d > first}):
            points.append((day, sum([s for d, s in lesion if d <= day][-1] for lesion in mine)))
        series[patient] = points
    assert found.patient.tolist() == list(series)
    for i, points in enumerate(series.values()):
        rows = slice(found.offsets[i], found.offsets[i + 1])
        assert list(zip(found.day[rows], found.size[rows], strict=True)) == points
