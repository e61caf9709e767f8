"""Pearson's, Spearman's and Kendall's correlation, with intervals and tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from udfs.comparisons.arrays import FloatArray, numbers

CorrelationMethod = Literal["pearson", "spearman", "kendall"]

EXACT_KENDALL_BELOW = 50
"""Without ties and below so many pairs, Kendall's p is exact, as R's ``cor.test``."""
EXACT_SPEARMAN_UP_TO = 9
"""Likewise Spearman's. R goes on with Edgeworth's series; here it is t."""


@dataclass(frozen=True)
class Correlation:
    """Of n pairs. NaN where one of the two is constant or there are too few pairs."""

    method: CorrelationMethod
    n: int
    estimate: float
    """r, rho or tau (tau-b where there are ties)."""
    lower: float
    upper: float
    statistic: float
    """t for Pearson, S = sum of squared rank differences for Spearman, z or T for Kendall."""
    p_value: float
    """Two-sided."""
    is_exact: bool


def correlation(
    x: ArrayLike,
    y: ArrayLike,
    method: CorrelationMethod,
    *,
    confidence: float = 0.95,
    continuity: bool = False,
) -> Correlation:
    """Correlation of pairs, as R's ``cor.test``, with an interval for all three.

    Intervals are Fisher's: tanh(atanh(r) -+ z s), with s^2 = 1 / (n - 3) for Pearson,
    (1 + rho^2 / 2) / (n - 3) for Spearman (Bonett and Wright, Psychometrika 2000) and
    0.437 / (n - 4) for Kendall (Fieller, Hartley and Pearson, Biometrika 1957).

    Args:
        x, y: (n,) numbers.
        method: which correlation.
        confidence: of the interval.
        continuity: whether Kendall's z is corrected for continuity, as R's ``continuity``.

    Raises:
        ValueError: a value is missing, the two differ in length, or an unknown method.
    """
    if method not in get_args(CorrelationMethod):
        known = ", ".join(get_args(CorrelationMethod))
        raise ValueError(f"method {method!r} is none of {known}")
    first = numbers("x", x)
    second = numbers("y", y, first.size)
    n = first.size
    if n < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        nan = float("nan")
        return Correlation(method, n, nan, nan, nan, nan, nan, False)
    if method == "kendall":
        estimate, statistic, p_value, is_exact = _kendall(first, second, continuity)
    else:
        compute = _pearson if method == "pearson" else _spearman
        estimate, statistic, p_value, is_exact = compute(first, second)
    variance = {
        "pearson": 1 / (n - 3) if n > 3 else np.nan,
        "spearman": (1 + estimate**2 / 2) / (n - 3) if n > 3 else np.nan,
        "kendall": 0.437 / (n - 4) if n > 4 else np.nan,
    }[method]
    lower, upper = _fisher(estimate, variance, confidence)
    return Correlation(method, n, estimate, lower, upper, statistic, p_value, is_exact)


def _fisher(estimate: float, variance: float, confidence: float) -> tuple[float, float]:
    from scipy.special import ndtri

    if abs(estimate) >= 1:
        return (estimate, estimate) if np.isfinite(variance) else (np.nan, np.nan)
    half = float(ndtri((1 + confidence) / 2)) * np.sqrt(variance)
    centre = np.arctanh(estimate)
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))


def _product_moment(x: FloatArray, y: FloatArray) -> tuple[float, float, float]:
    """r, its t and two-sided p. Sums without BLAS, whose order would depend on its threads."""
    from scipy.special import stdtr

    a, b = x - x.mean(), y - y.mean()
    a, b = a / np.abs(a).max(), b / np.abs(b).max()
    r = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    r, df = min(max(r, -1.0), 1.0), x.size - 2
    if abs(r) == 1:
        return r, float(np.copysign(np.inf, r)), 0.0
    t = r * np.sqrt(df / ((1 - r) * (1 + r)))
    return r, float(t), float(2 * stdtr(df, -abs(t)))


def _pearson(x: FloatArray, y: FloatArray) -> tuple[float, float, float, bool]:
    return *_product_moment(x, y), False


def _spearman(x: FloatArray, y: FloatArray) -> tuple[float, float, float, bool]:
    from scipy.stats import rankdata

    n = x.size
    first, second = rankdata(x), rankdata(y)
    rho, _, p_value = _product_moment(first, second)
    has_ties = np.unique(x).size < n or np.unique(y).size < n
    if has_ties or n > EXACT_SPEARMAN_UP_TO:
        return rho, (n**3 - n) * (1 - rho) / 6, p_value, False
    squares = round(float(((first - second) ** 2).sum()))
    ways = _spearman_distribution(n)
    tail = min(ways[: squares + 1].sum(), ways[squares:].sum()) / ways.sum()
    return rho, float(squares), min(1.0, float(2 * tail)), True


@lru_cache(maxsize=16)
def _spearman_distribution(n: int) -> FloatArray:
    """Number of permutations with each sum of squared differences, by the ranks already taken."""
    size = (n**3 - n) // 3 + 1
    ways = {0: np.zeros(size)}
    ways[0][0] = 1.0
    for i in range(n):
        after: dict[int, FloatArray] = {}
        for taken, counts in ways.items():
            for j in range(n):
                if taken >> j & 1:
                    continue
                step = (i - j) ** 2
                into = after.setdefault(taken | 1 << j, np.zeros(size))
                into[step:] += counts[: size - step]
        ways = after
    return ways[(1 << n) - 1]


def _kendall(x: FloatArray, y: FloatArray, continuity: bool) -> tuple[float, float, float, bool]:
    from scipy.special import ndtr
    from scipy.stats import kendalltau

    n = x.size
    _, counts_x = np.unique(x, return_counts=True)
    _, counts_y = np.unique(y, return_counts=True)
    pairs = n * (n - 1) / 2
    if counts_x.size == n and counts_y.size == n and n < EXACT_KENDALL_BELOW:
        found = kendalltau(x, y, method="exact")
        tau = float(found.statistic)
        return tau, float(round(pairs * (tau + 1) / 2)), float(found.pvalue), True
    tau = float(kendalltau(x, y, method="asymptotic").statistic)
    u, v = counts_x.astype(np.float64), counts_y.astype(np.float64)
    tied_x, tied_y = (u * (u - 1)).sum() / 2, (v * (v - 1)).sum() / 2
    score = tau * np.sqrt((pairs - tied_x) * (pairs - tied_y))
    variance = (
        (n * (n - 1) * (2 * n + 5) - (u * (u - 1) * (2 * u + 5)).sum()
         - (v * (v - 1) * (2 * v + 5)).sum()) / 18
        + (u * (u - 1) * (u - 2)).sum() * (v * (v - 1) * (v - 2)).sum()
        / (9 * n * (n - 1) * (n - 2))
        + (u * (u - 1)).sum() * (v * (v - 1)).sum() / (2 * n * (n - 1))
    )  # fmt: skip
    if continuity:
        score = np.sign(score) * (abs(score) - 1)
    z = float(score / np.sqrt(variance))
    return tau, z, float(2 * ndtr(-abs(z))), False
