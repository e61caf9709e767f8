"""Agreement of two measurements of the same lesions: Lin's concordance correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Concordance:
    """Agreement of n pairs."""

    n: int
    ccc: float
    """-1 to 1; NaN for fewer than two pairs, or where neither varies."""
    lower: float
    """Limits by Fisher's transformation; NaN for fewer than three pairs or r = 0."""
    upper: float
    pearson: float
    """Correlation r; NaN where one of the two does not vary."""


def concordance(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Concordance:
    """Lin's concordance correlation coefficient, with its interval.

    ccc = 2 s_xy / (s_x^2 + s_y^2 + (mean x - mean y)^2), variances with divisor n. The variance of
    its Fisher transform (1/2) log((1 + ccc) / (1 - ccc)) is
    [(1 - r^2) ccc^2 / ((1 - ccc^2) r^2) + 2 ccc^3 (1 - ccc) u^2 / (r (1 - ccc^2)^2)
    - ccc^4 u^4 / (2 r^2 (1 - ccc^2)^2)] / (n - 2), u^2 = (mean x - mean y)^2 / (s_x s_y).
    Source: Lin, Biometrics 1989, corrected in Biometrics 2000; as R's ``epiR::epi.ccc``.

    Hand-worked: x = 1, 2, 3 and y = 2, 3, 4: s_xy = s_x^2 = s_y^2 = 2/3, means 1 apart:
    ccc = (4/3) / (4/3 + 1) = 4/7.

    Args:
        x, y: (n,) two measurements of each lesion; pairs with a NaN are left out.
        confidence: of the interval.

    Raises:
        ValueError: x and y differ in length.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"{a.shape} and {b.shape} values: pairs are needed")
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    if a.size < 2:
        return Concordance(a.size, np.nan, np.nan, np.nan, np.nan)
    shift = float(a.mean() - b.mean())
    var_a, var_b = float(a.var()), float(b.var())
    covariance = float(((a - a.mean()) * (b - b.mean())).mean())
    total = var_a + var_b + shift**2
    ccc = 2 * covariance / total if total > 0 else np.nan
    scale = float(np.sqrt(var_a * var_b))
    r = min(max(covariance / scale, -1.0), 1.0) if scale > 0 else np.nan
    lower, upper = _limits(a.size, ccc, r, shift**2 / scale if scale > 0 else np.nan, confidence)
    return Concordance(a.size, ccc, lower, upper, r)


def _limits(n: int, ccc: float, r: float, u2: float, confidence: float) -> tuple[float, float]:
    """Interval from the Fisher transform; (ccc, ccc) where the agreement is complete."""
    if n < 3 or np.isnan(ccc) or np.isnan(r) or r == 0:
        return np.nan, np.nan
    if abs(ccc) >= 1:
        return ccc, ccc
    from scipy.special import ndtri

    rest = 1 - ccc**2
    variance = (
        (1 - r**2) * ccc**2 / (rest * r**2)
        + 2 * ccc**3 * (1 - ccc) * u2 / (r * rest**2)
        - ccc**4 * u2**2 / (2 * r**2 * rest**2)
    ) / (n - 2)
    half = ndtri((1 + confidence) / 2) * np.sqrt(max(variance, 0.0))
    centre = np.arctanh(ccc)
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))
