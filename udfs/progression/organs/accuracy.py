"""How well a predicted risk holds where death competes and follow-up ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.progression.organs.risk import CENSORED, EVENT
from udfs.progression.transitions import aalen_johansen
from udfs.survival import kaplan_meier

FloatArray = NDArray[np.float64]
MIN_RISK = 1e-6
"""Risks are kept so far from 0 and 1 where their complementary log-log is taken."""
CALIBRATION_STEPS = 100
CONVERGED = 1e-10
KINDS_AT_ONCE = 500
"""Of patients, whose leaving out is worked out in one array."""


@dataclass(frozen=True)
class RiskAccuracy:
    """Of n patients at one horizon. NaN where it cannot be told."""

    n: int
    n_events: int
    """Events up to the horizon."""
    n_competing: int
    brier: float
    null_brier: float
    """Of the Aalen-Johansen incidence as everybody's risk."""
    gain_error: float
    """Standard error of null_brier - brier over the patients, the weights taken as known."""
    scaled_brier: float
    """1 - brier / null_brier: above 0 where the prediction is of use."""
    auc: float
    """Probability that a patient with the event by the horizon has a higher risk than one without
    it then: dead of the competing event, or event-free; weighted for censoring."""
    observed: float
    """Aalen-Johansen incidence at the horizon."""
    mean_risk: float
    calibration_slope: float
    calibration_intercept: float
    """Of pseudo-values on the complementary log-log of the risk, in that scale; 1 and 0 are best.
    A slope below 1: risks are too extreme."""


def risk_accuracy(
    time: ArrayLike, cause: ArrayLike, risk: ArrayLike, horizon: float
) -> RiskAccuracy:
    """Brier score, AUC and calibration, weighted by the inverse probability of censoring.

    Brier = mean of 1{T <= t, event or competing} (1{event} - p)^2 / G(T-) + 1{T > t} p^2 / G(t),
    G the Kaplan-Meier estimate of being uncensored (Gerds and Schumacher, Biom J 2006). AUC after
    Blanche et al., Stat Med 2013, patients with the competing event being controls.

    Args:
        time: (n,) days.
        cause: (n,) 0 censored, 1 the event, 2 the competing one.
        risk: (n,) predicted probability of the event by the horizon.
        horizon: days.

    Raises:
        ValueError: lengths differ, or a risk is not between 0 and 1.
    """
    t, c = np.asarray(time, dtype=np.float64), np.asarray(cause, dtype=np.int64)
    p = np.asarray(risk, dtype=np.float64)
    if not t.shape == c.shape == p.shape:
        raise ValueError(f"{t.size} days, {c.size} causes and {p.size} risks")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("a risk is missing or not between 0 and 1")
    weight = _weights(t, c, horizon)
    is_case = (t <= horizon) & (c == EVENT)
    incidence = aalen_johansen(t, c)
    observed = incidence.at(horizon)[0]
    own, same = weight * (is_case - p) ** 2, weight * (is_case - observed) ** 2
    brier, null, error = float("nan"), float("nan"), float("nan")
    if t.size > 1:
        brier, null = float(own.mean()), float(same.mean())
        error = float((same - own).std(ddof=1) / np.sqrt(t.size))
    slope, intercept = _calibration(pseudo_values(t, c, horizon), p)
    return RiskAccuracy(
        n=t.size,
        n_events=int(is_case.sum()),
        n_competing=int(((t <= horizon) & (c != EVENT) & (c != CENSORED)).sum()),
        brier=brier,
        null_brier=null,
        gain_error=error,
        scaled_brier=1 - brier / null if null > 0 else float("nan"),
        auc=_auc(p, weight * is_case, weight * ~is_case),
        observed=observed,
        mean_risk=float(p.mean()) if t.size else float("nan"),
        calibration_slope=slope,
        calibration_intercept=intercept,
    )


def _weights(t: FloatArray, c: NDArray[np.int64], horizon: float) -> FloatArray:
    """(n,) inverse probability of being uncensored: 0 for those censored by the horizon."""
    if not t.size:
        return np.zeros(0)
    curve = kaplan_meier(t, c == CENSORED)
    survival = np.append(1.0, curve.survival)
    before = survival[np.searchsorted(curve.time, t, side="left")]
    at = float(survival[np.searchsorted(curve.time, horizon, side="right")])
    is_over = (t <= horizon) & (c != CENSORED)
    out = np.zeros(t.size)
    out[is_over] = 1 / before[is_over]
    if at > 0:
        out[t > horizon] = 1 / at
    return out


def _auc(p: FloatArray, case: FloatArray, control: FloatArray) -> float:
    """Weighted share of pairs in order, ties counting half."""
    total = case.sum() * control.sum()
    if total == 0:
        return float("nan")
    values, place = np.unique(p, return_inverse=True)
    of_case = np.bincount(place, weights=case, minlength=values.size)
    of_control = np.bincount(place, weights=control, minlength=values.size)
    below = np.cumsum(of_control) - of_control
    return float((of_case * (below + of_control / 2)).sum() / total)


