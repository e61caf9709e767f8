"""A data set made ready for fitting: rows in an order of their own, grouped and indexed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.hazards.arrays import FloatArray, IntArray, sum_by, unit
from udfs.hazards.blocks import Block, blocks_of
from udfs.hazards.columns import Columns, columns_of
from udfs.hazards.data import CoxData, check_columns
from udfs.hazards.design import Design
from udfs.hazards.groups import GroupHessian, GroupIndex, group_hessian, group_index
from udfs.hazards.index import Points, RiskIndex, Ties, event_points, risk_index
from udfs.hazards.partial import Partial, partial_likelihood

SMALL = 1e7
"""Points by the square of coefficients and groups up to which the Hessian is written out: a step by
its Cholesky factor then takes no longer than one by conjugate gradients, and at sixty patients a
third."""


@dataclass(frozen=True)
class CoxProblem:
    """N rows of which n are at risk at some event time; only these enter the likelihood.

    They are sorted by group, then by everything else that tells rows apart, so that sums come out
    the same to the last bit in whatever order the rows were given.
    """

    data: CoxData
    ties: Ties
    index: RiskIndex
    columns: Columns
    offset: FloatArray
    """(n,)"""
    rows: IntArray
    """(n,) where each row stands in the data."""
    points: Points
    """Of all N rows."""
    group_starts: IntArray
    """(K,) first row of each group that is ever at risk; empty without groups."""
    row_group: IntArray
    """(n,) each row's group, 0 to K - 1; empty without groups."""
    active_groups: IntArray
    """(K,) their positions among ``group_labels``."""
    group_labels: NDArray[Any]
    """All groups of the data, sorted."""
    rows_per_group: IntArray
    """How many rows each of these has, at risk or not."""
    stratum_labels: NDArray[Any]
    """All strata of the data, sorted."""

    @property
    def design(self) -> Design:
        return self.data.design

    @property
    def n_columns(self) -> int:
        return self.columns.n_columns

    @property
    def n_groups(self) -> int:
        """K, groups ever at risk."""
        return len(self.group_starts)

    @cached_property
    def groups(self) -> GroupIndex:
        """The risk sets by group."""
        return group_index(self.index, self.row_group)

    @cached_property
    def blocks(self) -> list[Block]:
        """Strata that share groups, each with its groups."""
        return blocks_of(self.index, self.groups)

    def with_design(self, design: Design) -> CoxProblem:
        """The same rows with other columns.

        Raises:
            ValueError: as ``prepare``.
        """
        data = self.data.with_design(design)
        check_columns(design, data.event)
        return replace(self, data=data, columns=columns_of(design, self.rows))

    def linear_predictor(self, b: FloatArray, u: FloatArray | None = None) -> FloatArray:
        """(n,) offset, columns times b (p,), and the group's u (K,)."""
        eta = self.offset + self.columns.times(b)
        return eta if u is None else eta + self.by_row(u)

    def partial(self, b: FloatArray, u: FloatArray | None = None) -> Partial:
        """The partial likelihood at coefficients b (p,) and random effects u (K,)."""
        return partial_likelihood(self.index, self.linear_predictor(b, u))

    def by_row(self, u: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """(n,) each row's value of its group, from u (K,)."""
        return np.take(u, self.row_group, out=out, mode="clip")

    def by_group(self, x: FloatArray) -> FloatArray:
        """(K,) sums over rows of x (n,)."""
        return np.add.reduceat(x, self.group_starts)

    def group_hessian(self, partial: Partial) -> GroupHessian:
        """Minus the Hessian in the groups' effects."""
        return group_hessian(self.groups, partial, self.by_group(partial.expected))

    @property
    def is_small(self) -> bool:
        """The whole Hessian costs less than a dozen products with it."""
        size = self.n_columns + self.n_groups
        return len(self.index.late_rows) == 0 and self.index.n_points * size**2 <= SMALL

    @cached_property
    def _design_matrix(self) -> FloatArray:
        """(n, p) the columns as one matrix, for problems that are small."""
        columns = [self.columns.times(unit(self.n_columns, j)) for j in range(self.n_columns)]
        return np.array(columns).T.reshape(self.index.n_rows, self.n_columns)

    def information(self, partial: Partial, with_groups: bool) -> FloatArray:
        """(p + K, p + K) minus the Hessian in the coefficients and, if asked, the groups' effects,
        as one matrix (see ``partial`` for the formula). Not for rows that enter late."""
        index, z, p = self.index, self._design_matrix, self.n_columns
        k = self.n_groups if with_groups else 0
        rz = partial.risk[:, None] * z
        expected = partial.exposure[:, None] * rz
        found = np.zeros((p + k, p + k))
        found[:p, :p] = z.T @ expected
        if k:
            found[p:, :p] = np.add.reduceat(expected, self.group_starts)
            found[:p, p:] = found[p:, :p].T
            own = np.arange(p, p + k)
            found[own, own] = self.by_group(partial.expected)
        rows = np.arange(index.n_rows)
        at_risk = self._by_point(rows, index.last, partial.risk, rz, k)
        for a, b in index.bounds:
            at_risk[a:b] = np.cumsum(at_risk[a:b][::-1], axis=0)[::-1]
        found -= at_risk.T @ (partial.a2[:, None] * at_risk)
        if partial.b2 is not None and partial.c2 is not None:
            ended = self._by_point(index.event_rows, index.event_points, partial.risk, rz, k)
            across = at_risk.T @ (partial.b2[:, None] * ended)
            found += across + across.T - ended.T @ (partial.c2[:, None] * ended)
        return found

    def _by_point(
        self, rows: IntArray, point: IntArray, risk: FloatArray, rz: FloatArray, k: int
    ) -> FloatArray:
        """(T, p + k) sums over the given rows at each point: of the columns times r, and of r by
        group."""
        n_points = self.index.n_points
        sums = [sum_by(point, column[rows], n_points)[:, None] for column in rz.T]
        if k:
            cell = point * k + self.row_group[rows]
            sums.append(sum_by(cell, risk[rows], n_points * k).reshape(n_points, k))
        return np.hstack(sums) if sums else np.zeros((n_points, 0))

    def cross_products(self, partial: Partial, with_groups: bool) -> tuple[FloatArray, FloatArray]:
        """Minus the Hessian's blocks for the coefficients (p, p), and groups by these (K, p)."""
        p = self.n_columns
        bb = np.empty((p, p))
        ub = np.empty((self.n_groups if with_groups else 0, p))
        x, h, scratch = (np.empty(self.index.n_rows) for _ in range(3))
        for j in range(p):
            self.columns.times(unit(p, j), x, scratch)
            partial.hessian_times(self.index, x, h, scratch)
            bb[:, j] = self.columns.transposed_times(h)
            if with_groups:
                ub[:, j] = self.by_group(h)
        return (bb + bb.T) / 2, ub


def prepare(data: CoxData, ties: Ties = "efron") -> CoxProblem:
    """Index the data for fitting.

    Raises:
        ValueError: a constant column, a factor's level without events, or ``ties`` unknown.
    """
    check_columns(data.design, data.event)
    n = data.n_rows
    strata, stratum = _codes(data.stratum, n)
    labels, group = _codes(data.group, n)
    points = event_points(data.stop, data.event, data.start, stratum)
    rows = _canonical_order(data, points, group, stratum)
    weight = np.ones(n) if data.weight is None else data.weight
    if data.group is None:
        starts = row_group = active = np.zeros(0, dtype=np.intp)
    else:
        active, starts, row_group = np.unique(group[rows], return_index=True, return_inverse=True)
    return CoxProblem(
        data,
        ties,
        risk_index(points, rows, data.event, weight, ties),
        columns_of(data.design, rows),
        np.zeros(len(rows)) if data.offset is None else data.offset[rows],
        rows,
        points,
        starts,
        row_group.astype(np.intp),
        active,
        labels if data.group is not None else labels[:0],
        np.bincount(group),
        strata,
    )


def _codes(labels: NDArray[Any] | None, n: int) -> tuple[NDArray[Any], IntArray]:
    if labels is None:
        return np.array(["all"]), np.zeros(n, dtype=np.intp)
    unique, codes = np.unique(labels, return_inverse=True)
    return unique, codes.astype(np.intp)


def _canonical_order(data: CoxData, points: Points, group: IntArray, stratum: IntArray) -> IntArray:
    """Rows at risk at some point, in an order that does not depend on the one they came in."""
    active = np.flatnonzero(points.after > points.first)
    whole = [group, stratum, points.after, points.first, data.event.astype(np.intp)]
    numbers = [v for v in (data.weight, data.offset) if v is not None]
    for term in data.design.terms:
        if term.codes is not None:
            whole.append(term.codes)
        else:
            assert term.values is not None
            numbers.extend(term.values.T)
    keys = _packed([key[active] for key in whole]) + [number[active] for number in numbers]
    return active[np.lexsort(keys[::-1])]


def _packed(keys: list[IntArray]) -> list[NDArray[Any]]:
    """Fewer whole-number keys of the same order."""
    packed: list[NDArray[Any]] = []
    capacity = 0
    for key in keys:
        width = int(key.max()) + 1
        if packed and capacity * width < 2**62:
            packed[-1] = packed[-1] * width + key
            capacity *= width
        else:
            packed.append(key.astype(np.int64))
            capacity = width
    return packed
