"""The Kaplan-Meier estimate, its confidence intervals and its quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from udfs.survival.checked import FloatArray, IntArray, checked_times

Interval = Literal["log", "log-log", "plain"]

QUANTILE_TOLERANCE = 1.5e-8
"""A survival that is this near to the one asked for equals it: 7/10 * 5/7 is not 0.5 in binary."""


@dataclass(frozen=True)
class Quantile:
    """When a given share has had the event. NaN where the curve does not come down so far."""

    days: float
    lower: float
    upper: float


@dataclass(frozen=True)
class SurvivalCurve:
    """Survival at the k distinct times of n subjects, events and censored alike, ascending."""

    time: FloatArray
    """(k,) in the unit of the times."""
    n_at_risk: IntArray
    """(k,) subjects not yet gone just before the time."""
    n_events: IntArray
    """(k,)"""
    n_censored: IntArray
    """(k,)"""
    survival: FloatArray
    """(k,) share still without event after the time."""
    log_standard_error: FloatArray
    """(k,) Greenwood's standard error of log(survival); NaN from where survival is 0."""
    lower: FloatArray
    """(k,) pointwise; NaN from where survival is 0."""
    upper: FloatArray
    """(k,) likewise."""
    confidence: float
    interval: Interval

    @property
    def n(self) -> int:
        """Number of subjects."""
        return int(self.n_at_risk[0]) if self.time.size else 0

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.n_events.sum())

    @property
    def median(self) -> Quantile:
        """Median survival and its interval."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> Quantile:
        """Time by which ``share`` have had the event, as R's ``quantile.survfit`` has it.

        The first time at which survival is below 1 - share; where it equals it, the middle of the
        stretch on which it does. The limits are those of the confidence limits of the curve
        (Brookmeyer and Crowley, Biometrics 1982).

        Raises:
            ValueError: share is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise ValueError(f"share {share} must lie between 0 and 1")
        curves = (self.survival, self.lower, self.upper)
        return Quantile(*(self._first_below(curve, share) for curve in curves))

    def at(self, times: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Survival and its limits at any times: 1 before the first, the last value after the end.

        Returns:
            (t,) survival, lower limit, upper limit.
        """
        place = np.searchsorted(self.time, np.asarray(times, dtype=np.float64), side="right")
        survival, lower, upper = (
            np.concatenate(([1.0], values))[place]
            for values in (self.survival, self.lower, self.upper)
        )
        return survival, lower, upper

    def _first_below(self, curve: FloatArray, share: float) -> float:
        known = ~np.isnan(curve)
        gone, time = 1 - curve[known], self.time[known]
        if gone.size == 0 or gone[-1] < share - QUANTILE_TOLERANCE:
            return float("nan")
        reached = time[np.argmax(gone >= share - QUANTILE_TOLERANCE)]
        is_passed = gone > share + QUANTILE_TOLERANCE
        passed = time[np.argmax(is_passed)] if is_passed.any() else self.time[-1]
        return float((reached + passed) / 2)


def kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    *,
    confidence: float = 0.95,
    interval: Interval = "log",
) -> SurvivalCurve:
    """Kaplan-Meier estimate: survival(t) = product over event times u <= t of (1 - d_u / n_u).

    Hand-worked: times 2, 3, 3, 5, 8 with events at 2, 3, 8 (one 3 and the 5 censored): 4/5 after 2,
    4/5 * 3/4 = 3/5 after 3, 0 after 8. The median is 8. Greenwood's variance of log(survival) after
    3 is 1/(5*4) + 1/(4*3) = 2/15.

    Args:
        time: (n,) times to event or censoring, 0 or more; one unit for all.
        event: (n,) whether the event happened, else censored. Who is censored at a time is still at
            risk at it.
        confidence: of the pointwise limits.
        interval: scale of the limits, as R's ``conf.type``: ``log`` is R's default.

    Raises:
        ValueError: see ``checked_times``; an unknown interval; a confidence not between 0 and 1.
    """
    if interval not in get_args(Interval):
        raise ValueError(f"interval is {interval!r}, not one of {', '.join(get_args(Interval))}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} must lie between 0 and 1")
    times, events = checked_times(time, event)
    distinct, place = np.unique(times, return_inverse=True)
    n_gone = np.bincount(place, minlength=distinct.size)
    n_events = np.bincount(place[events], minlength=distinct.size)
    at_risk = times.size - (np.cumsum(n_gone) - n_gone)

    survival = np.cumprod(1 - n_events / at_risk)
    left = at_risk - n_events
    step = np.divide(n_events, at_risk * left, out=np.full(left.shape, np.nan), where=left > 0)
    step[n_events == 0] = 0.0
    error = np.sqrt(np.cumsum(step))
    lower, upper = limits_of(survival, error, confidence, interval)
    return SurvivalCurve(
        distinct, at_risk, n_events, n_gone - n_events, survival, error, lower, upper,
        confidence, interval,
    )  # fmt: skip


def limits_of(
    survival: FloatArray, error: FloatArray, confidence: float, interval: Interval
) -> tuple[FloatArray, FloatArray]:
    """Pointwise limits of a curve from the standard error of log survival."""
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    if interval == "plain":
        half = z * error * survival
        return np.maximum(survival - half, 0.0), np.minimum(survival + half, 1.0)
    known = survival > 0
    log_survival = np.log(survival, out=np.full(survival.shape, np.nan), where=known)
    if interval == "log":
        half = z * error
        return np.exp(log_survival - half), np.minimum(np.exp(log_survival + half), 1.0)
    inside = known & (survival < 1)
    half = np.divide(z * error, log_survival, out=np.zeros(survival.shape), where=inside)
    half[~known] = np.nan
    lower, upper = (np.exp(log_survival * np.exp(sign * half)) for sign in (-1, 1))
    return lower, upper
