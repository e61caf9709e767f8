"""Few lesions against many: is a feature's variation more than nothing, and does it differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.comparisons import mann_whitney
from udfs.radiomics.variation import FloatArray

OLIGO_LEAST, OLIGO_MOST = 2, 5
MULTI_LEAST = 15


@dataclass(frozen=True)
class OneSample:
    """Is a mean other than 0."""

    n: int
    mean: float
    lower: float
    """Limits by bootstrap (percentiles of the means of resampled patients)."""
    upper: float
    statistic: float
    """Student's t = mean / (sd / sqrt(n)); NaN below two values, or where all are equal."""
    p_value: float
    """Two-sided."""


@dataclass(frozen=True)
class TwoSample:
    """Do two groups differ."""

    n_a: int
    n_b: int
    difference: float
    """Mean of a minus mean of b."""
    lower: float
    """Limits by bootstrap, each group resampled."""
    upper: float
    statistic: float
    """Wilcoxon's W (R): pairs (a, b) with a > b."""
    p_value: float
    """Two-sided; NaN where all values are equal."""
    is_exact: bool


def lesion_group(n_lesions: int) -> str | None:
    """oligo: 2 to 5 lesions; multi: 15 or more (Henry 2022); None in between and for one."""
    if OLIGO_LEAST <= n_lesions <= OLIGO_MOST:
        return "oligo"
    return "multi" if n_lesions >= MULTI_LEAST else None


def one_sample(
    values: ArrayLike, rng: np.random.Generator, *, resamples: int = 2000, confidence: float = 0.95
) -> OneSample:
    """Student's test of mean 0, as R's ``t.test``, with a bootstrap interval of the mean.

    Hand-worked: 1, 2, 3: mean 2, t = 2 / (1 / sqrt(3)) = 3.464, p = 0.0742 (2 degrees of freedom).

    Args:
        values: (n,) coefficients of variation of n patients, no NaN.
        rng: random numbers of the bootstrap.
        resamples: bootstrap samples; 0 for no interval.
        confidence: of the interval.

    Raises:
        ValueError: no value, or a NaN.
    """
    x = _known(values)
    mean = float(x.mean())
    lower, upper = _limits(_means(x, rng, resamples), confidence)
    if x.size < 2 or np.ptp(x) == 0:
        return OneSample(x.size, mean, lower, upper, np.nan, np.nan)
    from scipy.special import stdtr

    t = mean / (float(x.std(ddof=1)) / np.sqrt(x.size))
    return OneSample(x.size, mean, lower, upper, t, float(2 * stdtr(x.size - 1, -abs(t))))


def two_sample(
    a: ArrayLike,
    b: ArrayLike,
    rng: np.random.Generator,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> TwoSample:
    """Wilcoxon's rank sum test, exact where R's ``wilcox.test`` is, with a bootstrap interval.

    Args:
        a, b: coefficients of variation of the patients of two groups, no NaN.
        rng: random numbers of the bootstrap.
        resamples: bootstrap samples; 0 for no interval.
        confidence: of the interval of the difference of means.

    Raises:
        ValueError: a group is empty, or a NaN.
    """
    x, y = _known(a), _known(b)
    found = mann_whitney(x, y)
    difference = _means(x, rng, resamples) - _means(y, rng, resamples)
    lower, upper = _limits(difference, confidence)
    return TwoSample(
        x.size,
        y.size,
        float(x.mean() - y.mean()),
        lower,
        upper,
        found.u,
        found.p_value,
        found.is_exact,
    )


def _known(values: ArrayLike) -> FloatArray:
    x = np.sort(np.asarray(values, dtype=np.float64))
    if x.size == 0 or np.isnan(x).any():
        raise ValueError(f"{x.size} values, or a NaN: at least one known value is needed")
    return x


def _means(x: FloatArray, rng: np.random.Generator, resamples: int) -> FloatArray:
    return np.asarray(x[rng.integers(0, x.size, (resamples, x.size))].mean(axis=1))


def _limits(values: FloatArray, confidence: float) -> tuple[float, float]:
    if values.size == 0:
        return np.nan, np.nan
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(values, (tail, 1 - tail))
    return float(lower), float(upper)
