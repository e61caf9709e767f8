"""Survival of new rows, with or without a known random effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from udfs.hazards.arrays import FloatArray, IntArray, Pair, dot, unit
from udfs.hazards.data import CoxData
from udfs.hazards.prior import Prior
from udfs.hazards.problem import CoxProblem, prepare
from udfs.hazards.result import CoxFit
from udfs.hazards.solver import PenalisedHessian, conjugate_gradients, snapshot
from udfs.threads import single_blas_thread

FrailtyKind = Literal["marginal", "zero", "group"]
NODES = 40
SOLVE = 1e-7


@dataclass(frozen=True)
class SurvivalPrediction:
    """Survival of m rows at q times."""

    time: FloatArray
    """(q,)"""
    survival: FloatArray
    """(m, q) probability of no event up to and with the time."""
    lower: FloatArray
    """(m, q) limits, from the log cumulative hazard's standard error."""
    upper: FloatArray
    log_hazard_se: FloatArray
    """(m, q) that standard error; NaN before the first event."""
    log_hazard: FloatArray
    """(m, q) log cumulative hazard (with ``marginal``, of a row with random effect 0)."""


@single_blas_thread
def predict_survival(
    data: CoxData,
    fit: CoxFit,
    rows: FloatArray,
    times: ArrayLike,
    *,
    frailty: FrailtyKind = "marginal",
    group: Sequence[Any] | None = None,
    stratum: Sequence[Any] | None = None,
    confidence: float = 0.95,
) -> SurvivalPrediction:
    """Survival curves of rows, which may be of patients that were not in the data.

        S(t | x, u) = exp(-H_stratum(t) exp(x'b + u))

    ``marginal`` averages S over u ~ N(0, s2): a patient of whom nothing is known. ``zero`` takes
    u = 0: the patient in the middle. ``group`` takes a known patient's predicted u.
    Limits are exp(-exp(log H + x'b + u -+ z se)), averaged over u where marginal; se comes from the
    inverse of the penalised information in coefficients and random effects and the jumps' own
    variance (Tsiatis, Ann Stat 1981, with the random effects as parameters); s2 is taken as known.
    After the last event of the stratum the curve is flat.

    Args:
        data: what was fitted.
        fit: the fit.
        rows: (m, p) columns, as from ``data.design.encode``.
        times: (q,) in the data's unit.
        frailty: which random effect.
        group: (m,) labels, for ``group``.
        stratum: (m,) labels; needed where the data has several strata.
        confidence: of the limits.

    Raises:
        ValueError: wrong shape, unknown group or stratum, or an unknown kind of random effect.
    """
    problem = prepare(data, fit.ties)
    at = np.asarray(times, dtype=float).ravel()
    rows = np.atleast_2d(np.asarray(rows, dtype=float))
    if rows.shape[1] != len(fit.coefficient):
        raise ValueError(f"rows has {rows.shape[1]} columns; the model has {len(fit.coefficient)}")
    if frailty not in get_args(FrailtyKind):
        raise ValueError(f"frailty is {frailty!r}; it is one of {', '.join(get_args(FrailtyKind))}")
    members = _members(problem, fit, frailty, group, len(rows))
    strata = _strata(problem, stratum, len(rows))
    effect = np.where(members >= 0, _active(problem, fit)[members], 0.0) if fit.variance else 0.0
    hazard = np.array([_cumulative(problem, fit, s, at) for s in strata])
    with np.errstate(divide="ignore"):
        log_hazard = np.log(hazard) + (rows @ fit.coefficient + effect)[:, None]
    error = _standard_errors(problem, fit, rows, members, strata, at)
    reach = float(ndtri((1 + confidence) / 2)) * np.nan_to_num(error)
    variance = fit.variance if frailty == "marginal" else 0.0
    return SurvivalPrediction(
        at,
        _survival(log_hazard, variance),
        _survival(log_hazard + reach, variance),
        _survival(log_hazard - reach, variance),
        error,
        log_hazard,
    )


def _survival(log_hazard: FloatArray, variance: float) -> FloatArray:
    if variance == 0:
        return np.exp(-np.exp(log_hazard))
    z, weight = np.polynomial.hermite.hermgauss(NODES)
    u = np.sqrt(2 * variance) * z
    return np.exp(-np.exp(log_hazard[..., None] + u)) @ (weight / np.sqrt(np.pi))


