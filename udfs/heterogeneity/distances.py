"""Gower distances of all rows, or of the pairs within groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.heterogeneity.variables import Coded, FloatArray, IntArray, Variable, code_variables

TILE = 256
"""Rows and columns of a tile of the matrix: its working arrays stay in a core's cache."""
CHUNK = 1 << 18
"""Pairs compared at a time."""


@dataclass(frozen=True)
class GowerPairs:
    """Distances of the pairs of rows that share a group, in order of group and rows."""

    first: IntArray
    """(p,) row; less than ``second``."""
    second: IntArray
    """(p,) row."""
    distance: FloatArray
    """(p,) 0 to 1; NaN where no variable can compare the two."""


@dataclass(frozen=True)
class GowerMeans:
    """Mean distances of n rows and g groups."""

    row_mean: FloatArray
    """(n,) mean distance to the other rows of its group; NaN where none can be compared."""
    group: IntArray
    """(g,) the groups' numbers, ascending."""
    n_rows: IntArray
    """(g,) number of rows."""
    group_mean: FloatArray
    """(g,) mean of ``row_mean``. Equals the mean over pairs where every pair can be compared."""


def gower_matrix(variables: Sequence[Variable], *, least_weight: float = 0.0) -> FloatArray:
    """Distances between all rows.

    A variable whose range is 0 counts in the denominator, with distance 0. Two rows that no
    variable can compare have NaN. The diagonal is 0.

    Agrees with ``cluster::daisy(metric = "gower")`` but for two cases. In an asymmetric binary that
    is 1 in every row, two presences count here as a match, as in Gower 1971, while daisy shifts a
    constant column to 0 and so drops it. And daisy of cluster 2.1.4 gives NA where the variables
    in common weigh 0.5 or less in sum, whatever the others weigh: ``least_weight=0.5`` does so too
    (its later source compares with 0).

    Hand-worked: sizes 10, 20, 40 (range 30) and a binary 0, 1, 1: d(1, 2) = (10/30 + 1) / 2 = 2/3,
    d(1, 3) = (1 + 1) / 2 = 1, d(2, 3) = (20/30 + 0) / 2 = 1/3.

    Args:
        variables: at least one, each of n rows.
        least_weight: two rows whose variables in common weigh no more than this have NaN.

    Returns:
        (n, n) symmetric distances, each from 0 to 1.

    Raises:
        ValueError: names the variable and what is wrong with it.
    """
    n = len(np.asarray(variables[0].values)) if variables else 0
    if variables and n == 0:
        return np.zeros((0, 0))
    coded = code_variables(variables, np.zeros(1, dtype=np.int64), n)
    matrix = np.empty((n, n))
    for top in range(0, n, TILE):
        rows = slice(top, top + TILE)
        for left in range(top, n, TILE):
            columns = slice(left, left + TILE)
            tile = _compare(coded, (rows, None), (None, columns), least_weight)
            matrix[rows, columns] = tile
            if left != top:
                matrix[columns, rows] = tile.T
    np.fill_diagonal(matrix, 0.0)
    return matrix


def gower_pairs(
    variables: Sequence[Variable],
    group: ArrayLike,
    *,
    range_over: Literal["group", "all"] = "group",
    least_weight: float = 0.0,
) -> GowerPairs:
    """Distances between the rows of each group, all groups in one pass.

    Args:
        variables: at least one, each of n rows.
        group: (n,) each row's group as a number from 0; a row with -1 is left out.
        range_over: whether a variable's range (and ranks, for ordinals without levels) are those
            of the ``group`` or of ``all`` rows that have a group. ``limits`` take precedence.
        least_weight: as for ``gower_matrix``.

    Raises:
        ValueError: names the variable and what is wrong with it, or ``range_over`` is unknown.
    """
    if range_over not in ("group", "all"):
        raise ValueError(f"range_over is {range_over!r}, not 'group' or 'all'")
    groups = np.asarray(group, dtype=np.int64)
    order = np.argsort(groups, kind="stable")
    order = order[groups[order] >= 0]
    if order.size == 0:
        none = np.zeros(0, dtype=np.int64)
        return GowerPairs(none, none, np.zeros(0))
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1) != 0)
    coded = code_variables(
        [_reordered(variable, order, groups.size) for variable in variables],
        starts if range_over == "group" else starts[:1],
        order.size,
    )
    first, second = _pairs_within(starts, order.size)
    distance = np.empty(first.size)
    for begin in range(0, first.size, CHUNK):
        part = slice(begin, begin + CHUNK)
        distance[part] = _compare(coded, first[part], second[part], least_weight)
    return GowerPairs(order[first], order[second], distance)


