"""Which rows are at risk at which event times, as stretches of event points.

An event point is a distinct (stratum, event time). Points are numbered by stratum, then time, so a
row's risk is a stretch of consecutive points, and every sum over a risk set is a cumulative sum:
one pass over the rows, whatever the number of event times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from udfs.hazards.arrays import BoolArray, FloatArray, IntArray, sum_by

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True)
class RiskIndex:
    """n rows, each at risk at one event point or more, and T points.

    The jumps of the baseline hazard are the terms of the partial likelihood's denominator: with
    Efron's ties one per event (jump l of the d at a point counts the rows with an event there by
    1 - l/d), with Breslow's one per point.
    """

    first: IntArray
    """(n,) the row's first point at risk."""
    last: IntArray
    """(n,) its last."""
    event_rows: IntArray
    """(n_events,) rows whose stretch ends in an event, ascending."""
    event_points: IntArray
    """(n_events,) their points."""
    weight: FloatArray
    """(n,) case weights."""
    event_weight: FloatArray
    """(n,) case weight of a row with an event, 0 of others."""
    point_time: FloatArray
    """(T,) event times."""
    point_stratum: IntArray
    """(T,) stratum of each point."""
    bounds: tuple[tuple[int, int], ...]
    """First point and the one after the last of each stratum with events."""
    point_start: IntArray
    """(T,) first point of the point's stratum."""
    late_rows: IntArray
    """Rows that enter after their stratum's first point (left truncation)."""
    is_early: BoolArray
    """(T,) whether fewer rows have entered than are still to leave. Only with late rows."""
    jump_point: IntArray
    """(L,) point of each jump, ascending."""
    jump_fraction: FloatArray
    """(L,) share of the point's events no longer counted, l/d."""
    jump_weight: FloatArray
    """(L,) weight of each jump: the point's mean event weight (Efron), or their sum (Breslow)."""
    jump_starts: IntArray
    """(T,) first jump of each point."""
    has_fractions: bool
    """Whether any point has several jumps."""

    @property
    def n_rows(self) -> int:
        return len(self.first)

    @property
    def n_points(self) -> int:
        return len(self.point_time)

    def risk_sum(self, x: FloatArray) -> FloatArray:
        """(T,) the sum of x (n,) over the rows at risk at each point.

        Where rows enter late it is taken from the side with fewer rows (entered less left, or
        still to leave less not yet entered), which keeps small risk sets exact.
        """
        leaving = sum_by(self.last, x, self.n_points)
        if len(self.late_rows) == 0:
            return self._reverse_cumsum(leaving)
        entering = sum_by(self.first, x, self.n_points)
        total = np.empty(self.n_points)
        for a, b in self.bounds:
            early = np.cumsum(entering[a:b])
            early[1:] -= np.cumsum(leaving[a : b - 1])
            late = np.cumsum(leaving[a:b][::-1])[::-1]
            late[:-1] -= np.cumsum(entering[a + 1 : b][::-1])[::-1]
            total[a:b] = np.where(self.is_early[a:b], early, late)
        return total

    def event_sum(self, x: FloatArray) -> FloatArray:
        """(T,) the sum of x (n,) over the rows with an event at each point."""
        return sum_by(self.event_points, x[self.event_rows], self.n_points)

    def spread(self, x: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """(n,) the sum of x (T,) over the points at which each row is at risk."""
        total = np.empty_like(x)
        for a, b in self.bounds:
            np.cumsum(x[a:b], out=total[a:b])
        # mode="clip" lets take write into ``out`` without a copy.
        spread = np.take(total, self.last, out=out, mode="clip")
        if len(self.late_rows):
            spread[self.late_rows] -= total[self.first[self.late_rows] - 1]
        return spread

    def _reverse_cumsum(self, x: FloatArray) -> FloatArray:
        total = np.empty_like(x)
        for a, b in self.bounds:
            total[a:b] = np.cumsum(x[a:b][::-1])[::-1]
        return total


@dataclass(frozen=True)
class Points:
    """The distinct (stratum, event time), and each row's stretch among them."""

    first: IntArray
    """(n,) first point at risk."""
    after: IntArray
    """(n,) point after the last; equal to ``first`` where the row is at risk at none."""
    time: FloatArray
    """(T,)"""
    stratum: IntArray
    """(T,)"""


def event_points(
    stop: FloatArray, event: BoolArray, start: FloatArray | None, stratum: IntArray
) -> Points:
    """The points of n rows. A row is at risk at the points of its stratum in (start, stop]."""
    times, rank = np.unique(stop[event], return_inverse=True)
    width = len(times) + 1
    keys = np.unique(stratum[event] * width + rank)
    base = stratum * width
    after = np.searchsorted(keys, base + np.searchsorted(times, stop, side="right"))
    if start is None:
        first = np.searchsorted(keys, base)
    else:
        first = np.searchsorted(keys, base + np.searchsorted(times, start, side="right"))
    return Points(
        first.astype(np.intp),
        after.astype(np.intp),
        times[keys % width],
        (keys // width).astype(np.intp),
    )


def risk_index(
    points: Points, rows: IntArray, event: BoolArray, weight: FloatArray, ties: Ties
) -> RiskIndex:
    """The index of the given rows, all of them at risk at some point, in their order.

    Args:
        points: of all N rows.
        rows: (n,) positions among the N.
        event: (N,)
        weight: (N,)
        ties: "efron" or "breslow".

    Raises:
        ValueError: ties is neither.
    """
    if ties not in ("efron", "breslow"):
        raise ValueError(f"ties is {ties!r}; it must be 'efron' or 'breslow'")
    first, last = points.first[rows], points.after[rows] - 1
    n_points = len(points.time)
    starts = np.flatnonzero(np.diff(points.stratum, prepend=-1))
    ends = np.append(starts[1:], n_points)
    bounds = tuple(zip(starts.tolist(), ends.tolist(), strict=True))
    point_start = np.repeat(starts, ends - starts)
    event_rows = np.flatnonzero(event[rows])
    late_rows = np.flatnonzero(first > point_start[last])
    jumps = _jumps(last[event_rows], weight[rows][event_rows], n_points, ties)
    return RiskIndex(
        first,
        last,
        event_rows,
        last[event_rows],
        weight[rows],
        np.where(event[rows], weight[rows], 0.0),
        points.time,
        points.stratum,
        bounds,
        point_start,
        late_rows,
        _is_early(first, last, bounds, n_points) if len(late_rows) else np.zeros(0, dtype=bool),
        *jumps,
        bool(np.any(jumps[1])),
    )


def _jumps(
    point: IntArray, weight: FloatArray, n_points: int, ties: Ties
) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    count = np.bincount(point, minlength=n_points)
    total = sum_by(point, weight, n_points)
    every = np.arange(n_points)
    if ties == "breslow":
        return every, np.zeros(n_points), total, every
    starts = np.cumsum(count) - count
    jump_point = np.repeat(every, count)
    fraction = (np.arange(len(point)) - starts[jump_point]) / count[jump_point]
    return jump_point, fraction, (total / count)[jump_point], starts


def _is_early(
    first: IntArray, last: IntArray, bounds: tuple[tuple[int, int], ...], n_points: int
) -> BoolArray:
    entered = np.bincount(first, minlength=n_points)
    leaving = np.bincount(last, minlength=n_points)
    early = np.empty(n_points, dtype=bool)
    for a, b in bounds:
        early[a:b] = np.cumsum(entered[a:b]) < np.cumsum(leaving[a:b][::-1])[::-1]
    return early