def pseudo_values(time: ArrayLike, cause: ArrayLike, horizon: float) -> FloatArray:
    """(n,) n F(t) - (n - 1) F_-i(t), F the Aalen-Johansen incidence (Klein and Andersen 2005).

    Leaving a patient out takes 1 from the risk sets up to their day, and their event from that day:
    worked out for every kind of patient (day and cause up to the horizon) at once.
    """
    t, c = np.asarray(time, dtype=np.float64), np.asarray(cause, dtype=np.int64)
    n = t.size
    if n < 2:
        return np.full(n, np.nan)
    days = np.unique(t[(t <= horizon) & (c != CENSORED)])
    at_risk = n - np.searchsorted(np.sort(t), days, side="left").astype(float)
    d = _count(t, c != CENSORED, days)
    d1 = _count(t, c == EVENT, days)
    whole = _incidence(at_risk, d, d1)
    is_past = t > horizon
    kinds, place = np.unique(
        np.column_stack([np.where(is_past, np.inf, t), np.where(is_past, CENSORED, c)]),
        axis=0, return_inverse=True,
    )  # fmt: skip
    without = np.empty(len(kinds))
    for start in range(0, len(kinds), KINDS_AT_ONCE):
        day, kind = kinds[start : start + KINDS_AT_ONCE].T
        own = day[:, None] == days
        left = at_risk - (day[:, None] >= days)
        without[start : start + KINDS_AT_ONCE] = _incidence(
            left, d - own * (kind != CENSORED)[:, None], d1 - own * (kind == EVENT)[:, None]
        )
    return np.asarray(n * whole - (n - 1) * without[place.ravel()])


def _count(t: FloatArray, chosen: NDArray[np.bool_], days: FloatArray) -> FloatArray:
    """(k,) patients chosen on each of the days."""
    own = t[chosen & np.isin(t, days)]
    return np.bincount(np.searchsorted(days, own), minlength=days.size).astype(float)


def _incidence(at_risk: FloatArray, d: FloatArray, d1: FloatArray) -> FloatArray:
    """(...,) Aalen-Johansen incidence after the last of the days along the last axis."""
    n = np.maximum(at_risk, 1.0)
    survival = np.cumprod(1 - d / n, axis=-1)
    before = np.concatenate([np.ones((*survival.shape[:-1], 1)), survival[..., :-1]], axis=-1)
    return np.asarray((before[..., : survival.shape[-1]] * d1 / n).sum(axis=-1))


def _calibration(pseudo: FloatArray, p: FloatArray) -> tuple[float, float]:
    """Slope and intercept of E(pseudo) = 1 - exp(-exp(a + b cloglog p)), constant variance.

    Least squares by Gauss-Newton, as a generalised linear model with that link has it.
    """
    nothing = float("nan"), float("nan")
    risk = np.clip(p, MIN_RISK, 1 - MIN_RISK)
    z = np.log(-np.log1p(-risk))
    if not np.isfinite(pseudo).all() or p.size < 3 or np.ptp(z) < 1e-9:
        return nothing
    beta = np.array([0.0, 1.0])
    design = np.column_stack([np.ones(p.size), z])
    for _ in range(CALIBRATION_STEPS):
        eta = np.clip(design @ beta, -30, 4)
        slope = np.exp(eta - np.exp(eta))
        left = pseudo + np.expm1(-np.exp(eta))
        step, *_ = np.linalg.lstsq(design * slope[:, None], left, rcond=None)
        size = float(np.abs(step).max())
        beta = beta + step * min(1.0, 2.0 / size if size else 1.0)
        if size < CONVERGED:
            return float(beta[1]), float(beta[0])
    return nothing


@dataclass(frozen=True)
class NetBenefit:
    """Of acting on those above a threshold, per patient, in true positives."""

    threshold: float
    share_flagged: float
    model: float
    treat_all: float


def net_benefit(
    time: ArrayLike, cause: ArrayLike, risk: ArrayLike, horizon: float, threshold: float
) -> NetBenefit:
    """P(flagged) (F - (1 - F) w), F the incidence among the flagged, w = threshold / (1 - it).

    Vickers and Elkin, Med Decis Making 2006, with the Aalen-Johansen incidence.

    Raises:
        ValueError: the threshold is not between 0 and 1.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold {threshold} must lie between 0 and 1")
    t, c = np.asarray(time, dtype=np.float64), np.asarray(cause, dtype=np.int64)
    flagged = np.asarray(risk, dtype=np.float64) >= threshold
    odds = threshold / (1 - threshold)
    everyone = aalen_johansen(t, c).at(horizon)[0]
    share = float(flagged.mean()) if t.size else float("nan")
    found = aalen_johansen(t[flagged], c[flagged]).at(horizon)[0] if flagged.any() else 0.0
    return NetBenefit(
        threshold, share, share * (found - (1 - found) * odds), everyone - (1 - everyone) * odds
    )