def gower_means(
    pairs: GowerPairs,
    group: ArrayLike,
    *,
    over: Literal["others", "all"] = "others",
    single: float = np.nan,
) -> GowerMeans:
    """Mean distance of each row to the others of its group, and their mean in each group.

    Pairs with NaN are left out of the means. Of k rows without such pairs, the mean over ``all`` is
    (k - 1) / k of that over the ``others``.

    Args:
        pairs: from ``gower_pairs`` with the same groups.
        group: (n,) each row's group, as there.
        over: the ``others``; or ``all``, the row's distance of 0 to itself counted, which is what
            the row means of a distance matrix with its diagonal give.
        single: the mean of a row that is alone in its group, and of its group.

    Raises:
        ValueError: ``over`` is unknown.
    """
    if over not in ("others", "all"):
        raise ValueError(f"over is {over!r}, not 'others' or 'all'")
    groups = np.asarray(group, dtype=np.int64)
    known = ~np.isnan(pairs.distance)
    ends = np.concatenate((pairs.first[known], pairs.second[known]))
    distance = np.tile(pairs.distance[known], 2)
    if over == "all":
        itself = np.unique(ends)
        ends = np.concatenate((ends, itself))
        distance = np.concatenate((distance, np.zeros(itself.size)))
    row_mean = _mean(distance, ends, groups.size)

    grouped = groups >= 0
    names, place, n_rows = np.unique(groups[grouped], return_inverse=True, return_counts=True)
    row_mean[np.flatnonzero(grouped)[n_rows[place] == 1]] = single
    means = row_mean[grouped]
    present = ~np.isnan(means)
    return GowerMeans(
        row_mean=row_mean,
        group=names,
        n_rows=n_rows,
        group_mean=_mean(means[present], place[present], names.size),
    )


def _mean(values: FloatArray, place: IntArray, n: int) -> FloatArray:
    """(n,) mean of the values of each place; NaN where there are none."""
    count = np.bincount(place, minlength=n)
    total = np.bincount(place, weights=values, minlength=n)
    return np.divide(total, count, out=np.full(n, np.nan), where=count > 0)


def _reordered(variable: Variable, order: IntArray, n_rows: int) -> Variable:
    values = np.asarray(variable.values)
    if values.shape != (n_rows,):
        raise ValueError(f"variable {variable.name}: shape {values.shape}, wanted ({n_rows},)")
    return Variable(
        variable.name,
        values[order],
        variable.kind,
        variable.weight,
        variable.limits,
        variable.levels,
    )


def _pairs_within(starts: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Every pair of positions that share a stretch: each with all that follow it there."""
    length = np.diff(np.append(starts, n))
    position = np.arange(n) - np.repeat(starts, length)
    followers = np.repeat(length, length) - position - 1
    first = np.repeat(np.arange(n), followers)
    begin = np.cumsum(followers) - followers
    second = first + 1 + np.arange(first.size) - begin[first]
    return first, second


def _compare(coded: Sequence[Coded], left: Any, right: Any, least_weight: float) -> FloatArray:
    """Distances between the rows that two indices pick, broadcast against each other."""
    shape = np.broadcast_shapes(coded[0].codes[left].shape, coded[0].codes[right].shape)
    weighted = np.zeros(shape)
    weight = np.zeros(shape)
    common = 0.0
    for variable in coded:
        x, y = variable.codes[left], variable.codes[right]
        distance = _difference(x, y, variable.is_category)
        if not variable.has_missing and not variable.is_asymmetric:
            weighted += _weigh(distance, variable.weight)
            common += variable.weight
            continue
        counts: NDArray[np.bool_] = ~(np.isnan(x) | np.isnan(y))
        if variable.is_asymmetric:
            counts &= (x != 0) | (y != 0)
        distance[~counts] = 0.0
        weighted += _weigh(distance, variable.weight)
        weight += _weigh(counts.astype(np.float64), variable.weight)
    weight += common
    mean = np.divide(weighted, weight, out=np.full(shape, np.nan), where=weight > least_weight)
    return np.minimum(mean, 1.0, out=mean)  # unequal weights may round to just above 1


def _difference(x: FloatArray, y: FloatArray, is_category: bool) -> FloatArray:
    if is_category:
        return (x != y).astype(np.float64)
    difference: FloatArray = x - y
    return np.abs(difference, out=difference)


def _weigh(values: FloatArray, weight: float) -> FloatArray:
    return values if weight == 1.0 else np.multiply(values, weight, out=values)
