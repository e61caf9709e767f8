"""The parts of the groups' Hessian that have nothing to do with each other.

Strata that share a group belong to one block, so trials that are strata and nest patients are a
block each, and one stratum is one block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from udfs.hazards.arrays import FloatArray, IntArray
from udfs.hazards.groups import GroupHessian, GroupIndex
from udfs.hazards.index import RiskIndex


@dataclass(frozen=True)
class Block:
    """K groups, J knots and T points of one block, numbered from 0 within it."""

    groups: IntArray
    """(K,) among all groups."""
    knots: IntArray
    """(J,) among all knots; sorted by group, then point."""
    points: IntArray
    """(T,) among all points."""
    bounds: tuple[tuple[int, int], ...]
    """The strata's stretches among the T points."""
    knot_group: IntArray
    """(J,)"""
    knot_point: IntArray
    """(J,)"""
    tied: IntArray
    """(T2,) points with several jumps."""

    @property
    def n_groups(self) -> int:
        return len(self.groups)

    @property
    def n_points(self) -> int:
        return len(self.points)

    @property
    def rank(self) -> int:
        """What the Hessian takes from its diagonal part has this rank at most."""
        return len(self.points) + len(self.tied)

    @cached_property
    def n_pairs(self) -> int:
        """Pairs of knots of one group, each once."""
        m = np.bincount(self.knot_group)
        return int((m * (m + 1) // 2).sum())

    @cached_property
    def pairs(self) -> tuple[IntArray, IntArray]:
        """(n_pairs,) first and second knot of each pair, first <= second."""
        stop = np.cumsum(np.bincount(self.knot_group))[self.knot_group]
        return _ranges(np.arange(len(self.knots)), stop)

    @cached_property
    def tied_pairs(self) -> tuple[IntArray, IntArray]:
        """Knots at tied points, each with every knot of its group."""
        ends = np.cumsum(np.bincount(self.knot_group))
        starts = np.concatenate([[0], ends[:-1]])
        at_tied = np.flatnonzero(np.isin(self.knot_point, self.tied))
        group = self.knot_group[at_tied]
        place, second = _ranges(starts[group], ends[group])
        return at_tied[place], second

    @cached_property
    def tied_place(self) -> IntArray:
        """(T,) each point's place among the tied; -1 for others."""
        place = np.full(self.n_points, -1)
        place[self.tied] = np.arange(len(self.tied))
        return place

    def part(self, hessian: GroupHessian) -> GroupHessian:
        """The Hessian in the block's groups alone."""
        if len(hessian.bounds) == len(self.bounds):
            return hessian
        at = self.points
        return GroupHessian(
            self.bounds,
            self.knot_group,
            self.knot_point,
            hessian.c[self.knots],
            None if hessian.e is None else hessian.e[self.knots],
            hessian.a2[at],
            None if hessian.b2 is None else hessian.b2[at],
            None if hessian.c2 is None else hessian.c2[at],
            hessian.d[self.groups],
            hessian.diagonal[self.groups],
        )

    def reverse_cumsum(self, x: FloatArray, axis: int) -> None:
        """Sum x over the points from each on, along the axis, stratum by stratum; in place."""
        moved = np.moveaxis(x, axis, 0)
        for a, b in self.bounds:
            np.cumsum(moved[a:b][::-1], axis=0, out=moved[a:b][::-1])


def blocks_of(index: RiskIndex, groups: GroupIndex) -> list[Block]:
    """The blocks, in order of their first stratum."""
    starts = np.array([a for a, _ in groups.bounds])
    stratum = np.searchsorted(starts, groups.knot_start)
    n_strata = len(starts)
    if n_strata == 1:
        block_of_stratum = np.zeros(1, dtype=np.intp)
    else:
        size = n_strata + groups.n_groups
        links = coo_array(
            (np.ones(len(stratum)), (stratum, n_strata + groups.knot_group)), shape=(size, size)
        )
        labels = connected_components(links, directed=False)[1][:n_strata]
        first = np.unique(labels, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(first[1]))
        block_of_stratum = order[first[2]]
    n_jumps = np.diff(np.append(index.jump_starts, len(index.jump_point)))
    return [
        _block(groups, block_of_stratum, stratum, n_jumps, k)
        for k in range(int(block_of_stratum.max()) + 1)
    ]


def _block(
    groups: GroupIndex, block_of_stratum: IntArray, stratum: IntArray, n_jumps: IntArray, k: int
) -> Block:
    strata = np.flatnonzero(block_of_stratum == k)
    spans = [groups.bounds[s] for s in strata]
    points = np.concatenate([np.arange(a, b) for a, b in spans])
    ends = np.cumsum([b - a for a, b in spans])
    bounds = tuple((int(end - (b - a)), int(end)) for end, (a, b) in zip(ends, spans, strict=True))
    knots = np.flatnonzero(block_of_stratum[stratum] == k)
    members, knot_group = np.unique(groups.knot_group[knots], return_inverse=True)
    return Block(
        members,
        knots,
        points,
        bounds,
        knot_group.astype(np.intp),
        np.searchsorted(points, groups.knot_point[knots]).astype(np.intp),
        np.flatnonzero(n_jumps[points] > 1),
    )


def _ranges(start: IntArray, stop: IntArray) -> tuple[IntArray, IntArray]:
    """For each i, the numbers start[i] to stop[i] - 1, and i beside each."""
    lengths = stop - start
    which = np.repeat(np.arange(len(start)), lengths)
    ends = np.cumsum(lengths)
    value = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(
        ends - lengths - start, lengths
    )
    return which, value
