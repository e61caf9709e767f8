"""Per-patient growth rates without a population model: the four models of tumgr.

Wilkerson, Abdallah, Fojo et al., Lancet Oncol 2017; R package tumgr 0.0.4 (function gdrate). With
q = size / first size and t = days since the first evaluation + 1, as tumgr counts:

    gd     q = exp(-d t) + exp(g t) - 1
    dx     q = exp(-d t)
    gx     q = exp(g t)
    gdphi  q = (1 - phi) exp(g t) + phi exp(-d t)

Each is fitted by least squares with 0 <= parameters <= 1. Of the models whose parameters all differ
from 0 (t test, p < 0.10) the one with the smallest AIC is selected. tumgr starts its search once,
at .00511 per day and phi = .9; here the search has several starts, so that what is found is the
least sum of squares: the selection can differ where tumgr stopped short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from udfs.growth.parameters import FloatArray

START = 0.00511
START_PHI = 0.9
OTHER_RATES = (0.0005, 0.04)
OTHER_SHARES = (0.5, 0.98)
MOST_STEPS = 500
SMALLEST_STEP = 1e-12
"""Per day: a rejected step this small ends a search."""
ZERO_OFFSET = 0.5
"""Added to all sizes of a patient whose first one is 0."""

MODELS = {"gd": ("g", "d"), "dx": ("d",), "gx": ("g",), "gdphi": ("phi", "g", "d")}
"""Parameters of each model, in tumgr's order of models."""
EXCLUDED = {
    "one_evaluation": "only 1 eval",
    "no_change": "error data",
    "two_close": "2 evals not 20% diff",
    "first_zero": "No measurement data",
}
"""Why a patient is not analysed, with tumgr's words."""


@dataclass(frozen=True)
class PatientModelFit:
    """One model fitted to one patient."""

    model: str
    estimate: FloatArray
    """(k,) in the order of ``MODELS``."""
    standard_error: FloatArray
    """(k,) infinite where the model cannot be told from a simpler one."""
    p_value: FloatArray
    """(k,) two-sided t test against 0 with n - k degrees of freedom."""
    sum_of_squares: float
    aic: float
    """n (log(2 pi rss / n) + 1) + 2 k: tumgr counts k without the error variance."""
    is_significant: bool
    """Every p-value is below the limit."""


@dataclass(frozen=True)
class PatientRates:
    """Result of one patient."""

    patient: object
    n_evaluations: int
    selected: str
    """gd, dx, gx, gdphi, 'not fit', or '' for a patient that is not analysed."""
    excluded: str
    """Key of ``EXCLUDED``, or ''."""
    g: float | None
    """Growth rate per day; of gdphi g sqrt(1 - phi), as tumgr reports it."""
    d: float | None
    """Decay rate per day."""
    phi: float | None
    """Share that decays."""
    fits: tuple[PatientModelFit, ...]
    """Every model that has fewer parameters than there are evaluations."""


def patient_rates(
    patient: ArrayLike, day: ArrayLike, size: ArrayLike, *, p_limit: float = 0.10
) -> list[PatientRates]:
    """Fit and select for every patient, ascending by id.

    Args:
        patient: (m,) ids.
        day: (m,) days, in any order; rows with NaN are dropped.
        size: (m,) diameter, volume or marker, 0 or more.
        p_limit: a model counts only if all its parameters have a smaller p-value.

    Raises:
        ValueError: a negative size.
    """
    ids, days, sizes = np.asarray(patient), np.asarray(day, float), np.asarray(size, float)
    is_known = np.isfinite(days) & np.isfinite(sizes)
    if np.any(sizes[is_known] < 0):
        row = int(np.flatnonzero(is_known & (sizes < 0))[0])
        raise ValueError(f"size is {sizes[row]:g} in row {row + 1}; it must be 0 or more")
    out = []
    for one in np.unique(ids):
        rows = np.flatnonzero((ids == one) & is_known)
        rows = rows[np.argsort(days[rows], kind="stable")]
        out.append(_one_patient(one, days[rows], sizes[rows], p_limit))
    return out


def _one_patient(
    patient: object, day: FloatArray, size: FloatArray, p_limit: float
) -> PatientRates:
    n = len(size)
    excluded = _reason(size)
    if excluded:
        return PatientRates(patient, n, "", excluded, None, None, None, ())
    t, q = day - day[0] + 1.0, size / size[0]
    fits = tuple(
        fit_patient_model(name, t, q, p_limit) for name, names in MODELS.items() if n > len(names)
    )
    good = [one for one in fits if one.is_significant]
    if not good:
        return PatientRates(patient, n, "not fit", "", None, None, None, fits)
    best = min(good, key=lambda one: one.aic)
    value = dict(zip(MODELS[best.model], best.estimate.tolist(), strict=True))
    g = value.get("g")
    if best.model == "gdphi" and g is not None:
        g *= np.sqrt(1.0 - value["phi"])
    return PatientRates(patient, n, best.model, "", g, value.get("d"), value.get("phi"), fits)


