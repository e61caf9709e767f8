"""How far two groups differ in a characteristic, in standard deviations, whatever their size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from udfs.comparisons.arrays import numbers

CONFIDENCE = 0.95


@dataclass(frozen=True)
class StandardizedDifference:
    """Of group a from group b; NaN where there is none."""

    value: float
    lower: float
    upper: float
    reason: str
    """Why there is none; '' where there is one."""


def standardized_mean_difference(a: ArrayLike, b: ArrayLike) -> StandardizedDifference:
    """(mean_a - mean_b) / sqrt((s_a^2 + s_b^2) / 2) of measured values (Austin 2009, Stat Med).

    Hand-worked: 1, 2, 3 against 2, 4, 6: (2 - 4) / sqrt((1 + 4) / 2) = -1.265.

    Raises:
        ValueError: a value is missing.
    """
    x, y = numbers("a", a), numbers("b", b)
    if min(x.size, y.size) < 2:
        return _none("fewer than two values in a group")
    spread, apart = float((x.var(ddof=1) + y.var(ddof=1)) / 2), float(x.mean() - y.mean())
    if spread == 0 and apart != 0:
        return _none("no spread within the groups")
    return _with_limits(apart / spread**0.5 if spread else 0.0, x.size, y.size)


def standardized_share_difference(a: ArrayLike, b: ArrayLike) -> StandardizedDifference:
    """Of counts of k levels: the Mahalanobis distance of the shares (Yang and Dalton 2012, SAS
    Global Forum 335).

    sqrt(d' S^-1 d), d the differences of the shares of all levels but one (which one does not
    matter), S the mean of both groups' multinomial covariances: p (1 - p) on the diagonal, -p q
    beside it. For two levels that is the size of Austin's (p_a - p_b) / sqrt((p_a (1 - p_a) +
    p_b (1 - p_b)) / 2), and has its sign, p the share of the last level. Limits as of a mean's.

    Hand-worked: 2, 1, 1 against 1, 2, 1: d = (1/4, -1/4), an eigenvector of S with the value 11/32,
    so sqrt(1/8 x 32/11) = 0.603. 3, 1 against 2, 2: -0.25 / sqrt((3/16 + 1/4) / 2) = -0.535.

    Args:
        a: (k,) counts of group a.
        b: (k,) of group b, the same levels.

    Raises:
        ValueError: not the same number of levels, or a count is negative.
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or min(x.min(initial=0), y.min(initial=0)) < 0:
        raise ValueError("two groups need counts of the same levels, none negative")
    if x.sum() == 0 or y.sum() == 0:
        return _none("no value in a group")
    x, y = x[x + y > 0], y[x + y > 0]
    if not (x * y).any():
        return _none("the groups share no level")
    p, q = x / x.sum(), y / y.sum()
    apart = (p - q)[1:]
    spread = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q))[1:, 1:] / 2
    size = float(np.sqrt(apart @ np.linalg.solve(spread, apart))) if apart.size else 0.0
    sign = -1 if apart.size == 1 and apart[0] < 0 else 1
    found = _with_limits(sign * size, float(x.sum()), float(y.sum()))
    if apart.size > 1:
        return StandardizedDifference(found.value, max(0.0, found.lower), found.upper, "")
    return found


def _with_limits(value: float, n_a: float, n_b: float) -> StandardizedDifference:
    """Normal limits; variance (n_a + n_b) / (n_a n_b) + d^2 / (2 (n_a + n_b)) (Hedges and Olkin
    1985, as Yang and Dalton have it)."""
    n = n_a + n_b
    half = float(ndtri((1 + CONFIDENCE) / 2)) * (n / (n_a * n_b) + value**2 / (2 * n)) ** 0.5
    return StandardizedDifference(value, value - half, value + half, "")


def _none(reason: str) -> StandardizedDifference:
    nan = float("nan")
    return StandardizedDifference(nan, nan, nan, reason)
