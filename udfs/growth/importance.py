"""The likelihood by importance sampling, with its score and Louis' information.

For lesion i and nodes phi_s ~ q_i, weights w_s = p(y_i | phi_s) p(phi_s; theta) / q_i(phi_s):

- L_i(theta) = mean of w;
- score: E[d log p(y_i, phi; theta) | y_i], the weighted mean of the complete-data score (Fisher);
- observed information: E[-complete Hessian | y_i] - Var(complete score | y_i) (Louis 1982);
- conditional mean and covariance of phi.

For fixed nodes all of it is a smooth, deterministic function of theta.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population, Structure
from udfs.growth.problem import Problem, Pulse, run_blocks, sum_in_order
from udfs.growth.proposals import (
    N_BELLS,
    Nodes,
    Parts,
    Proposal,
    joined_parts,
    longest_axis,
    memberships,
    parts_from_sums,
)
from udfs.growth.weights import tasks_of, weigh

PER_LESION = ("loglik", "ess", "n_nodes", "mean", "covariance", "best", "features")
SUMS = ("spread", "noise", "error_curvature")
BLOCKS_AT_ONCE = 64
"""Results of so many blocks are held before they are added up."""


@dataclass(frozen=True)
class LesionMoments:
    """What one pass over the nodes gives per lesion; arrays in fit order."""

    loglik: FloatArray
    """(n,)"""
    ess: FloatArray
    """(n,) effective number of nodes, 1 / sum of squared weights."""
    n_nodes: IntArray
    """(n,)"""
    mean: FloatArray
    """(n, p) conditional mean of phi."""
    covariance: FloatArray
    """(n, p, p) conditional covariance of phi."""
    best: FloatArray
    """(n, p) node of the highest posterior density."""
    features: FloatArray
    """(n, f) conditional means of what the score is linear in: the deviations of phi from its
    typical value (p), their squares (or all products, with a full omega), and the derivatives of
    log p(y | phi) in the log error parameters."""
    spread: FloatArray
    """(c, c, f, f) sum over lesions of x x' times the conditional covariance of the features."""
    noise: FloatArray
    """(c, c, f, f) the same of the Monte Carlo covariance of ``features``."""
    error_curvature: FloatArray
    """(e, e) sum of the conditional means of the second derivatives in the log error parameters."""

    @property
    def total(self) -> float:
        """Log-likelihood of all lesions."""
        return float(np.sum(self.loglik))

    def changed(
        self, lesions: IntArray, before: LesionMoments, after: LesionMoments
    ) -> LesionMoments:
        """With those of some lesions (ascending), ``before``, replaced by ``after``."""
        arrays: dict[str, Any] = {}
        for name in PER_LESION:
            arrays[name] = getattr(self, name).copy()
            arrays[name][lesions] = getattr(after, name)
        sums: dict[str, Any] = {
            name: getattr(self, name) - getattr(before, name) + getattr(after, name)
            for name in SUMS
        }
        return LesionMoments(**arrays, **sums)

    @staticmethod
    def joined(parts: Sequence[LesionMoments], order: IntArray) -> LesionMoments:
        """Parts one after the other, their lesions then put into ``order``."""
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])[order]
            for name in PER_LESION
        }
        sums: dict[str, Any] = {
            name: sum_in_order([getattr(part, name) for part in parts]) for name in SUMS
        }
        return LesionMoments(**arrays, **sums)


def _moments(
    structure: Structure,
    problem: Problem,
    population: Population,
    proposal: Proposal,
    nodes: Nodes,
    lesions: IntArray,
) -> LesionMoments:
    w = weigh(problem, population, proposal, nodes, lesions, with_derivatives=True)
    p, n, count = w.phi.shape
    mean = problem.design.mean(population.coefficients, lesions)[:, :, None]
    rows, columns = structure.lower
    n_error = len(w.score)
    features = np.empty((n, p + len(rows) + n_error, count))
    for k in range(p):
        np.subtract(w.phi[k], mean[k], out=features[:, k])
    for place, (k, other) in enumerate(zip(rows, columns, strict=True)):
        np.multiply(features[:, k], features[:, other], out=features[:, p + place])
    for place, one in enumerate(w.score):
        features[:, p + len(rows) + place] = one
    weighted = features * w.weight[:, None, :]
    expected = weighted.sum(axis=2)
    second = np.matmul(weighted, features.transpose(0, 2, 1))
    covariance = second - expected[:, :, None] * expected[:, None, :]
    squares = np.matmul(weighted, weighted.transpose(0, 2, 1))
    weighted *= w.weight[:, None, :]
    ess = 1.0 / np.maximum(np.einsum("ns,ns->n", w.weight, w.weight), 1e-300)
    cross = weighted.sum(axis=2)[:, :, None] * expected[:, None, :]
    error = squares - cross - cross.transpose(0, 2, 1)
    error += expected[:, :, None] * expected[:, None, :] / ess[:, None, None]
    curvature = np.empty((n_error, n_error))
    for k in range(n_error):
        for other in range(k + 1):
            value = np.einsum("ns,ns->", w.weight, w.curvature[k][other])
            curvature[k, other] = curvature[other, k] = value
    design = problem.design.values[lesions]
    best = np.argmax(w.log_joint, axis=1)
    return LesionMoments(
        loglik=w.loglik,
        ess=ess,
        n_nodes=np.full(n, count),
        mean=expected[:, :p] + mean[:, :, 0].T,
        covariance=covariance[:, :p, :p],
        best=w.phi[:, np.arange(n), best].T,
        features=expected,
        spread=_over_design(design, covariance),
        noise=_over_design(design, error),
        error_curvature=curvature,
    )


