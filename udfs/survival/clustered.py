"""Kaplan-Meier limits where subjects come in clusters, as lesions do in patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from udfs.survival.checked import checked_times
from udfs.survival.curve import Interval, SurvivalCurve, kaplan_meier, limits_of


def clustered_kaplan_meier(
    time: ArrayLike,
    event: ArrayLike,
    cluster: ArrayLike,
    *,
    confidence: float = 0.95,
    interval: Interval = "log",
) -> SurvivalCurve:
    """Kaplan-Meier estimate with the variance of whole clusters (infinitesimal jackknife).

    The influence of subject i on log survival at t is the sum over times u <= t of
    -(dN_i(u) - Y_i(u) d_u / n_u) / (n_u - d_u); those of a cluster are added, and the variance is
    the sum of their squares (Williams, Stat Med 1995; R's survfit(cluster = )). Where each subject
    is its own cluster this is Greenwood's variance.

    Args:
        cluster: (n,) what subjects belong together.

    Raises:
        ValueError: see ``kaplan_meier``; cluster has another length.
    """
    times, events = checked_times(time, event)
    members = np.asarray(cluster)
    if members.shape != times.shape:
        raise ValueError(f"cluster has the shape {members.shape}, times have {times.shape}")
    curve = kaplan_meier(times, events, confidence=confidence, interval=interval)
    if curve.n == 0:
        return curve
    _, code = np.unique(members, return_inverse=True)
    left = curve.n_at_risk - curve.n_events
    known = left > 0
    per_event = np.divide(1.0, left, out=np.zeros(left.shape), where=known)
    per_risk = per_event * curve.n_events / curve.n_at_risk
    place = np.searchsorted(curve.time, times)
    shape = (int(code.max()) + 1, curve.time.size)
    n_events, n_gone = np.zeros(shape), np.zeros(shape)
    np.add.at(n_events, (code[events], place[events]), 1.0)
    np.add.at(n_gone, (code, place), 1.0)
    at_risk = n_gone.sum(axis=1, keepdims=True) - (np.cumsum(n_gone, axis=1) - n_gone)
    influence = np.cumsum(n_events * per_event - at_risk * per_risk, axis=1)
    error = np.sqrt((influence**2).sum(axis=0))
    error[~known] = np.nan
    lower, upper = limits_of(curve.survival, error, confidence, interval)
    return replace(curve, log_standard_error=error, lower=lower, upper=upper)
