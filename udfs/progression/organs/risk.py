"""The risk of an event by cause-specific Cox models, with death as another event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.survival import cox_model
from udfs.threads import single_blas_thread

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CENSORED, EVENT, COMPETING = 0, 1, 2
MIN_EVENTS_PER_COLUMN = 5
"""Below so many events for each covariate a cause is taken as independent of all of them."""


@dataclass(frozen=True)
class CauseSpecific:
    """Hazards of the event and of the competing one, at the k distinct days with either."""

    time: FloatArray
    """(k,)"""
    baseline: FloatArray
    """(k, 2) increments of the cumulative hazard where every covariate is at its mean."""
    coefficient: FloatArray
    """(p, 2) log hazard ratios; 0 where a cause has too few events."""
    standard_error: FloatArray
    """(p, 2) NaN where a coefficient is 0 for that."""
    centre: FloatArray
    """(p,)"""
    loglik: FloatArray
    """(2,) log partial likelihoods."""
    n_events: IntArray
    """(2,)"""
    covariance: FloatArray
    """(p, p) of the event's coefficients; 0 where they are not estimated."""
    cumulative: FloatArray
    """(k,) baseline cumulative hazard of the event, Breslow's."""
    cumulative_variance: FloatArray
    """(k,) sum of d / S0^2, its variance for known coefficients."""
    cumulative_mean: FloatArray
    """(k, p) sum of (mean covariate of those at risk - centre) d / S0."""

    def risk(self, x: ArrayLike, horizon: float) -> FloatArray:
        """(n,) probability of the event up to the horizon.

        F(t | x) = sum over s <= t of S(s- | x) dH_1(s | x), S(s | x) = prod (1 - dH_1 - dH_2).
        """
        return self._risk(np.asarray(x, dtype=np.float64), horizon, None)

    def interval(
        self, x: ArrayLike, horizon: float, confidence: float
    ) -> tuple[FloatArray, FloatArray]:
        """(n,), (n,) limits of the risk, those of the event's hazard, the competing one held.

        Var log H(t | x) = sum d / S0^2 / H0^2 + q' V q, q = x - (mean of those at risk, averaged
        over dH0) (Tsiatis, Ann Stat 1981); the event's hazard is moved by exp(-+ z SE).
        """
        from scipy.special import ndtri

        values = np.asarray(x, dtype=np.float64)
        upto = int((self.time <= horizon).sum())
        if not upto or self.cumulative[upto - 1] == 0:
            return np.zeros(len(values)), np.full(len(values), np.nan)
        total = self.cumulative[upto - 1]
        q = values - self.centre - self.cumulative_mean[upto - 1] / total
        variance = self.cumulative_variance[upto - 1] / total**2
        error = np.sqrt(variance + np.einsum("ni,ij,nj->n", q, self.covariance, q))
        half = float(ndtri((1 + confidence) / 2)) * error
        return (
            self._risk(values, horizon, np.exp(-half)), self._risk(values, horizon, np.exp(half))
        )  # fmt: skip

    @single_blas_thread
    def _risk(self, x: FloatArray, horizon: float, times: FloatArray | None) -> FloatArray:
        away = x - self.centre
        ratio = np.exp(away @ self.coefficient)
        if times is not None:
            ratio[:, 0] *= times
        upto = self.time <= horizon
        if not upto.any():
            return np.zeros(len(ratio))
        event = ratio[:, :1] * self.baseline[upto, 0]
        total = event + ratio[:, 1:] * self.baseline[upto, 1]
        if total.max() > 1:
            # Hazards of a day that add up to more than all there is: each its part of 1.
            event /= np.maximum(total, 1.0)
            np.minimum(total, 1.0, out=total)
        left = np.cumprod(1 - total, axis=1)
        event[:, 1:] *= left[:, :-1]
        return np.asarray(event.sum(axis=1))


