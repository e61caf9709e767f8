"""Risk sets seen by group: each group's sum at risk is a step function of the event point.

A group's rows that leave at the same point (or enter at the same point) make one knot, so that
everything about groups costs one pass over knots, of which there are at most as many as rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.hazards.arrays import FloatArray, IntArray, sum_by
from udfs.hazards.index import RiskIndex
from udfs.hazards.partial import Partial


@dataclass(frozen=True)
class GroupIndex:
    """J knots of K groups at T points, sorted by group, then point."""

    n_groups: int
    n_points: int
    bounds: tuple[tuple[int, int], ...]
    """As in ``RiskIndex``."""
    knot_group: IntArray
    """(J,) group."""
    knot_point: IntArray
    """(J,) the last point that the knot's rows count for."""
    knot_start: IntArray
    """(J,) first point of its stratum."""
    knot_from: IntArray
    """(J,) the point after the group's previous knot in the stratum, or the stratum's first."""
    stretch_end: IntArray
    """(J,) the group's last knot in the same stratum."""
    last_knot: IntArray
    """(n,) knot at which each row leaves."""
    late_rows: IntArray
    late_knot: IntArray
    """Rows that enter late, and the knot before which they do not count."""
    event_rows: IntArray
    event_knot: IntArray
    """Rows with an event, and the knot at which they have it."""

    def risk_steps(self, risk: FloatArray) -> FloatArray:
        """(J,) c: a group's sum at risk at point t of a stratum is the sum of c over its knots
        there at t or later."""
        c = sum_by(self.last_knot, risk, len(self.knot_group))
        if len(self.late_rows):
            c -= sum_by(self.late_knot, risk[self.late_rows], len(self.knot_group))
        return c

    def event_steps(self, risk: FloatArray) -> FloatArray:
        """(J,) e: the group's sum over rows with an event at the knot's point."""
        return sum_by(self.event_knot, risk[self.event_rows], len(self.knot_group))

    def levels(self, c: FloatArray) -> FloatArray:
        """(J,) the group's sum at risk over the points ``knot_from`` to ``knot_point``."""
        prefix = np.zeros(len(c) + 1)
        np.cumsum(c, out=prefix[1:])
        return prefix[self.stretch_end + 1] - prefix[:-1]


@dataclass(frozen=True)
class GroupHessian:
    """Minus the Hessian in K groups' effects, H = diag(d) - sum over points of
    [R E] [[a2, -b2], [-b2, c2]] [R E]', with J knots at T points. R and E are the groups' sums of r
    (see ``Partial``) at risk and over events."""

    bounds: tuple[tuple[int, int], ...]
    """First point and the one after the last of each stratum."""
    knot_group: IntArray
    """(J,)"""
    knot_point: IntArray
    """(J,)"""
    c: FloatArray
    """(J,) as ``GroupIndex.risk_steps``."""
    e: FloatArray | None
    """(J,) as ``GroupIndex.event_steps``; None where no point has several jumps, as b2 and c2."""
    a2: FloatArray
    """(T,)"""
    b2: FloatArray | None
    c2: FloatArray | None
    d: FloatArray
    """(K,) expected events."""
    diagonal: FloatArray
    """(K,) the diagonal of H."""

    def times(self, v: FloatArray) -> FloatArray:
        """(K,) H times v (K,)."""
        at, n_points = self.knot_point, len(self.a2)
        by_knot = v[self.knot_group]
        s = sum_by(at, self.c * by_knot, n_points)
        for a, b in self.bounds:
            s[a:b] = np.cumsum(s[a:b][::-1])[::-1]
        x = self.a2 * s
        extra: FloatArray | float = 0.0
        if self.e is not None and self.b2 is not None and self.c2 is not None:
            t = sum_by(at, self.e * by_knot, n_points)
            x -= self.b2 * t
            extra = self.e * (self.c2 * t - self.b2 * s)[at]
        for a, b in self.bounds:
            x[a:b] = np.cumsum(x[a:b])
        return self.d * v - sum_by(self.knot_group, self.c * x[at] + extra, len(self.d))


def group_hessian(groups: GroupIndex, partial: Partial, expected: FloatArray) -> GroupHessian:
    """The Hessian at one point; ``expected`` (K,) is each group's expected number of events."""
    c = groups.risk_steps(partial.risk)
    e = groups.event_steps(partial.risk) if partial.b2 is not None else None
    level = groups.levels(c)
    prefix = np.zeros(groups.n_points + 1)
    np.cumsum(partial.a2, out=prefix[1:])
    lost = level**2 * (prefix[groups.knot_point + 1] - prefix[groups.knot_from])
    if e is not None and partial.b2 is not None and partial.c2 is not None:
        at = groups.knot_point
        lost += e * (partial.c2[at] * e - 2 * partial.b2[at] * level)
    diagonal = np.maximum(expected - sum_by(groups.knot_group, lost, groups.n_groups), 0.0)
    return GroupHessian(
        groups.bounds,
        groups.knot_group,
        groups.knot_point,
        c,
        e,
        partial.a2,
        partial.b2,
        partial.c2,
        expected,
        diagonal,
    )


def group_index(index: RiskIndex, group: IntArray) -> GroupIndex:
    """The knots of n rows with their groups (n,), numbered 0 to K - 1."""
    n_points = index.n_points
    leave = group * n_points + index.last
    enter = group[index.late_rows] * n_points + index.first[index.late_rows] - 1
    keys, places = np.unique(np.concatenate([leave, enter]), return_inverse=True)
    knot_group = (keys // n_points).astype(np.intp)
    knot_point = (keys % n_points).astype(np.intp)
    knot_start = index.point_start[knot_point]
    is_first = np.ones(len(keys), dtype=bool)
    is_first[1:] = (np.diff(knot_group) != 0) | (np.diff(knot_start) != 0)
    knot_from = np.where(is_first, knot_start, np.roll(knot_point, 1) + 1)
    firsts = np.flatnonzero(is_first)
    ends = np.append(firsts[1:], len(keys)) - 1
    last_knot = places[: len(leave)].astype(np.intp)
    return GroupIndex(
        int(group[-1]) + 1,
        n_points,
        index.bounds,
        knot_group,
        knot_point,
        knot_start,
        knot_from,
        np.repeat(ends, ends - firsts + 1),
        last_knot,
        index.late_rows,
        places[len(leave) :].astype(np.intp),
        index.event_rows,
        last_knot[index.event_rows],
    )