def _over_design(design: FloatArray, matrices: FloatArray) -> FloatArray:
    """(c, c, f, f) sum over lesions of x x' times (n, f, f) matrices, for an (n, c) design."""
    n, c = design.shape
    products = (design[:, :, None] * design[:, None, :]).reshape(n, c * c)
    sums = products.T @ matrices.reshape(n, -1)
    return sums.reshape(c, c, *matrices.shape[1:])


def _task_moments(
    structure: Structure,
    problem: Problem,
    population: Population,
    proposal: Proposal,
    tasks: list[tuple[IntArray, Nodes]],
    number: int,
) -> LesionMoments:
    lesions, nodes = tasks[number]
    return _moments(structure, problem, population, proposal, nodes, lesions)


def lesion_moments(
    structure: Structure,
    problem: Problem,
    population: Population,
    proposal: Proposal,
    nodes: Sequence[tuple[IntArray, Nodes]],
    *,
    threads: int,
    pool: ThreadPoolExecutor | None,
    pulse: Pulse | None = None,
) -> LesionMoments:
    """One pass over all lesions.

    Args:
        nodes: groups of lesions (fit order, ascending) with the nodes each group uses; together
            they hold every lesion once.
    """
    tasks = tasks_of(problem, nodes)
    parts = []
    for first in range(0, len(tasks), BLOCKS_AT_ONCE):
        some = tasks[first : first + BLOCKS_AT_ONCE]
        done = run_blocks(
            partial(_task_moments, structure, problem, population, proposal, some),
            len(some),
            threads,
            pool,
            pulse,
        )
        parts.append(LesionMoments.joined(done, np.arange(sum(len(one[0]) for one in some))))
    return LesionMoments.joined(parts, np.argsort(np.concatenate([one[0] for one in tasks])))


def lesion_parts(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    nodes: Sequence[tuple[IntArray, Nodes]],
    *,
    threads: int,
    pool: ThreadPoolExecutor | None,
    pulse: Pulse | None = None,
) -> tuple[Parts, FloatArray]:
    """Parts of the posteriors of the groups' lesions, to place the bells of the next proposal.

    Returns:
        The parts, and the (k,) effective numbers of nodes behind them; lesions ascending.
    """
    tasks = tasks_of(problem, nodes)

    def parts(number: int) -> tuple[Parts, FloatArray]:
        lesions, group = tasks[number]
        w = weigh(problem, population, proposal, group, lesions, with_derivatives=False)
        return parts_of(w.phi, w.weight, population.sd), effective_nodes(w.weight)

    done = run_blocks(parts, len(tasks), threads, pool, pulse)
    places = np.argsort(np.argsort(np.concatenate([lesions for lesions, _ in tasks])))
    ess = np.empty(len(places))
    ess[places] = np.concatenate([one for _, one in done])
    return joined_parts([one for one, _ in done], places), ess


def parts_of(phi: FloatArray, weight: FloatArray, sd: FloatArray) -> Parts:
    """Parts of the posteriors that the weights of some lesions' nodes describe.

    Args:
        phi: (p, n, R) nodes.
        weight: (n, R) 1 in all per lesion.
        sd: (p,) units of the parameters, in which the longest axis is looked for.
    """
    p, n, _ = phi.shape
    centre = np.einsum("ns,pns->pn", weight, phi)
    off = phi - centre[:, :, None]
    covariance = np.einsum("ns,pns,qns->pqn", weight, off, off, optimize=True)
    axis, sureness = longest_axis(covariance, sd)
    share = memberships(np.einsum("pn,pns->ns", axis, off))
    share *= weight
    first, second = np.empty((N_BELLS, p, n)), np.empty((N_BELLS, p, p, n))
    for number, inside in enumerate(share):
        scaled = off * inside
        first[number] = scaled.sum(axis=2)
        second[number] = np.einsum("pns,qns->pqn", scaled, off)
    return parts_from_sums(share.sum(axis=2), first, second, centre, sureness)


def effective_nodes(weight: FloatArray) -> FloatArray:
    """(n,) effective numbers of nodes, 1 / sum w^2, of (n, R) weights with sum 1."""
    return np.asarray(1.0 / np.einsum("ns,ns->n", weight, weight), dtype=np.float64)
