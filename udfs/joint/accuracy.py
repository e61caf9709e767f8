"""How well predicted survival does at a landmark, with censoring weighed out.

Of the n patients at risk at landmark t, X = T - t is the time from there, r = 1 - pi the predicted
risk of the window dt, G the Kaplan-Meier estimate of being uncensored from t on (deaths come before
censorings of the same day). Weights (inverse probability of censoring):

    W = 1(X <= dt, death) / G(X-) + 1(X > dt) / G(dt);   censored within the window: 0

    Brier = sum W (1(X <= dt) - r)^2 / n
    AUC = sum over cases i and controls j of W_i W_j (1(r_i > r_j) + 1(r_i = r_j) / 2) / sum W_i W_j

(Blanche et al. 2013, Stat Med 32:5381; 2015, Biometrics 71:102). Predictions of censored patients
are not used in place of their outcome: that flatters a wrong model. Judged on the patients that the
model was fitted to these are optimistic.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from udfs.joint.arrays import BoolArray, FloatArray
from udfs.joint.errors import JointDataError
from udfs.survival import cox_model, kaplan_meier

SAMPLES = 500
MIN_LOG = 1e-12
"""Risks are kept this far from 0 and 1 where their logs are taken."""


@dataclass(frozen=True)
class Accuracy:
    """Measures at one landmark and window."""

    auc: float
    """NaN without a case or a control."""
    brier: float
    brier_of_curve: float
    """Of the Kaplan-Meier estimate, the same for everyone."""
    scaled_brier: float
    """1 - brier / brier_of_curve; 0 is no better than the curve, below it worse."""
    observed_over_expected: float
    """n (1 - KM(dt)) over the sum of the risks."""
    calibration_slope: float
    """Of log(-log pi) in a Cox model of X cut at dt: 1 is right, below it risks are too extreme;
    NaN without events or where all risks are equal."""


@dataclass(frozen=True)
class AccuracyAt:
    """Measures with bootstrap limits (patients resampled), and what they rest on."""

    landmark: float
    window: float
    n: int
    """At risk."""
    n_events: int
    """Within the window."""
    n_censored: int
    """Likewise."""
    value: Accuracy
    lower: Accuracy
    upper: Accuracy


@dataclass(frozen=True)
class CalibrationGroup:
    """Patients of similar risk."""

    n: int
    mean_risk: float
    observed: float
    """1 - Kaplan-Meier at the end of the window."""
    lower: float
    upper: float


def accuracy(
    time: ArrayLike, is_event: ArrayLike, survival: ArrayLike, *, window: float
) -> Accuracy:
    """Of patients at risk at the landmark.

    Args:
        time: (n,) X, from the landmark, above 0.
        is_event: (n,)
        survival: (n,) pi, predicted probability of surviving the window.
        window: dt.

    Raises:
        JointDataError: see ``accuracy_at``.
    """
    x, died, pi = _checked(time, is_event, survival)
    return _measures(x, died, pi, window)


def accuracy_at(
    time: ArrayLike,
    is_event: ArrayLike,
    survival: ArrayLike,
    *,
    landmark: float,
    window: float,
    samples: int = SAMPLES,
    confidence: float = 0.95,
    seed: int = 20230607,
) -> AccuracyAt:
    """With percentile limits of the bootstrap.

    Args:
        time: (n,) T, from the same origin as the landmark; all above it.

    Raises:
        JointDataError: lengths differ, a time is not after the landmark, a probability is not
            between 0 and 1.
    """
    x, died, pi = _checked(np.asarray(time, dtype=np.float64) - landmark, is_event, survival)
    rng, names = np.random.default_rng(seed), [one.name for one in fields(Accuracy)]
    found = np.empty((samples, len(names)))
    for k in range(samples):
        rows = rng.integers(0, len(x), len(x))
        one = _measures(x[rows], died[rows], pi[rows], window)
        found[k] = [getattr(one, name) for name in names]
    tail = (1.0 - confidence) / 2.0
    known = [column[np.isfinite(column)] for column in found.T]
    lower, upper = (
        Accuracy(*(float(np.quantile(one, q)) if len(one) else float("nan") for one in known))
        for q in (tail, 1.0 - tail)
    )
    is_in = x <= window
    return AccuracyAt(
        landmark,
        window,
        len(x),
        int((is_in & died).sum()),
        int((is_in & ~died).sum()),
        _measures(x, died, pi, window),
        lower,
        upper,
    )


@dataclass(frozen=True)
class Compared:
    """A measure of K predictions of the same patients, and differences to the first of them."""

    value: FloatArray
    """(K,)"""
    lower: FloatArray
    upper: FloatArray
    difference: FloatArray
    """(K,) value less that of the first."""
    difference_lower: FloatArray
    """(K,) of the same bootstrap samples."""
    difference_upper: FloatArray


def compare_predictions(
    time: ArrayLike,
    is_event: ArrayLike,
    survival: FloatArray,
    *,
    window: float,
    samples: int = SAMPLES,
    confidence: float = 0.95,
    seed: int = 20230607,
) -> dict[str, Compared]:
    """AUC and Brier score of several predictions, by the same bootstrap samples of patients.

    Args:
        time: (n,) X, from the landmark, above 0.
        is_event: (n,)
        survival: (K, n) pi.
        window: dt.

    Raises:
        JointDataError: see ``accuracy_at``.
    """
    for one in survival:
        x, died, _ = _checked(time, is_event, one)
    rng = np.random.default_rng(seed)
    found = [_area_and_brier(x, died, survival, window)]
    for _ in range(samples):
        rows = rng.integers(0, len(x), len(x))
        found.append(_area_and_brier(x[rows], died[rows], survival[:, rows], window))
    each = np.stack(found)
    tail = (1.0 - confidence) / 2.0
    out = {}
    for place, name in enumerate(("auc", "brier")):
        values = each[:, place]
        off = values - values[:, :1]
        with np.errstate(invalid="ignore"):
            low, high = np.nanquantile(values[1:], [tail, 1.0 - tail], axis=0)
            below, above = np.nanquantile(off[1:], [tail, 1.0 - tail], axis=0)
        out[name] = Compared(values[0], low, high, off[0], below, above)
    return out


def _area_and_brier(
    x: FloatArray, died: BoolArray, survival: FloatArray, window: float
) -> FloatArray:
    """(2, K) both measures of each prediction."""
    weight = censoring_weights(x, died, window)
    case, control = died & (x <= window), x > window
    risk = 1.0 - survival
    area = [_area(one[case], weight[case], one[control], weight[control]) for one in risk]
    brier = (weight * (case - risk) ** 2).mean(axis=1)
    return np.stack([np.array(area), brier])


def calibration_groups(
    time: ArrayLike, is_event: ArrayLike, survival: ArrayLike, *, window: float, groups: int = 5
) -> list[CalibrationGroup]:
    """Mean risk and observed risk of fifths of the predicted risk, lowest first.

    Args as in ``accuracy``. Groups that ties leave empty are missing.
    """
    x, died, pi = _checked(time, is_event, survival)
    risk = 1.0 - pi
    cuts = np.quantile(risk, np.arange(1, groups) / groups)
    group = np.searchsorted(cuts, risk)
    out = []
    for k in range(groups):
        mine = group == k
        if not mine.any():
            continue
        curve = kaplan_meier(x[mine], died[mine])
        alive, lower, upper = (1.0 - float(one[0]) for one in curve.at([window]))
        out.append(CalibrationGroup(int(mine.sum()), float(risk[mine].mean()), alive, upper, lower))
    return out


def censoring_weights(x: FloatArray, died: BoolArray, window: float) -> FloatArray:
    """(n,) W."""
    curve = kaplan_meier(x, died)
    at_risk = curve.n_at_risk - curve.n_events
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(curve.n_censored > 0, 1.0 - curve.n_censored / at_risk, 1.0)
    g = np.concatenate([[1.0], np.cumprod(step)])
    before = g[np.searchsorted(curve.time, x, side="left")]
    at_window = g[np.searchsorted(curve.time, window, side="right")]
    weight = np.zeros(len(x))
    case, control = died & (x <= window), x > window
    weight[case] = 1.0 / before[case]
    if control.any():
        weight[control] = 1.0 / at_window
    return weight


def _measures(x: FloatArray, died: BoolArray, pi: FloatArray, window: float) -> Accuracy:
    weight, risk = censoring_weights(x, died, window), 1.0 - pi
    case, control = died & (x <= window), x > window
    alive = float(kaplan_meier(x, died).at([window])[0][0])
    brier = float((weight * (case - risk) ** 2).mean())
    of_curve = float((weight * (case - (1.0 - alive)) ** 2).mean())
    return Accuracy(
        _area(risk[case], weight[case], risk[control], weight[control]),
        brier,
        of_curve,
        1.0 - brier / of_curve if of_curve > 0 else float("nan"),
        float(len(x) * (1.0 - alive) / max(risk.sum(), MIN_LOG)),
        _slope(x, died, pi, window),
    )


def _area(case: FloatArray, w: FloatArray, control: FloatArray, v: FloatArray) -> float:
    """Weighted share of pairs in which the case has the higher risk, ties a half."""
    if len(case) == 0 or len(control) == 0:
        return float("nan")
    order = np.argsort(control, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(v[order])])
    sorted_risk = control[order]
    left = below[np.searchsorted(sorted_risk, case, side="left")]
    right = below[np.searchsorted(sorted_risk, case, side="right")]
    return float((w * 0.5 * (left + right)).sum() / (w.sum() * v.sum()))


def _slope(x: FloatArray, died: BoolArray, pi: FloatArray, window: float) -> float:
    safe = np.clip(pi, MIN_LOG, 1.0 - MIN_LOG)
    column = np.log(-np.log(safe))
    event = died & (x <= window)
    if not event.any() or np.ptp(column) == 0:
        return float("nan")
    return float(cox_model(np.minimum(x, window), event, column[:, None]).coefficient[0])


def _checked(
    time: ArrayLike, is_event: ArrayLike, survival: ArrayLike
) -> tuple[FloatArray, BoolArray, FloatArray]:
    x, pi = np.asarray(time, dtype=np.float64), np.asarray(survival, dtype=np.float64)
    died = np.asarray(is_event).astype(bool)
    if not len(x) == len(died) == len(pi):
        raise JointDataError(
            f"there are {len(x)} times, {len(died)} events and {len(pi)} probabilities"
        )
    if len(x) == 0:
        raise JointDataError("nobody is at risk at the landmark")
    for what, bad in (
        ("is not at risk at the landmark", ~(x > 0)),
        ("has a predicted survival outside 0 to 1", ~((pi >= 0) & (pi <= 1))),
    ):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise JointDataError(
                f"patient {row + 1} {what}: time {x[row]:g} from there, survival {pi[row]:g}"
            )
    return x, died, pi
