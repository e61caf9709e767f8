"""Sums of sizes on complete days against hand calculations and a plain loop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.heterogeneity.phases import (
    SumSeries,
    consistent_with_total,
    response_phases,
    sum_over_complete_days,
)

Scans = dict[int, int]
"""Size by day, the first day being the baseline."""


def flat(lesions: list[Scans]) -> tuple[list[int], list[int], Any]:
    return (
        [day for lesion in lesions for day in lesion],
        [size for lesion in lesions for size in lesion.values()],
        np.cumsum([0, *(len(lesion) for lesion in lesions)]),
    )


def sums_of(patient: list[int], lesions: list[Scans]) -> dict[int, Scans]:
    return as_dict(sum_over_complete_days(patient, *flat(lesions)))


def as_dict(series: SumSeries) -> dict[int, Scans]:
    return {
        int(patient): dict(
            zip(
                series.day[series.offsets[i] : series.offsets[i + 1]].astype(int).tolist(),
                series.size[series.offsets[i] : series.offsets[i + 1]].astype(int).tolist(),
                strict=True,
            )
        )
        for i, patient in enumerate(series.patient)
    }


def test_days_that_lack_a_lesion_are_left_out() -> None:
    first = {0: 10, 42: 8, 84: 7, 126: 6}
    second = {0: 20, 42: 15, 126: 30}
    assert sums_of([0, 0], [first, second]) == {0: {0: 30, 42: 23, 126: 36}}


def test_the_baseline_of_the_sum_is_the_latest_baseline_day() -> None:
    first = {-9: 10, -2: 11, 42: 8}
    second = {-2: 20, 42: 15}
    third = {-5: 1, 42: 2}
    assert sums_of([3, 3, 3], [first, second, third]) == {3: {-2: 31, 42: 25}}


def test_lesions_without_a_patient_are_left_out() -> None:
    lesions = [{0: 10, 42: 8}, {0: 99, 42: 99}, {}, {0: 1, 42: 2}]
    assert sums_of([1, -1, -1, 0], lesions) == {0: {0: 1, 42: 2}, 1: {0: 10, 42: 8}}


def test_the_number_of_lesions_stands_with_each_sum() -> None:
    series = sum_over_complete_days([5, 2, 5], *flat([{0: 1}, {0: 2}, {0: 4}]))
    assert series.patient.tolist() == [2, 5]
    assert series.n_lesions.tolist() == [1, 2]


def test_no_lesion_gives_no_sum() -> None:
    assert sums_of([], []) == {}
    assert sums_of([-1], [{0: 4, 9: 5}]) == {}


def test_a_lesion_without_scans_must_not_have_a_patient() -> None:
    with pytest.raises(ValueError, match="no scan"):
        sums_of([0], [{}])
    with pytest.raises(ValueError, match="1 patients for 2 lesions"):
        sums_of([0], [{0: 1}, {0: 1}])


scans = st.dictionaries(st.integers(-3, 6), st.integers(0, 50), min_size=1, max_size=6).map(
    lambda found: dict(sorted(found.items()))
)
patients = st.lists(st.tuples(st.integers(-1, 3), scans), max_size=10)


def in_a_plain_loop(trials: list[tuple[int, Scans]]) -> dict[int, Scans]:
    sums: dict[int, Scans] = {}
    for patient in {p for p, _ in trials if p >= 0}:
        lesions = [found for p, found in trials if p == patient]
        start = max(min(found) for found in lesions)
        sums[patient] = {start: sum(found[min(found)] for found in lesions)}
        for day in range(start + 1, 10):
            if all(day in found for found in lesions):
                sums[patient][day] = sum(found[day] for found in lesions)
    return sums


@settings(deadline=None)
@given(patients)
def test_equal_to_a_plain_loop(trials: list[tuple[int, Scans]]) -> None:
    found = sums_of([p for p, _ in trials], [scan for _, scan in trials])
    assert found == in_a_plain_loop(trials)


@settings(deadline=None)
@given(st.lists(scans, min_size=1, max_size=6))
def test_an_only_lesion_is_consistent_with_its_own_sum(lesions: list[Scans]) -> None:
    day, size, offsets = flat(lesions)
    series = sum_over_complete_days(range(len(lesions)), day, size, offsets)
    phases = response_phases(day, size, offsets)
    totals = response_phases(series.day, series.size, series.offsets)
    np.testing.assert_array_equal(consistent_with_total(phases, totals), phases.is_evaluable)


def test_decimal_sizes_that_add_up_to_a_threshold_meet_it() -> None:
    # 0.7 * (33.3 + 33.3 + 33.4) = 70; the binary sums are off by an ulp or two
    sizes = [33.3, 23.3, 33.3, 23.3, 33.4, 23.4]
    assert math.fsum(sizes[1::2]) == pytest.approx(70)
    series = sum_over_complete_days([0, 0, 0], [0, 42] * 3, sizes, [0, 2, 4, 6])
    assert response_phases(series.day, series.size, series.offsets).has_response[0]
