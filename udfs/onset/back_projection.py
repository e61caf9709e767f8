"""The day on which a lesion had a given size, by its growth rate backwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

CELLS_PER_MM3 = 1e6
MAX_NOT_GROWING = 0.025
"""Probability that the rate is not above 0 from which on there is no onset: a limit of 95 % would
lie at minus infinity."""


def cells_of_diameter(diameter_mm: ArrayLike) -> FloatArray:
    """Cells of a sphere: pi / 6 d^3 mm3 of a million each."""
    return np.asarray(np.pi / 6 * np.asarray(diameter_mm, dtype=np.float64) ** 3 * CELLS_PER_MM3)


@dataclass(frozen=True)
class Onset:
    """Of n lesions whose rate is normal, cut off at 0."""

    log_ratio: FloatArray
    """(n,) logarithm of the size now over that at onset."""
    rate: FloatArray
    rate_sd: FloatArray
    day: FloatArray
    not_growing: FloatArray
    """(n,) probability that the rate, before it is cut off, is not above 0."""

    @property
    def is_identified(self) -> BoolArray:
        """(n,) the lesion grows, but for a small probability, and is larger than at onset."""
        return np.asarray((self.not_growing < MAX_NOT_GROWING) & (self.log_ratio >= 0))

    def at(self, share: float) -> FloatArray:
        """(n,) quantile of the onset: day - log ratio / (that quantile of the rate).

        Exact, as the onset rises with the rate. There is no mean: E(1 / k) of a normal k is
        infinite.
        """
        from scipy.special import ndtr, ndtri

        above = ndtr(self.rate / self.rate_sd)
        with np.errstate(divide="ignore", invalid="ignore"):
            quantile = self.rate + self.rate_sd * ndtri(1 - above + share * above)
            return np.asarray(self.day - self.log_ratio / quantile)


def exponential_onset(
    rate: ArrayLike, rate_sd: ArrayLike, size: ArrayLike, start: ArrayLike, day: ArrayLike
) -> Onset:
    """V(t) = V_0 exp(k (t - onset)): onset = day - log(V / V_0) / k, for k ~ N(rate, sd), k > 0.

    Hand-worked: a lesion doubles in log 2 / 0.01 = 69.3 days; from one cell to 1e9 cells it takes
    log(1e9) / 0.01 = 2,072 days.

    Args:
        rate: (n,) growth rate, per day.
        rate_sd: (n,) its standard deviation, above 0.
        size: (n,) size on the day, in the unit of ``start``.
        start: (n,) size at onset: one cell, or the smallest that is seen.
        day: (n,)

    Raises:
        ValueError: a size or a standard deviation is not above 0.
    """
    from scipy.special import ndtr

    k, sd, v, v0, t = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.float64) for x in (rate, rate_sd, size, start, day))
    )
    if not ((v > 0) & (v0 > 0) & (sd > 0)).all():
        raise ValueError("sizes and standard deviations of rates must be above 0")
    return Onset(np.log(v / v0), k, sd, t, np.asarray(ndtr(-k / sd)))
