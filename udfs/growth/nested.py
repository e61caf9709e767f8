"""Nested importance sums over patients and their lesions; see ``second_level``."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from udfs.growth.dropout import DropOut
from udfs.growth.information import Curvature, complete_gaussian
from udfs.growth.nested_pass import PatientPass
from udfs.growth.parameters import FloatArray
from udfs.growth.patient_nodes import PatientNodes, TwoLevelPoint
from udfs.growth.problem import Pulse, run_blocks
from udfs.growth.proposals import Nodes, Parts, joined_parts
from udfs.growth.result import GrowthFit
from udfs.growth.two_level_theta import (
    between_part,
    dropout_part,
    error_part,
    inner_theta,
)

PATIENTS_PER_BLOCK, FEW_NODES = 16, 100
"""With up to so many nodes per patient twice as many patients."""


@dataclass(frozen=True)
class PatientSums:
    """What one pass over all patients gives."""

    loglik: float
    patient_mean: FloatArray
    """(P, p) by patient."""
    patient_cov: FloatArray
    """(P, p, p)"""
    mean_phi: FloatArray
    """(n, p) fit order; NaN where a lesion's patient is in no group."""
    sd_phi: FloatArray
    """(n, p)"""
    score: FloatArray
    """(size,)"""
    missing: FloatArray
    """(size, size) sum over patients of the covariance of the complete score given the data."""
    by_design: FloatArray
    """(c, p) sum of x E[phi - u]'."""
    square: FloatArray
    """(p, p) sum of E[(phi - u)(phi - u)']."""
    between_square: FloatArray
    """(p,) sum over patients of E[u^2]."""
    error_curvature: FloatArray
    """(e, e)"""
    dropout_information: FloatArray
    """(d, d) complete information of the drop-out's parameters; (0, 0) without one."""
    parts: Parts | None = None
    """Of the lesions given all data of their patient, fit order; None if not asked for."""
    ess: FloatArray | None = None
    """(n,) effective nodes behind them."""


SUMS = (
    "loglik",
    "score",
    "missing",
    "by_design",
    "square",
    "between_square",
    "error_curvature",
    "dropout_information",
)
PER_PATIENT = ("patient_mean", "patient_cov")


def nested_sums(
    fit: GrowthFit,
    point: TwoLevelPoint,
    groups: Sequence[tuple[Nodes, PatientNodes]],
    threads: int,
    pool: ThreadPoolExecutor | None,
    pulse: Pulse | None = None,
    *,
    dropout: DropOut | None = None,
    is_rough: bool = False,
    with_parts: bool = False,
) -> PatientSums:
    """One pass over all patients.

    Args:
        groups: groups of patients, with the nodes of their lesions and their own; together they
            hold every patient that is to count, once.
        pulse: called now and then; may raise to interrupt.
        dropout: of all patients, where ``point`` holds its parameters. Patients without lesions
            count where the groups hold all the others.
        is_rough: weights in single precision, which is twice as quick: relative errors below 1e-5,
            a thousandth of the Monte Carlo error.
        with_parts: also what is known of each lesion given all data of its patient; the groups
            then hold all patients.
    """
    tasks = [
        (
            PatientPass(
                fit, point, nodes, where, dropout, is_rough=is_rough, with_parts=with_parts
            ),
            slice(start, start + per_block),
        )
        for nodes, where in groups
        for per_block in (PATIENTS_PER_BLOCK * (2 if where.u.shape[1] <= FEW_NODES else 1),)
        for start in range(0, len(where.members), per_block)
    ]
    done = run_blocks(partial(_run_task, tasks), len(tasks), threads, pool, pulse)
    total: dict[str, Any] = {name: done[0][name] for name in SUMS}
    for one in done[1:]:
        total = {name: total[name] + one[name] for name in SUMS}
    patients = np.argsort(np.concatenate([where.patients for _, where in groups]), kind="stable")
    total |= {name: np.concatenate([one[name] for one in done])[patients] for name in PER_PATIENT}
    total["loglik"] = float(total["loglik"])
    if dropout is not None and len(patients) == dropout.n_measured:
        total = _with_unmeasured(fit, point, dropout, total)
    n, p = fit.problem.n_lesions, fit.structure.p
    mean_phi, sd_phi = np.full((n, p), np.nan), np.full((n, p), np.nan)
    for one in done:
        mean_phi[one["lesions"]], sd_phi[one["lesions"]] = one["mean_phi"], one["sd_phi"]
    found = PatientSums(mean_phi=mean_phi, sd_phi=sd_phi, **total)
    if not with_parts:
        return found
    places = np.concatenate([one["lesions"] for one in done])
    ess = np.empty(n)
    ess[places] = np.concatenate([one["ess"] for one in done])
    return replace(found, parts=joined_parts([one["parts"] for one in done], places), ess=ess)


def _with_unmeasured(
    fit: GrowthFit, point: TwoLevelPoint, dropout: DropOut, total: dict[str, Any]
) -> dict[str, Any]:
    """The sums with those over patients without lesions."""
    more = None if point.dropout is None else dropout.unmeasured(point.between, point.dropout)
    if more is None:
        return total
    between, end = between_part(fit), error_part(fit).stop
    places = np.r_[between.start : between.stop, end : len(total["score"])]
    score, missing = total["score"].copy(), total["missing"].copy()
    score[places] += more.score
    missing[np.ix_(places, places)] += more.missing
    return total | {
        "loglik": total["loglik"] + more.loglik,
        "score": score,
        "missing": missing,
        "between_square": total["between_square"] + more.between_square,
        "dropout_information": total["dropout_information"] + more.information,
    }


def _run_task(tasks: list[tuple[PatientPass, slice]], number: int) -> dict[str, Any]:
    one_pass, patients = tasks[number]
    return one_pass.run(patients)


def nested_curvature(
    fit: GrowthFit,
    point: TwoLevelPoint,
    theta: FloatArray,
    sums: PatientSums,
    groups: Sequence[tuple[Nodes, PatientNodes]],
) -> Curvature:
    """Score and information of the two-level theta from the sums over the groups' patients."""
    lesions = np.concatenate([one for _, where in groups for one in where.members])
    between, error, dropout = between_part(fit), error_part(fit), dropout_part(fit, theta)
    start = between.start
    design = fit.problem.design.values[lesions]
    gaussian = complete_gaussian(
        fit.structure, inner_theta(fit, theta), design, sums.by_design, sums.square
    )
    complete = np.zeros((len(theta), len(theta)))
    complete[:start, :start] = gaussian
    places = np.arange(start, between.stop)
    complete[places, places] = 2.0 * sums.between_square / point.between**2
    complete[error, error] = -sums.error_curvature
    complete[dropout, dropout] = sums.dropout_information
    return Curvature(sums.score, complete - sums.missing, complete, np.zeros_like(complete))
