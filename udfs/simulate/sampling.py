"""Drawing with fixed totals: counts that come out as published instead of only on average."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]
"""Column name -> array; all arrays of one table have the same length."""


def systematic_counts(weights: ArrayLike, n: int, rng: np.random.Generator) -> IntArray:
    """How many of ``n`` fall to each weight, by systematic sampling.

    Each count is its expectation rounded down or up, the counts add up to ``n`` and each one's mean
    over draws is exactly ``n w / sum(w)`` (Madow 1949). Where the expectations are whole numbers
    they come out as they are.

    Args:
        weights: (k,) not negative, not all 0.
        n: how many to hand out.
        rng: source of the one random offset.

    Returns:
        (k,) counts.
    """
    w = np.asarray(weights, dtype=float)
    edges = np.cumsum(w) / w.sum() * n
    ends = np.floor(np.round(edges, 9) + rng.random()).astype(np.int64)
    ends[-1] = n
    ends = np.minimum(ends, n)
    return np.diff(ends, prepend=0)


def quota(values: ArrayLike, weights: ArrayLike, n: int, rng: np.random.Generator) -> NDArray[Any]:
    """``n`` values in random order, each as often as ``systematic_counts`` says."""
    counts = systematic_counts(weights, n, rng)
    return rng.permutation(np.repeat(np.asarray(values), counts))


def tilted_pmf(base: ArrayLike, first: int, mean: float) -> FloatArray:
    """The distribution p_i ~ base_i exp(t i) on first, first + 1, ... that has the given mean.

    Args:
        base: (k,) positive weights.
        first: the smallest value.
        mean: between the smallest and the largest value.

    Returns:
        (k,) probabilities.
    """
    weights = np.asarray(base, dtype=float)
    values = first + np.arange(len(weights))
    low, high = -5.0, 5.0
    for _ in range(200):
        tilt = (low + high) / 2
        p = weights * np.exp(tilt * (values - mean))
        if (p * (values - mean)).sum() > 0:
            high = tilt
        else:
            low = tilt
    return p / p.sum()


def by_rank(values: NDArray[Any], latent: FloatArray) -> NDArray[Any]:
    """The values handed out by rank: the largest to the largest ``latent`` (a copula)."""
    out = np.empty(len(latent), dtype=np.asarray(values).dtype)
    out[np.argsort(latent, kind="stable")] = np.sort(values)
    return out


def rank_within(group: IntArray, key: FloatArray) -> IntArray:
    """Position (0, 1, ...) of each row in its group, by descending ``key``."""
    order = np.lexsort((-key, group))
    sorted_group = group[order]
    start = np.flatnonzero(np.r_[True, sorted_group[1:] != sorted_group[:-1]])
    length = np.diff(np.r_[start, len(group)])
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - np.repeat(start, length)
    return rank


def take(columns: Columns, rows: NDArray[Any]) -> Columns:
    """The same table with only these rows (a mask or positions)."""
    return {name: values[rows] for name, values in columns.items()}
