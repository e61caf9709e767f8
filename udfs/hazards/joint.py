"""What two models of the same patients share in error, without fitting either again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.hazards.arrays import FloatArray, unit
from udfs.hazards.data import CoxData
from udfs.hazards.partial import Partial
from udfs.hazards.problem import CoxProblem, prepare
from udfs.hazards.result import CoxFit
from udfs.threads import single_blas_thread


@single_blas_thread
def score_residuals(data: CoxData, fit: CoxFit) -> tuple[NDArray[Any], FloatArray]:
    """What each group adds to the score of the coefficients, at the fit.

        s_k = sum over rows i of group k of  integral (x_i - mean_t x) dM_i(t)

    M_i is the row's martingale, with the random effects in the linear predictor; the mean is that
    of the rows at risk, weighted by their hazards. The s_k sum to 0.

    Source: Lin and Wei, JASA 1989.

    Args:
        data: what was fitted, with groups.
        fit: the fit.

    Returns:
        (K,) labels of the groups ever at risk, sorted, and (K, p) residuals per unit of the
        coefficients.

    Raises:
        ValueError: the data has no groups.
    """
    if data.group is None:
        raise ValueError("score residuals are by group, and the data has none")
    problem = prepare(data, fit.ties)
    effect = fit.frailty.effect[problem.active_groups] if fit.variance else None
    partial = problem.partial(fit.coefficient * problem.columns.scale, effect)
    residual = np.stack(
        [problem.by_group(_column(problem, partial, j)) for j in range(problem.n_columns)], axis=1
    )
    return problem.group_labels[problem.active_groups], residual * problem.columns.scale


def joint_covariance(first: tuple[CoxData, CoxFit], second: tuple[CoxData, CoxFit]) -> FloatArray:
    """(p_first, p_second) covariance of two models' coefficients, through the groups in both.

        V_1 (sum over groups k of s_1k s_2k') V_2

    with V the models' covariances and s their score residuals. Without random effects these are
    the off-diagonal blocks of Wei, Lin and Weissfeld (JASA 1989).

    Args:
        first: a model's data and fit.
        second: another's; group labels say which patients are the same.

    Raises:
        ValueError: the data has no groups.
    """
    (labels, s), (others, t) = score_residuals(*first), score_residuals(*second)
    _, i, j = np.intersect1d(labels, others, assume_unique=True, return_indices=True)
    return np.asarray(first[1].covariance @ (s[i].T @ t[j]) @ second[1].covariance, dtype=float)


def _column(problem: CoxProblem, partial: Partial, j: int) -> FloatArray:
    """(n,) each row's score residual in one column, in the solver's units."""
    index = problem.index
    x = problem.columns.times(unit(problem.n_columns, j))
    risk, f, point = partial.risk, index.jump_fraction, index.jump_point
    total = index.risk_sum(risk)[point] - f * index.event_sum(risk)[point]
    weighted = index.risk_sum(risk * x)[point] - f * index.event_sum(risk * x)[point]
    mean = weighted / total
    rate = index.jump_weight / total
    # The integral of the mean over the row's hazard: an event counts by 1 - f at its own jumps.
    drift = index.spread(np.add.reduceat(rate * mean, index.jump_starts))
    at_event = np.add.reduceat(f * rate * mean, index.jump_starts)
    drift[index.event_rows] -= at_event[index.event_points]
    residual = risk * drift - x * partial.expected
    n_jumps = np.diff(np.append(index.jump_starts, len(point)))
    average = np.add.reduceat(mean, index.jump_starts) / n_jumps
    rows, points = index.event_rows, index.event_points
    residual[rows] += index.event_weight[rows] * (x[rows] - average[points])
    return residual
