"""Sums of the sizes of several lesions over time: a patient's, or an organ's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.heterogeneity.phases.rules import FloatArray, IntArray, checked_scans


@dataclass(frozen=True)
class SumSeries:
    """Sums of sizes over time, one series per patient with at least one lesion."""

    patient: IntArray
    """(p,) the patients' numbers, ascending."""
    offsets: IntArray
    """(p + 1,) series i is the rows ``offsets[i]:offsets[i + 1]``; the first is its baseline."""
    day: FloatArray
    """(m,) days, ascending within a series."""
    size: FloatArray
    """(m,) sum of the sizes, in the unit of the sizes."""
    n_lesions: IntArray
    """(p,) number of lesions summed."""


def sum_over_complete_days(
    patient: ArrayLike, day: ArrayLike, size: ArrayLike, offsets: ArrayLike
) -> SumSeries:
    """Each patient's sum of lesion sizes, on days when every one of the lesions was measured.

    The baseline of the sum is the sum of the lesions' own baselines, on the latest of their
    baseline days (screening scans need not fall on one day). A later day counts only if all the
    lesions were measured on it: a sum that lacks a lesion would look like a response.

    Args:
        patient: (n,) each lesion's patient as a number from 0; -1 leaves the lesion out.
        day, size, offsets: the lesions' scans, as for ``response_phases``.

    Raises:
        ValueError: as ``response_phases``, or a lesion with a patient but no scan.
    """
    scans = _owned(patient, day, size, offsets)
    is_baseline = np.zeros(scans.day.size, dtype=bool)
    is_baseline[scans.first] = True
    first_day = scans.baseline_day[scans.rank[scans.lesion]]
    counts = is_baseline | (scans.day > first_day)
    counted_day = np.where(is_baseline, first_day, scans.day)
    return _summed(
        scans.patients, scans.n_lesions, scans.rank[scans.lesion][counts], counted_day[counts],
        scans.size[counts],
    )  # fmt: skip


def sum_carried_forward(
    patient: ArrayLike, day: ArrayLike, size: ArrayLike, offsets: ArrayLike
) -> SumSeries:
    """Each patient's sum on every day when any lesion was measured, the others as last measured.

    The baseline is that of ``sum_over_complete_days``, and where all lesions were measured on all
    days the two are the same.

    Args:
        patient, day, size, offsets: as there.

    Raises:
        ValueError: as there.
    """
    scans = _owned(patient, day, size, offsets)
    point_rank, point_day = _points(scans)
    by_patient = np.argsort(scans.rank, kind="stable")
    first_lesion = np.cumsum(scans.n_lesions) - scans.n_lesions
    repeats = scans.n_lesions[point_rank]
    point = np.repeat(np.arange(point_rank.size), repeats)
    nth = np.arange(point.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    lesion = by_patient[first_lesion[point_rank[point]] + nth]

    is_baseline = np.diff(point_rank, prepend=-1) > 0
    last = _last_scan(scans, lesion, point_day[point])
    row = np.where(is_baseline[point], scans.first[lesion], last)
    sums = np.bincount(point, weights=scans.size[row], minlength=point_rank.size)
    length = np.bincount(point_rank, minlength=scans.patients.size)
    return SumSeries(
        patient=scans.patients,
        offsets=np.concatenate(([0], np.cumsum(length))),
        day=point_day,
        size=sums.astype(np.float64),
        n_lesions=scans.n_lesions,
    )


@dataclass(frozen=True)
class _Owned:
    """Scans of the lesions that have a patient."""

    day: FloatArray
    """(m,)"""
    size: FloatArray
    lesion: IntArray
    """(m,) which of the l lesions, ascending."""
    first: IntArray
    """(l,) each lesion's first row."""
    rank: IntArray
    """(l,) each lesion's patient, by its place among the p patients."""
    patients: IntArray
    """(p,)"""
    n_lesions: IntArray
    """(p,)"""
    baseline_day: FloatArray
    """(p,) the latest of the lesions' baseline days."""


def _owned(patient: ArrayLike, day: ArrayLike, size: ArrayLike, offsets: ArrayLike) -> _Owned:
    days, sizes, bounds = checked_scans(day, size, offsets)
    owner = np.asarray(patient, dtype=np.int64)
    if owner.shape != (bounds.size - 1,):
        raise ValueError(f"{owner.size} patients for {bounds.size - 1} lesions")
    n_scans = np.diff(bounds)
    if ((n_scans == 0) & (owner >= 0)).any():
        raise ValueError("a lesion with a patient has no scan: leave it out with patient -1")
    kept = owner >= 0
    rows = np.flatnonzero(np.repeat(kept, n_scans))
    length = n_scans[kept]
    first = np.cumsum(length) - length
    patients, rank = np.unique(owner[kept], return_inverse=True)
    baseline_day = np.full(patients.size, -np.inf)
    np.maximum.at(baseline_day, rank, days[rows][first])
    return _Owned(
        days[rows], sizes[rows], np.repeat(np.arange(length.size), length), first, rank, patients,
        np.bincount(rank, minlength=patients.size), baseline_day,
    )  # fmt: skip


def _points(scans: _Owned) -> tuple[IntArray, FloatArray]:
    """Patient and day of every sum: the baseline, then each later day with any scan."""
    owner = scans.rank[scans.lesion]
    later = scans.day > scans.baseline_day[owner]
    rank = np.concatenate((np.arange(scans.patients.size), owner[later]))
    day = np.concatenate((scans.baseline_day, scans.day[later]))
    order = np.lexsort((day, rank))
    rank, day = rank[order], day[order]
    is_new = np.ones(rank.size, dtype=bool)
    is_new[1:] = (np.diff(rank) > 0) | (np.diff(day) > 0)
    return rank[is_new], day[is_new]


def _last_scan(scans: _Owned, lesion: IntArray, day: FloatArray) -> IntArray:
    """Row of each lesion's last scan up to the day; each has one by its patient's baseline day."""
    if lesion.size == 0:
        return lesion
    low = scans.day.min()
    span = scans.day.max() - low + 1
    keys = scans.lesion * span + (scans.day - low)
    return np.searchsorted(keys, lesion * span + (day - low), side="right") - 1


def _summed(
    patients: IntArray, n_lesions: IntArray, rank: IntArray, day: FloatArray, size: FloatArray
) -> SumSeries:
    """Sums by patient and day over the rows given, keeping the days on which no lesion lacks."""
    order = np.lexsort((day, rank))
    rank, day, size = rank[order], day[order], size[order]
    is_new = np.ones(rank.size, dtype=bool)
    is_new[1:] = (np.diff(rank) > 0) | (np.diff(day) > 0)
    first = np.flatnonzero(is_new)
    if first.size == 0:
        none = np.zeros(0)
        return SumSeries(patients, np.zeros(patients.size + 1, np.int64), none, none, n_lesions)
    count = np.diff(np.append(first, rank.size))
    complete = count == n_lesions[rank[first]]
    sums = np.add.reduceat(size, first)[complete]
    series_rank = rank[first][complete]
    length = np.bincount(series_rank, minlength=patients.size)
    return SumSeries(
        patient=patients,
        offsets=np.concatenate(([0], np.cumsum(length))),
        day=day[first][complete],
        size=sums,
        n_lesions=n_lesions,
    )
