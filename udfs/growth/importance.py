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

from udfs.growth.likelihood import error_terms, loglik
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population, Structure
from udfs.growth.problem import Problem, run_blocks, sum_in_order
from udfs.growth.proposals import (
    N_BELLS,
    Nodes,
    Parts,
    Proposal,
    draw_nodes,
    joined_parts,
    longest_axis,
    part_of,
    parts_from_sums,
)

ELEMENTS_PER_BLOCK = 60_000
"""Rows times nodes of a block: its working arrays stay in a core's cache."""


@dataclass(frozen=True)
class Weighted:
    """Nodes of some lesions with their weights at a population point."""

    phi: FloatArray
    """(p, n, R)"""
    weight: FloatArray
    """(n, R) normalised to sum 1 per lesion."""
    loglik: FloatArray
    """(n,) log of the importance-sampled likelihood."""
    score: list[FloatArray]
    """Per error parameter (n, R) derivative of log p(y | phi); empty if not asked for."""
    curvature: list[list[FloatArray]]
    log_joint: FloatArray
    """(n, R) log p(y, phi)."""


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


@dataclass(frozen=True)
class NodeTerms:
    """Nodes of some lesions and what the data say of them."""

    phi: FloatArray
    """(p, n, R)"""
    density: FloatArray
    """(n, R) of the proposal."""
    loglik: FloatArray
    """(n, R) log p(y | phi)."""
    score: list[FloatArray]
    """Per error parameter (n, R) derivative of it; empty if not asked for."""
    curvature: list[list[FloatArray]]


def node_terms(
    problem: Problem,
    error: FloatArray,
    proposal: Proposal,
    nodes: Nodes,
    lesions: IntArray,
    *,
    with_derivatives: bool,
) -> NodeTerms:
    """Likelihood of the data at the nodes of some lesions (fit order)."""
    block = problem.block(lesions)
    phi, density = draw_nodes(problem, proposal, nodes, lesions)
    psi = [one.to_psi(phi[k]) for k, one in enumerate(problem.model.parameters)]
    if not with_derivatives:
        total = loglik(problem.model, problem.error, block, psi, error)
        return NodeTerms(phi, density, total, [], [])
    terms = error_terms(problem.model, problem.error, block, psi, error)
    return NodeTerms(phi, density, terms.loglik, terms.score, terms.curvature)


def weigh(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    nodes: Nodes,
    lesions: IntArray,
    *,
    with_derivatives: bool,
) -> Weighted:
    """Weights of the nodes of some lesions (fit order)."""
    data = node_terms(
        problem, population.error, proposal, nodes, lesions, with_derivatives=with_derivatives
    )
    phi, total = data.phi, data.loglik
    mean = problem.design.mean(population.coefficients, lesions)[:, :, None]
    total += log_population(phi - mean, population.omega)
    top = np.maximum(total.max(axis=1, keepdims=True), -1e300)
    weight = total - top
    np.exp(weight, out=weight)
    weight /= data.density
    sums = weight.sum(axis=1, keepdims=True)
    value = (top + np.log(np.maximum(sums, 1e-300) / nodes.count))[:, 0]
    weight *= 1.0 / np.maximum(sums, 1e-300)
    return Weighted(phi, weight, value, data.score, data.curvature, total)


def log_population(off: FloatArray, omega: FloatArray) -> FloatArray:
    """(...) log density of N(0, omega) at (p, ...) deviations."""
    p = len(off)
    precision = np.linalg.inv(omega)
    total = np.zeros(off.shape[1:])
    for k in range(p):
        total += precision[k, k] * off[k] * off[k]
        for other in range(k):
            if precision[k, other] != 0.0:
                total += (2.0 * precision[k, other]) * off[k] * off[other]
    total *= -0.5
    total -= 0.5 * (p * np.log(2.0 * np.pi) + np.linalg.slogdet(omega)[1])
    return total


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
        )
        parts.append(LesionMoments.joined(done, np.arange(sum(len(one[0]) for one in some))))
    return LesionMoments.joined(parts, np.argsort(np.concatenate([one[0] for one in tasks])))


