"""Rank tests of two and of more groups."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.comparisons.adjust import Correction, adjusted
from udfs.comparisons.arrays import FloatArray, IntArray, numbers, tie_sum

Alternative = Literal["two-sided", "less", "greater"]

EXACT_BELOW = 50
"""Both groups smaller than this, and no ties: the exact distribution, as R's ``wilcox.test``."""


@dataclass(frozen=True)
class MannWhitney:
    """Test of two groups."""

    u: float
    """Pairs (a, b) with a > b, ties counting one half; R's W."""
    p_value: float
    """NaN where all values are equal."""
    is_exact: bool


@dataclass(frozen=True)
class KruskalWallis:
    """Test of g groups. NaN where there are fewer than two, or all values are equal."""

    statistic: float
    """H, corrected for ties; chi-squared on ``df``."""
    df: int
    p_value: float
    epsilon_squared: float
    """Effect size H / (n - 1), 0 to 1 (Kelley 1935)."""


@dataclass(frozen=True)
class DunnTests:
    """Every pair of g groups, in order of their labels."""

    group_a: NDArray[Any]
    """(p,)"""
    group_b: NDArray[Any]
    z: FloatArray
    """(p,) positive where a has the higher mean rank; NaN where all values are equal."""
    p_value: FloatArray
    """(p,) two-sided."""
    p_adjusted: FloatArray
    """(p,) corrected for the p pairs."""


def mann_whitney(
    a: ArrayLike, b: ArrayLike, *, alternative: Alternative = "two-sided", continuity: bool = True
) -> MannWhitney:
    """Mann-Whitney's (Wilcoxon's rank sum) test, as R's ``wilcox.test``.

    Exact where both groups have fewer than 50 values and no two are equal; else by the normal
    distribution with the variance corrected for ties, and for continuity.

    Hand-worked: 1, 4 against 2, 3, 5: U = 0 + 2 = 2 of 6 pairs. Of the 10 ways to place two ranks
    among five, 4 have U <= 2, so p = 2 * 0.4 = 0.8.

    Args:
        a, b: the two groups' values.
        alternative: whether a is merely other than b, ``less`` or ``greater``.
        continuity: whether the normal distribution is corrected for continuity.

    Raises:
        ValueError: a value is missing, or a group is empty.
    """
    x, y = numbers("a", a), numbers("b", b)
    if x.size == 0 or y.size == 0:
        raise ValueError(f"groups of {x.size} and {y.size} values: both need one")
    from scipy.stats import mannwhitneyu

    ordered = np.sort(np.concatenate((x, y)))
    has_ties = bool((np.diff(ordered) == 0).any())
    is_exact = max(x.size, y.size) < EXACT_BELOW and not has_ties
    if ordered[0] == ordered[-1]:
        return MannWhitney(x.size * y.size / 2, float("nan"), is_exact)
    found = mannwhitneyu(
        x, y, continuity, alternative, method="exact" if is_exact else "asymptotic"
    )
    return MannWhitney(float(found.statistic), min(float(found.pvalue), 1.0), is_exact)


def kruskal_wallis(values: ArrayLike, group: ArrayLike) -> KruskalWallis:
    """Kruskal and Wallis' test: do groups differ in their mean ranks.

    H = 12 / (n (n + 1)) sum of R_j^2 / n_j - 3 (n + 1), over 1 - sum(t^3 - t) / (n^3 - n).

    Args:
        values: (n,)
        group: (n,) labels.

    Raises:
        ValueError: a value is missing, or the two differ in length.
    """
    x = numbers("values", values)
    labels = np.asarray(group)
    if labels.shape != x.shape:
        raise ValueError(f"{labels.size} labels for {x.size} values")
    names = np.unique(labels)
    df = max(names.size - 1, 0)
    if names.size < 2 or np.ptp(x) == 0:
        return KruskalWallis(np.nan, df, np.nan, np.nan)
    from scipy.stats import kruskal

    found = kruskal(*(x[labels == name] for name in names))
    h = float(found.statistic)
    # Groups of one value each make H = n - 1, but for rounding.
    return KruskalWallis(h, df, float(found.pvalue), min(h / (x.size - 1), 1.0))


def dunn_tests(
    values: ArrayLike, group: ArrayLike, correction: Correction = "bonferroni"
) -> DunnTests:
    """Dunn's tests of every pair of groups, on the ranks of all groups together.

    z = (mean rank a - mean rank b) / sqrt((n (n + 1) / 12 - sum(t^3 - t) / (12 (n - 1)))
    (1 / n_a + 1 / n_b)); p two-sided (Dunn, Technometrics 1964). scikit-posthocs has the p-values
    but not z.

    Hand-worked: 1, 2 | 3, 4 | 5, 6: mean ranks 1.5, 3.5, 5.5, variance 42 / 12 * (1/2 + 1/2) = 3.5;
    z of the first against the last is -4 / sqrt(3.5) = -2.138.

    Args:
        values: (n,)
        group: (n,) labels.
        correction: for the number of pairs.

    Raises:
        ValueError: a value is missing, the two differ in length, or an unknown correction.
    """
    x = numbers("values", values)
    labels = np.asarray(group)
    if labels.shape != x.shape:
        raise ValueError(f"{labels.size} labels for {x.size} values")
    from scipy.special import ndtr
    from scipy.stats import rankdata

    names, code = np.unique(labels, return_inverse=True)
    pairs = np.array(list(combinations(range(names.size), 2)), dtype=np.int64).reshape(-1, 2)
    count: IntArray = np.bincount(code, minlength=names.size)
    mean_rank = np.bincount(code, weights=rankdata(x), minlength=names.size) / count
    n = x.size
    variance = n * (n + 1) / 12 - (tie_sum(np.sort(x)) / (12 * (n - 1)) if n > 1 else 0)
    a, b = pairs[:, 0], pairs[:, 1]
    spread = np.sqrt(max(variance, 0.0) * (1 / count[a] + 1 / count[b]))
    difference = mean_rank[a] - mean_rank[b]
    z = np.divide(difference, spread, out=np.full(a.size, np.nan), where=spread > 1e-9)
    p = np.asarray(2 * ndtr(-np.abs(z)))
    return DunnTests(names[a], names[b], z, p, adjusted(p, correction))