def _members(
    problem: CoxProblem, fit: CoxFit, frailty: str, group: Sequence[Any] | None, m: int
) -> IntArray:
    """(m,) each row's group among those ever at risk; -1 where it never was, or is not wanted."""
    none = np.full(m, -1)
    if frailty != "group":
        return none
    if group is None or len(group) != m:
        raise ValueError(f"frailty 'group' needs the group of each of the {m} rows")
    place = {label: k for k, label in enumerate(problem.group_labels[problem.active_groups])}
    known = set(problem.group_labels.tolist())
    for label in group:
        if label not in known:
            raise ValueError(
                f"group {label!r} is not in the data; predict a new one with frailty 'marginal'"
            )
    return none if fit.variance == 0 else np.array([place.get(label, -1) for label in group])


def _strata(problem: CoxProblem, stratum: Sequence[Any] | None, m: int) -> list[int]:
    labels = problem.stratum_labels.tolist()
    if stratum is None:
        if len(labels) > 1:
            raise ValueError(f"the data has {len(labels)} strata; name the stratum of each row")
        return [0] * m
    if len(stratum) != m:
        raise ValueError(f"{len(stratum)} strata are named for {m} rows")
    for label in stratum:
        if label not in labels:
            raise ValueError(f"stratum {label!r} is not in the data; it has {labels}")
    found = [labels.index(label) for label in stratum]
    for label, k in zip(stratum, found, strict=True):
        if _bounds(problem, k)[0] == _bounds(problem, k)[1]:
            raise ValueError(f"stratum {label!r} has no event, so its survival is not known")
    return found


def _active(problem: CoxProblem, fit: CoxFit) -> FloatArray:
    return fit.frailty.effect[problem.active_groups]


def _bounds(problem: CoxProblem, stratum: int) -> tuple[int, int]:
    start, stop = np.searchsorted(problem.index.point_stratum, [stratum, stratum + 1])
    return int(start), int(stop)


def _cumulative(problem: CoxProblem, fit: CoxFit, stratum: int, at: FloatArray) -> FloatArray:
    a, b = _bounds(problem, stratum)
    reached = np.searchsorted(fit.baseline.time[a:b], at, side="right")
    return np.concatenate([[0.0], fit.baseline.cumulative[a:b]])[reached]


def _standard_errors(
    problem: CoxProblem,
    fit: CoxFit,
    rows: FloatArray,
    members: IntArray,
    strata: list[int],
    at: FloatArray,
) -> FloatArray:
    """(m, q) of the log cumulative hazard: with H the cumulative baseline, z the row's columns and
    indicator of its group, and h the baseline's gradient, var = sum of jumps' variance / H^2 +
    (z - h/H)' I^-1 (z - h/H)."""
    columns = problem.columns
    scaled = (rows - columns.centre) / columns.scale
    b = fit.coefficient * columns.scale
    u = _active(problem, fit) if fit.variance else np.zeros(0)
    partial = problem.partial(b, u if len(u) else None)
    prior = Prior(fit.variance or 1.0)
    arrow = snapshot(problem, partial, with_groups=len(u) > 0).arrow(prior)
    hessian = PenalisedHessian(problem, partial, prior)

    def solved(v: Pair) -> Pair:
        return conjugate_gradients(hessian.times, arrow.solve, v, SOLVE)

    units = []
    for x, member in zip(scaled, members, strict=True):
        units.append((x, unit(len(u), member) if member >= 0 else np.zeros(len(u))))
    row_solves = [solved(v) for v in units]
    error = np.full((len(rows), len(at)), np.nan)
    for stratum in sorted(set(strata)):
        a, b_ = _bounds(problem, stratum)
        for q, time in enumerate(at):
            until = a + int(np.searchsorted(problem.index.point_time[a:b_], time, side="right"))
            if until == a:
                continue
            own = np.zeros(problem.index.n_points)
            own[a:until] = 1.0
            h, total, spread = _baseline_gradient(problem, partial, own, len(u) > 0)
            h_solved = solved(h)
            quadratic = dot(h, h_solved)
            for i in [i for i, s in enumerate(strata) if s == stratum]:
                z, zs = units[i], row_solves[i]
                inside = dot(z, zs) - 2 * dot(z, h_solved) / total + quadratic / total**2
                error[i, q] = np.sqrt(spread / total**2 + max(inside, 0.0))
    return error


def _baseline_gradient(
    problem: CoxProblem, partial: Any, own: NDArray[np.float64], with_groups: bool
) -> tuple[Pair, float, float]:
    """Minus the gradient of the cumulative baseline over the chosen points in (b, u), its value,
    and its variance at known (b, u); all in units of the shifted linear predictor."""
    index = problem.index
    weights = index.spread(partial.a2 * own)
    if partial.b2 is not None:
        weights[index.event_rows] -= (partial.b2 * own)[index.event_points]
    weights *= partial.risk
    gradient = problem.columns.transposed_times(weights)
    by_group = problem.by_group(weights) if with_groups else np.zeros(0)
    return (gradient, by_group), float(partial.a1 @ own), float(partial.a2 @ own)