def lesion_parts(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    nodes: Sequence[tuple[IntArray, Nodes]],
    moments: LesionMoments,
    *,
    threads: int,
    pool: ThreadPoolExecutor | None,
) -> Parts:
    """Parts of each lesion's posterior, to place the bells of the next proposal."""
    axis = longest_axis(moments.covariance.transpose(1, 2, 0), population.sd)
    tasks = tasks_of(problem, nodes)

    def parts(k: int) -> Parts:
        lesions, group = tasks[k]
        w = weigh(problem, population, proposal, group, lesions, with_derivatives=False)
        centre = moments.mean[lesions].T
        off = w.phi - centre[:, :, None]
        part = part_of(np.einsum("pn,pns->ns", axis[:, lesions], off))
        p, n, _ = off.shape
        weight = np.empty((N_BELLS, n))
        first, second = np.empty((N_BELLS, p, n)), np.empty((N_BELLS, p, p, n))
        for number in range(N_BELLS):
            inside = np.where(part == number, w.weight, 0.0)
            weight[number] = inside.sum(axis=1)
            scaled = off * inside
            first[number] = scaled.sum(axis=2)
            second[number] = np.einsum("pns,qns->pqn", scaled, off)
        return parts_from_sums(weight, first, second, centre)

    done = run_blocks(parts, len(tasks), threads, pool)
    return joined_parts(done, np.concatenate([lesions for lesions, _ in tasks]))


@dataclass(frozen=True)
class Likelihood:
    """-2 log-likelihood at a population point."""

    minus2ll: float
    mc_se: float
    """Monte Carlo standard error of ``minus2ll``, as if the nodes were independent: an upper
    bound, since low-discrepancy points do better."""
    n_nodes: int
    """Nodes per lesion."""
    by_lesion: FloatArray
    """(n,) log-likelihood of each lesion, fit order."""
    ess: FloatArray
    """(n,) effective number of nodes."""
    mean_psi: FloatArray
    """(n, p) conditional means on the natural scale."""
    sd_psi: FloatArray
    """(n, p) conditional standard deviations on the natural scale."""


def minus2_loglik(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    nodes: Sequence[tuple[IntArray, Nodes]],
    *,
    threads: int,
    pool: ThreadPoolExecutor | None,
) -> Likelihood:
    """-2 log-likelihood by importance sampling, with moments on the natural scale."""
    tasks = tasks_of(problem, nodes)

    def one(k: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        lesions, group = tasks[k]
        w = weigh(problem, population, proposal, group, lesions, with_derivatives=False)
        ess = 1.0 / np.maximum(np.einsum("ns,ns->n", w.weight, w.weight), 1e-300)
        mean, sd = np.empty((2, len(lesions), problem.n_parameters))
        for j, parameter in enumerate(problem.model.parameters):
            psi = parameter.to_psi(w.phi[j])
            mean[:, j] = np.einsum("ns,ns->n", w.weight, psi)
            off = psi - mean[:, j, None]
            off *= off
            sd[:, j] = np.sqrt(np.einsum("ns,ns->n", w.weight, off))
        return w.loglik, ess, mean, sd

    done = run_blocks(one, len(tasks), threads, pool)
    order = np.argsort(np.concatenate([lesions for lesions, _ in tasks]))
    by_lesion, ess, mean_psi, sd_psi = (
        np.concatenate([part[k] for part in done])[order] for k in range(4)
    )
    count = np.concatenate([np.full(len(lesions), group.count) for lesions, group in tasks])[order]
    variance = np.maximum(1.0 / ess - 1.0 / count, 0.0).sum()
    return Likelihood(
        -2.0 * float(np.sum(by_lesion)),
        2.0 * float(np.sqrt(variance)),
        int(count.min()),
        by_lesion,
        ess,
        mean_psi,
        sd_psi,
    )


def tasks_of(
    problem: Problem, nodes: Sequence[tuple[IntArray, Nodes]]
) -> list[tuple[IntArray, Nodes]]:
    """Blocks of lesions with their nodes; their limits do not depend on the threads."""
    return [
        (lesions, group)
        for members, group in nodes
        for lesions in cut_by_rows(problem, members, max(1, ELEMENTS_PER_BLOCK // group.count))
    ]


def cut_by_rows(problem: Problem, lesions: IntArray, rows: int) -> list[IntArray]:
    """Cut ascending lesions (fit order) into runs of at most ``rows`` rows, at least one lesion."""
    counts = problem.offsets[lesions + 1] - problem.offsets[lesions]
    ends = np.cumsum(counts)
    out = []
    start = 0
    while start < len(lesions):
        before = ends[start] - counts[start]
        stop = max(start + 1, int(np.searchsorted(ends, before + rows, "right")))
        out.append(lesions[start:stop])
        start = stop
    return out
