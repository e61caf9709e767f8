"""Differences of pairs: Wilcoxon's signed rank test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.comparisons.arrays import FloatArray, numbers, tie_sum
from udfs.comparisons.ranks import EXACT_BELOW


@dataclass(frozen=True)
class SignedRank:
    """Test of differences against 0. NaN where none differs from 0."""

    v: float
    """Sum of the ranks of the differences above 0."""
    p_value: float
    """Two-sided."""
    is_exact: bool
    pseudo_median: float
    """Hodges and Lehmann's: the median of the means of all pairs of differences."""
    lower: float
    """NaN where there are too few differences for the confidence."""
    upper: float


def signed_rank(differences: ArrayLike, *, confidence: float = 0.95) -> SignedRank:
    """Wilcoxon's signed rank test, as R's ``wilcox.test`` of one sample or of pairs.

    Differences of 0 are left out. Exact for fewer than 50 differences without zeros or ties; else
    by the normal distribution, corrected for ties and continuity. R looks for the limits of the
    latter by root search; here they are order statistics of the means.

    Hand-worked: 1, 2, -3, 4: ranks 1, 2, 3, 4, so V = 7. Of the 16 ways to give signs, 5 have
    V >= 7: p = 0.625.

    Raises:
        ValueError: a value is missing.
    """
    given = numbers("differences", differences)
    x = given[given != 0]
    if x.size == 0:
        nan = float("nan")
        return SignedRank(0.0, nan, False, nan, nan, nan)
    from scipy.stats import rankdata, wilcoxon

    size = np.sort(np.abs(x))
    has_ties = bool((np.diff(size) == 0).any())
    is_exact = given.size < EXACT_BELOW and not has_ties and x.size == given.size
    v = float(rankdata(np.abs(x))[x > 0].sum())
    found = wilcoxon(x, correction=not is_exact, method="exact" if is_exact else "asymptotic")
    means = np.sort((x[:, None] + x)[np.triu_indices(x.size)] / 2)
    rank = _limit_rank(x.size, size, is_exact, confidence)
    limits = (means[rank], means[means.size - 1 - rank]) if rank >= 0 else (np.nan, np.nan)
    return SignedRank(
        v, float(found.pvalue), is_exact, float(np.median(means)), *(float(m) for m in limits)
    )


def _limit_rank(n: int, size: FloatArray, is_exact: bool, confidence: float) -> int:
    """Rank from 0 of the lower limit among the means of pairs; -1 where there is none."""
    tail = (1 - confidence) / 2
    if is_exact:
        ways = np.ones(1)
        for i in range(1, n + 1):
            ways = np.pad(ways, (0, i)) + np.pad(ways, (i, 0))
        return int(np.searchsorted(np.cumsum(ways) / ways.sum(), tail * (1 - 1e-12))) - 1
    from scipy.special import ndtri

    deviation = np.sqrt(n * (n + 1) * (2 * n + 1) / 24 - tie_sum(size) / 48)
    below = n * (n + 1) / 4 + float(ndtri(tail)) * deviation - 0.5
    return int(np.floor(below)) if below >= 0 else -1
