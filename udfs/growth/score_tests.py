"""Are scores standard normal? Mean, variance, shape and tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, stdtr

from udfs.growth.npde import kolmogorov_smirnov

TWO_SIDED_95 = 1.959963984540054


@dataclass(frozen=True)
class ScoreTests:
    """Tests of n scores; NaN where n is too small."""

    n_rows: int
    mean: float
    mean_p_value: float
    """Student's t test of mean 0."""
    variance: float
    variance_p_value: float
    """Twice the smaller tail of (n - 1) variance as chi-squared on n - 1 degrees of freedom."""
    skewness: float
    """Third central moment over the standard deviation cubed."""
    ks_statistic: float
    """Kolmogorov-Smirnov distance from the standard normal distribution."""
    ks_p_value: float
    share_beyond_2: float
    """Share outside -1.96 to 1.96."""


def score_tests(scores: ArrayLike) -> ScoreTests:
    """Tests of scores that a right model makes standard normal (npde's four tests, Comets 2008).

    Raises:
        ValueError: no score.
    """
    values = np.asarray(scores, dtype=np.float64)
    n = len(values)
    if n == 0:
        raise ValueError("there are no scores to test")
    mean = float(values.mean())
    statistic, p_value = kolmogorov_smirnov(ndtr(values))
    beyond = float(np.mean(np.abs(values) > TWO_SIDED_95))
    nan = float("nan")
    if n < 2:
        return ScoreTests(n, mean, nan, nan, nan, nan, statistic, p_value, beyond)
    variance = float(values.var(ddof=1))
    if variance == 0.0:
        return ScoreTests(n, mean, nan, 0.0, 0.0, nan, statistic, p_value, beyond)
    t = mean / np.sqrt(variance / n)
    upper = float(chdtrc(n - 1, (n - 1) * variance))
    off = values - mean
    return ScoreTests(
        n_rows=n,
        mean=mean,
        mean_p_value=2.0 * float(stdtr(n - 1, -abs(t))),
        variance=variance,
        variance_p_value=2.0 * min(upper, 1.0 - upper),
        skewness=float(np.mean(off**3) / np.mean(off**2) ** 1.5),
        ks_statistic=statistic,
        ks_p_value=p_value,
        share_beyond_2=beyond,
    )
