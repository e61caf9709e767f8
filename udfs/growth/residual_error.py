"""Residual error: how a measurement scatters around the curve, and what a censored one says.

y = f + sigma(f) eps, eps ~ N(0, 1), with

- proportional: sigma = b f
- constant:     sigma = a
- combined:     sigma = a + b f   (Monolix: combined1)

A censored row contributes P(lower <= y <= upper) = Phi(u) - Phi(l), u = (upper - f) / sigma.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from udfs.growth.parameters import FloatArray

ErrorKind = Literal["proportional", "constant", "combined"]

LOG_ROOT_TWO_PI = 0.5 * np.log(2.0 * np.pi)
NARROW = 1e-3
"""Where width times distance from 0 is less, an interval's probability is density times width with
a second-order term: relative error below NARROW^4."""
SMALL_SHARE = 1e-6
"""Phi(u) - Phi(l) over Phi(u) below which the difference is taken in logarithms."""
SMALLEST_PROBABILITY = 1e-280


@dataclass(frozen=True)
class ResidualError:
    """One of the three error models; its parameters are a, b or both, all positive."""

    kind: ErrorKind

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return {"proportional": ("b",), "constant": ("a",), "combined": ("a", "b")}[self.kind]

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the parameters."""
        return tuple("mm3" if name == "a" else "" for name in self.names)

    def start(self, typical: float) -> tuple[float, ...]:
        """Values from which a fit starts; ``typical`` is the median measurement."""
        return {
            "proportional": (0.3,),
            "constant": (0.3 * typical,),
            "combined": (0.05 * typical, 0.3),
        }[self.kind]

    def sigma(self, f: FloatArray, values: FloatArray) -> FloatArray:
        """Standard deviation at predictions ``f`` (any shape), mm3."""
        if self.kind == "proportional":
            return values[0] * f
        if self.kind == "constant":
            return np.full_like(f, values[0])
        return values[0] + values[1] * f

    def sigma_slope(self, values: FloatArray) -> float:
        """d sigma / d f."""
        return 0.0 if self.kind == "constant" else float(values[-1])

    def shares(self, f: FloatArray, values: FloatArray) -> tuple[FloatArray, ...] | None:
        """d log sigma / d log a and d log b; None where there is one parameter (the share is 1)."""
        if self.kind != "combined":
            return None
        share_a = values[0] / (values[0] + values[1] * f)
        return share_a, 1.0 - share_a


def log_interval_probability(low: FloatArray, high: FloatArray) -> FloatArray:
    """log(Phi(high) - Phi(low)) for low < high, either may be infinite; shapes that broadcast.

    Accurate in both tails and for narrow intervals; relative error of the probability < 1e-9.
    """
    if np.any(low > 0):
        is_upper = low > 0
        low, high = np.where(is_upper, -high, low), np.where(is_upper, -low, high)
    below_high = ndtr(high)
    probability = below_high - ndtr(low)
    with np.errstate(divide="ignore"):
        result = np.log(probability)
    is_hard = ~(probability > np.maximum(SMALL_SHARE * below_high, SMALLEST_PROBABILITY))
    if is_hard.any():
        wide_low, wide_high = np.broadcast_arrays(low, high)
        result[is_hard] = _log_probability_in_tail(wide_low[is_hard], wide_high[is_hard])
    return result


def _log_probability_in_tail(low: FloatArray, high: FloatArray) -> FloatArray:
    """The same where the plain difference loses its digits; (n,) arrays, low <= 0."""
    log_high, log_low = log_ndtr(high), log_ndtr(low)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = high - low
        middle = 0.5 * (high + low)
        density = -0.5 * middle * middle - LOG_ROOT_TWO_PI + np.log(width)
        narrow = density + (middle * middle - 1.0) * width * width / 24.0
        difference = log_high + np.log1p(-np.exp(log_low - log_high))
    is_narrow = width * np.maximum(np.abs(middle), 1.0) < NARROW
    result = np.where(is_narrow, narrow, difference)
    return np.where(np.isfinite(result), result, np.fmax(narrow, -1e300))


def standard_density(z: FloatArray, log_probability: FloatArray) -> FloatArray:
    """phi(z) / P without overflow, 0 where z is infinite; shapes that broadcast."""
    with np.errstate(over="ignore"):
        return np.exp(np.minimum(-0.5 * z * z - LOG_ROOT_TWO_PI - log_probability, 690.0))


def truncated_normal_draw(low: FloatArray, high: FloatArray, u: FloatArray) -> FloatArray:
    """Standard normal conditional on (low, high), at the uniform quantile ``u``; all (n,)."""
    is_upper = low > 0
    a, b = np.where(is_upper, -high, low), np.where(is_upper, -low, high)
    start, stop = ndtr(a), ndtr(b)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = ndtri(start + np.where(is_upper, 1.0 - u, u) * (stop - start))
    fallback = np.where(np.isfinite(b), b, a)
    z = np.clip(np.where(np.isfinite(z), z, fallback), a, b)
    return np.where(is_upper, -z, z)
