"""Cumulative incidence with competing events: the Aalen-Johansen estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CENSORED, EVENT, COMPETING = 0, 1, 2


@dataclass(frozen=True)
class Incidence:
    """Of one event at the k distinct days of n patients, ascending."""

    time: FloatArray
    """(k,)"""
    n_at_risk: IntArray
    """(k,) patients without any event and under observation just before the day."""
    n_events: IntArray
    """(k,) on the day."""
    n_competing: IntArray
    n_censored: IntArray
    incidence: FloatArray
    """(k,) probability of the event by the day."""
    standard_error: FloatArray
    lower: FloatArray
    """(k,) pointwise; 0 while the incidence is 0."""
    upper: FloatArray

    def at(self, day: float) -> tuple[float, float, float, int]:
        """Incidence, limits and number still at risk after a day; zeros before the first one.

        NaN limits and incidence where nobody was observed up to the day.
        """
        place = int(np.searchsorted(self.time, day, side="right")) - 1
        if place < 0:
            return 0.0, 0.0, 0.0, int(self.n_at_risk[0]) if self.time.size else 0
        gone = self.n_events[place] + self.n_competing[place] + self.n_censored[place]
        left = int(self.n_at_risk[place] - gone)
        if left == 0 and day > self.time[-1] and self.n_censored[-1] > 0:
            return float("nan"), float("nan"), float("nan"), 0
        return (
            float(self.incidence[place]),
            float(self.lower[place]),
            float(self.upper[place]),
            left,
        )


def aalen_johansen(time: ArrayLike, cause: ArrayLike, *, confidence: float = 0.95) -> Incidence:
    """Cumulative incidence of cause 1 with cause 2 competing (Aalen and Johansen 1978).

    I(t) = sum over days s up to t of S(s-) d1(s) / n(s), S the Kaplan-Meier estimate of being free
    of both. Events of one day are taken together, as they stand: no tie is broken (lifelines moves
    tied days by random amounts). Variance by the delta method (Gaynor et al., JASA 1993):
    sum (I(t) - I(s))^2 d / (n (n - d)) + sum S(s-)^2 d1 (n - d1) / n^3
    - 2 sum (I(t) - I(s)) S(s-) d1 / n^2; without competing events it is Greenwood's. Limits on the
    scale log(-log I).

    Hand-worked: days 1 (event), 2 (competing), 3 (event), 4 (censored): I is 1/4 from day 1, and
    1/4 + 1/2 * 1/2 = 1/2 from day 3.

    Args:
        time: (n,) days, 0 or more.
        cause: (n,) 0 censored, 1 the event, 2 the competing one.
        confidence: of the limits.

    Raises:
        ValueError: a day is missing or below 0, or another cause.
    """
    t, c = np.asarray(time, dtype=np.float64), np.asarray(cause, dtype=np.int64)
    if t.shape != c.shape or t.ndim != 1:
        raise ValueError(f"{t.size} days and {c.size} causes")
    if not (np.isfinite(t).all() and (t >= 0).all()):
        raise ValueError("days are finite and not below 0")
    if not np.isin(c, (CENSORED, EVENT, COMPETING)).all():
        raise ValueError("causes are 0, 1 and 2")
    at, place = np.unique(t, return_inverse=True)
    counts = [
        np.bincount(place[c == one], minlength=at.size) for one in (EVENT, COMPETING, CENSORED)
    ]
    d1, d2, gone = counts
    n = t.size - np.concatenate(([0], (d1 + d2 + gone).cumsum()[:-1])) if at.size else d1
    d = d1 + d2
    after = np.cumprod(1 - d / n) if at.size else np.zeros(0)
    before = np.concatenate(([1.0], after[:-1])) if at.size else after
    # Sums of shares may exceed 1 by a rounding error.
    incidence = np.minimum(np.cumsum(before * d1 / n), 1.0) if at.size else after
    error = np.sqrt(np.maximum(_variance(incidence, before, n, d, d1), 0.0))
    lower, upper = _limits(incidence, error, confidence)
    return Incidence(at, n, d1, d2, gone, incidence, error, lower, upper)


def _variance(
    incidence: FloatArray, before: FloatArray, n: IntArray, d: IntArray, d1: IntArray
) -> FloatArray:
    """(k,) by sums up to each day: (I(t) - I(s))^2 spelt out, so that one pass is enough."""
    left = (n * (n - d)).astype(np.float64)
    a = np.divide(d, left, out=np.zeros(n.size), where=left > 0)
    b = before * d1 / n.astype(np.float64) ** 2
    own = before**2 * d1 * (n - d1) / n.astype(np.float64) ** 3
    first = incidence**2 * a.cumsum() - 2 * incidence * (a * incidence).cumsum()
    first = first + (a * incidence**2).cumsum()
    cross = incidence * b.cumsum() - (b * incidence).cumsum()
    return np.asarray(first + own.cumsum() - 2 * cross)


def _limits(
    incidence: FloatArray, error: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    inside = (incidence > 0) & (incidence < 1) & (error > 0)
    lower, upper = incidence.copy(), incidence.copy()
    i, e = incidence[inside], error[inside]
    width = z * e / (i * np.log(i))
    with np.errstate(over="ignore"):  # next to 1 the lower limit is 0, by exp(a lot)
        lower[inside], upper[inside] = i ** np.exp(-width), i ** np.exp(width)
    return lower, upper
