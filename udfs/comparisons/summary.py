"""A group of numbers in a line: what a box plot shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.comparisons.arrays import numbers


@dataclass(frozen=True)
class Summary:
    """Of n numbers, in their unit; quantiles by linear interpolation (R's type 7)."""

    n: int
    mean: float
    sd: float
    """NaN for one number."""
    minimum: float
    percentile_10: float
    first_quartile: float
    median: float
    third_quartile: float
    percentile_90: float
    maximum: float
    median_lower: float
    """NaN where there are too few numbers for the confidence."""
    median_upper: float


def summarise(values: ArrayLike, *, confidence: float = 0.95) -> Summary:
    """Mean, quantiles and an interval of the median, by the binomial distribution.

    The interval goes from the k-th smallest to the k-th largest, k the largest number for which
    P(fewer than k of n heads) is at most half of 1 - confidence. Hand-worked: of 6 numbers,
    P(0 heads) = 1/64 <= 0.025 < P(0 or 1) = 7/64, so k = 1: from the smallest to the largest.

    Raises:
        ValueError: a value is missing, or there is none.
    """
    x = np.sort(numbers("values", values))
    if x.size == 0:
        raise ValueError("no value to summarise")
    from scipy.special import bdtr, ndtri

    shares = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
    lowest, p10, q1, median, q3, p90, highest = (float(q) for q in np.quantile(x, shares))
    near = (x.size - float(ndtri((1 + confidence) / 2)) * x.size**0.5) / 2
    k = np.arange(max(int(near) - 10, 1), min(int(near) + 10, x.size // 2) + 1)
    fits = np.flatnonzero(bdtr(k - 1, x.size, 0.5) <= (1 - confidence) / 2)
    lower, upper = float("nan"), float("nan")
    if fits.size:
        place = int(k[fits[-1]])
        lower, upper = float(x[place - 1]), float(x[-place])
    sd = float(x.std(ddof=1)) if x.size > 1 else float("nan")
    return Summary(
        x.size, float(x.mean()), sd, lowest, p10, q1, median, q3, p90, highest, lower, upper
    )