def _reason(size: FloatArray) -> str:
    """Why a patient is not analysed, by tumgr's order of rules; '' if it is."""
    n = len(size)
    if n == 0 or size[0] == 0:
        return "first_zero"
    if n == 1:
        return "one_evaluation"
    if len(np.unique(size)) == 1 and n > 2:
        return "no_change"
    if n == 2 and 0.8 < size[1] / size[0] < 1.2:
        return "two_close"
    return ""


def fit_patient_model(name: str, t: FloatArray, q: FloatArray, p_limit: float) -> PatientModelFit:
    """Least squares of one model, from several starts; (n,) times and relative sizes."""
    best: tuple[float, FloatArray] | None = None
    for start in _starts(name):
        value, point = _least_squares(name, t, q, start)
        if best is None or value < best[0] * (1.0 - 1e-10):
            best = value, point
    assert best is not None
    rss, estimate = best
    n, k = len(q), len(estimate)
    _, slopes = _residuals(name, t, q, estimate)
    error = _standard_errors(slopes, rss / (n - k))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.isfinite(error) & (error > 0), estimate / error, 0.0)
    ratio = np.where((error == 0) & (estimate > 0), np.inf, ratio)
    p_value = 2.0 * stdtr(n - k, -np.abs(ratio))
    aic = n * (np.log(2.0 * np.pi * max(rss, 1e-300) / n) + 1.0) + 2.0 * k
    return PatientModelFit(
        name, estimate, error, p_value, rss, float(aic), bool(np.all(p_value < p_limit))
    )


def _starts(name: str) -> list[FloatArray]:
    rates = (START, *OTHER_RATES)
    if name in ("dx", "gx"):
        return [np.array([rate]) for rate in rates]
    pairs = [(START, START)] + [(g, d) for g in rates for d in rates if (g, d) != (START, START)]
    if name == "gd":
        return [np.array(pair) for pair in pairs]
    return [np.array([phi, *pair]) for phi in (START_PHI, *OTHER_SHARES) for pair in pairs]


def _residuals(
    name: str, t: FloatArray, q: FloatArray, x: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(n,) model minus q, and (n, k) derivatives."""
    value = dict(zip(MODELS[name], x, strict=True))
    up = np.exp(np.minimum(value.get("g", 0.0) * t, 300.0))
    down = np.exp(-value.get("d", 0.0) * t)
    if name == "gd":
        return up + down - 1.0 - q, np.stack([t * up, -t * down], axis=1)
    if name == "dx":
        return down - q, -(t * down)[:, None]
    if name == "gx":
        return up - q, (t * up)[:, None]
    phi = value["phi"]
    slopes = [down - up, (1.0 - phi) * t * up, -phi * t * down]
    return (1.0 - phi) * up + phi * down - q, np.stack(slopes, axis=1)


def _least_squares(
    name: str, t: FloatArray, q: FloatArray, start: FloatArray
) -> tuple[float, FloatArray]:
    """Levenberg-Marquardt within [0, 1]; sum of squares and point."""
    x, damping = start.copy(), 1e-2
    r, slopes = _residuals(name, t, q, x)
    rss = float(r @ r)
    for _ in range(MOST_STEPS):
        gradient = slopes.T @ r
        is_free = ~(((x <= 0.0) & (gradient > 0)) | ((x >= 1.0) & (gradient < 0)))
        if not is_free.any():
            break
        part = slopes[:, is_free]
        normal = part.T @ part
        scale = np.maximum(np.diag(normal), 1e-30)
        step = np.zeros_like(x)
        step[is_free] = -np.linalg.solve(normal + damping * np.diag(scale), gradient[is_free])
        trial = np.clip(x + step, 0.0, 1.0)
        new_r, new_slopes = _residuals(name, t, q, trial)
        new_rss = float(new_r @ new_r)
        if np.isfinite(new_rss) and new_rss < rss:
            is_still = rss - new_rss <= 1e-13 * rss
            x, r, slopes, rss, damping = trial, new_r, new_slopes, new_rss, damping * 0.3
            if is_still:
                break
        else:
            damping *= 10.0
            if np.abs(trial - x).max() < SMALLEST_STEP:
                break
    return rss, x


def _standard_errors(slopes: FloatArray, variance: float) -> NDArray[np.float64]:
    """sqrt of the diagonal of variance (J'J)^-1; infinite where J'J is singular."""
    scale = np.sqrt((slopes**2).sum(axis=0))
    if np.any(scale == 0):
        return np.full(slopes.shape[1], np.inf)
    values, vectors = np.linalg.eigh((slopes / scale).T @ (slopes / scale))
    if values[0] < 1e-14 * values[-1]:
        return np.full(slopes.shape[1], np.inf)
    spread = (vectors**2 / values).sum(axis=1)
    return np.sqrt(variance * spread) / scale