@single_blas_thread
def cause_specific(
    time: ArrayLike,
    cause: ArrayLike,
    x: ArrayLike,
    *,
    min_events: float = MIN_EVENTS_PER_COLUMN,
) -> CauseSpecific:
    """Two Cox models, one for each cause, the other censored in it; ties by Efron's method.

    Baseline increments are Efron's too: at a day with d deaths among the risk set of sum R (sum D
    of those who die) sum over l < d of 1 / (R - l / d D), as in R's survival and riskRegression.

    Args:
        time: (n,) days, above 0.
        cause: (n,) 0 censored, 1 the event, 2 the competing one.
        x: (n, p) covariates known at time 0, none missing; one that is the same in everyone has
            coefficient 0.
        min_events: for each covariate; a cause of fewer is taken as independent of all.

    Raises:
        ValueError: lengths differ, a covariate is missing, or nobody had the event.
    """
    t, c = np.asarray(time, dtype=np.float64), np.asarray(cause, dtype=np.int64)
    values = np.asarray(x, dtype=np.float64)
    if t.shape != c.shape or values.ndim != 2 or len(values) != t.size:
        raise ValueError(f"{t.size} days, {c.size} causes and covariates of shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("a covariate is missing: impute it or leave the patient out")
    if not (c == EVENT).any():
        raise ValueError("nobody had the event")
    p = values.shape[1]
    centre = values.mean(axis=0)
    days = np.unique(t[c != CENSORED])
    coefficient, error = np.zeros((p, 2)), np.full((p, 2), np.nan)
    loglik, baseline = np.zeros(2), np.zeros((days.size, 2))
    n_events = np.array([(c == EVENT).sum(), (c == COMPETING).sum()])
    varies = np.flatnonzero(np.ptp(values, axis=0) > 0) if t.size else np.zeros(0, int)
    for k, one in enumerate((EVENT, COMPETING)):
        if varies.size and n_events[k] >= min_events * varies.size:
            model = cox_model(t, c == one, values[:, varies])
            if model.is_converged:
                coefficient[varies, k] = model.coefficient
                error[varies, k] = model.standard_error
                loglik[k] = model.loglik
        weight = np.exp((values - centre) @ coefficient[:, k])
        baseline[:, k] = _efron_increments(t, c == one, weight, days)
    used = np.flatnonzero(np.isfinite(error[:, 0]))
    weight = np.exp((values - centre) @ coefficient[:, 0])
    spread = _breslow(t, c == EVENT, weight, values - centre, days, used)
    return CauseSpecific(days, baseline, coefficient, error, centre, loglik, n_events, *spread)


def _breslow(
    time: FloatArray,
    event: NDArray[np.bool_],
    weight: FloatArray,
    away: FloatArray,
    days: FloatArray,
    used: IntArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Covariance of the coefficients, cumulative hazard, its variance, and cumulative means."""
    order = np.argsort(time, kind="stable")
    first = np.searchsorted(time[order], days, side="left")

    def at_risk(column: FloatArray) -> FloatArray:
        later = np.cumsum(column[order][::-1], axis=0)[::-1]
        return np.concatenate([later, np.zeros((1, *later.shape[1:]))])[first]

    p = away.shape[1]
    d = np.bincount(np.searchsorted(days, time[event]), minlength=days.size).astype(float)
    s0 = np.maximum(at_risk(weight), 1e-300)
    mean = at_risk(weight[:, None] * away) / s0[:, None]
    second = at_risk(weight[:, None, None] * away[:, :, None] * away[:, None, :])
    inside = second / s0[:, None, None] - mean[:, :, None] * mean[:, None, :]
    information = np.einsum("k,kij->ij", d, inside)
    covariance = np.zeros((p, p))
    if used.size:
        covariance[np.ix_(used, used)] = np.linalg.inv(information[np.ix_(used, used)])
    return (
        covariance, np.cumsum(d / s0), np.cumsum(d / s0**2),
        np.cumsum(mean * (d / s0)[:, None], axis=0),
    )  # fmt: skip


def _efron_increments(
    time: FloatArray, event: NDArray[np.bool_], weight: FloatArray, days: FloatArray
) -> FloatArray:
    """(k,) increments of the cumulative baseline hazard on the given days."""
    order = np.argsort(time, kind="stable")
    later = np.append(np.cumsum(weight[order][::-1])[::-1], 0.0)
    at_risk = later[np.searchsorted(time[order], days, side="left")]
    place = np.searchsorted(days, time[event])
    d = np.bincount(place, minlength=days.size)
    dying = np.bincount(place, weights=weight[event], minlength=days.size)
    out = np.zeros(days.size)
    for tied in range(int(d.max(initial=0))):
        rows = d > tied
        out[rows] += 1 / (at_risk[rows] - tied / d[rows] * dying[rows])
    return out
