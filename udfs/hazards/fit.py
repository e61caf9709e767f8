"""Fitting the mixed-effects Cox model."""

from __future__ import annotations

import numpy as np

from udfs.hazards.arrays import FloatArray
from udfs.hazards.data import CoxData
from udfs.hazards.estimate import (
    MAX_STANDARD_ERROR,
    Estimate,
    Options,
    estimate,
    variance_interval,
)
from udfs.hazards.objective import Uncertainty
from udfs.hazards.prior import Prior
from udfs.hazards.problem import CoxProblem, prepare
from udfs.hazards.result import Baseline, CoxFit, Frailty
from udfs.hazards.solver import coefficient_covariance, snapshot
from udfs.threads import single_blas_thread

LARGE_VARIANCE = 25.0
"""Of two groups one standard deviation apart, one has 150 times the hazard of the other."""


@single_blas_thread
def fit_cox(data: CoxData, options: Options | None = None) -> CoxFit:
    """Fit a Cox model with a Gaussian random intercept per group.

        hazard_i(t) = h_stratum(t) exp(offset_i + x_i'b + u_group),  u ~ N(0, s2) independent

    s2 maximises the integrated partial likelihood; b and u maximise the penalised one at s2 (with
    ``aghq``, b maximises the integrated one). Where the data has no groups, or the variance is
    given as 0, this is the ordinary Cox model. Rows given in another order give the same numbers to
    the last bit, and so does any number of BLAS threads.

    Left truncation is taken as in every counting-process fit: a group's effect is distributed as
    N(0, s2) among those that enter.

    Sources: Ripatti and Palmgren, Biometrics 2000; Therneau, Grambsch and Pankratz, JCGS 2003.

    Args:
        data: rows, from ``cox_data``.
        options: how to fit.

    Raises:
        TermError: a level without events, a constant column, collinear terms, or (with a random
            effect) a column that separates the events; names it and says what to do.
        NoRepetitionError: a group variable with one row per group.
    """
    chosen = options or Options()
    problem = prepare(data, chosen.ties)
    return complete_fit(problem, chosen, estimate(problem, chosen))


def complete_fit(problem: CoxProblem, options: Options, found: Estimate) -> CoxFit:
    """Standard errors, interval, random effects and baseline of an estimate."""
    limits = (np.nan, np.nan)
    if found.profile is not None and options.variance is None and options.interval:
        limits = variance_interval(found, options.confidence)
    uncertainty = _uncertainty(problem, found)
    scale = problem.columns.scale
    b = found.fixed.b if found.best is None else found.best.b
    coefficient = b / scale
    standard = np.sqrt(np.diag(uncertainty.coefficients))
    diverging = [
        f"{term}: {label}"
        for (term, label), s in zip(problem.design.columns, standard, strict=True)
        if not s < MAX_STANDARD_ERROR
    ]
    has_effect = found.profile is not None
    best, fixed = found.best, found.fixed
    naive_jumps = fixed.partial.a1 * np.exp(-fixed.partial.shift)
    jumps = naive_jumps if best is None else best.baseline
    return CoxFit(
        method=options.method if has_effect else "naive",
        ties=options.ties,
        determinant=found.profile.objective.kind if found.profile is not None else "none",
        columns=problem.design.columns,
        references=tuple(t.reference for t in problem.design.terms for _ in t.labels),
        coefficient=coefficient,
        covariance=uncertainty.coefficients / np.outer(scale, scale),
        variance=found.variance,
        variance_lower=limits[0],
        variance_upper=limits[1],
        confidence=options.confidence,
        is_variance_given=options.variance is not None,
        is_boundary=has_effect and best is None,
        is_converged=found.is_converged and not diverging,
        loglik_null=found.null.loglik,
        loglik_fixed=fixed.loglik_penalized,
        loglik_integrated=found.loglik,
        loglik_penalized=fixed.loglik_penalized if best is None else best.loglik_penalized,
        frailty=_frailty(problem, found, uncertainty.u_variance),
        baseline=_baseline(problem, jumps * np.exp(-float(problem.columns.centre @ coefficient))),
        n_rows=problem.data.n_rows,
        n_events=int(problem.data.event.sum()),
        n_groups=len(problem.group_labels),
        n_strata=len(problem.stratum_labels),
        n_points=problem.index.n_points,
        n_evaluations=0 if found.profile is None else len(found.profile.values),
        notes=_notes(found, diverging),
    )


def _uncertainty(problem: CoxProblem, found: Estimate) -> Uncertainty:
    if found.best is not None and found.profile is not None:
        return found.profile.objective.uncertainty(found.best)
    partial = found.fixed.partial
    arrow = snapshot(problem, partial, with_groups=False).arrow(Prior(1.0))
    covariance, _ = coefficient_covariance(problem, partial, Prior(1.0), arrow)
    return Uncertainty(covariance, np.zeros(problem.n_groups))


def _frailty(problem: CoxProblem, found: Estimate, u_variance: FloatArray) -> Frailty:
    n_all = len(problem.group_labels)
    effect, sd = np.zeros(n_all), np.full(n_all, np.sqrt(found.variance))
    if found.best is not None:
        effect[problem.active_groups] = found.best.u
        sd[problem.active_groups] = np.sqrt(u_variance)
    return Frailty(problem.group_labels, effect, sd)


def _baseline(problem: CoxProblem, hazard: FloatArray) -> Baseline:
    index = problem.index
    cumulative = np.empty_like(hazard)
    for a, b in index.bounds:
        cumulative[a:b] = np.cumsum(hazard[a:b])
    labels = problem.stratum_labels[index.point_stratum]
    return Baseline(labels, index.point_time, hazard, cumulative)


def _notes(found: Estimate, diverging: list[str]) -> tuple[str, ...]:
    notes = []
    if found.profile is not None and found.best is None:
        notes.append("the likelihood is highest at variance 0: fitted without random effect")
    if found.variance > LARGE_VARIANCE:
        notes.append(
            f"variance {found.variance:.3g} is very large: groups have hardly an event each, or "
            "events and censoring do not mix within groups"
        )
    if diverging:
        notes.append(
            f"no maximum in {', '.join(diverging)}: the coefficient diverges, since the events "
            "fall on one side of it; merge or leave out"
        )
    if not found.is_converged:
        notes.append("did not converge")
    return tuple(notes)
