"""Importance nodes of lesions and their weights.

For lesion i and nodes phi_s ~ q_i the weights are w_s = p(y_i | phi_s) p(phi_s; theta) /
q_i(phi_s): their mean is the likelihood, weighted means are conditional expectations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from udfs.growth.kernels import draw_nodes, error_terms_at, kernels, loglik_at, weights_of
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Problem
from udfs.growth.proposals import Nodes, Proposal

ELEMENTS_PER_BLOCK = 60_000
"""Rows times nodes of a block: its working arrays stay in a core's cache."""
ELEMENTS_OF_LOOPS = 240_000
"""The same where compiled loops work through a lesion at a time."""


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
    if not with_derivatives:
        return NodeTerms(phi, density, loglik_at(problem, block, phi, error), [], [])
    terms = error_terms_at(problem, block, phi, error)
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
    weight, value = weights_of(problem, population, lesions, data.phi, data.density, data.loglik)
    return Weighted(data.phi, weight, value, data.score, data.curvature, data.loglik)


def tasks_of(
    problem: Problem, nodes: Sequence[tuple[IntArray, Nodes]]
) -> list[tuple[IntArray, Nodes]]:
    """Blocks of lesions with their nodes; their limits do not depend on the threads."""
    elements = ELEMENTS_PER_BLOCK if kernels(problem) is None else ELEMENTS_OF_LOOPS
    return [
        (lesions, group)
        for members, group in nodes
        for lesions in cut_by_rows(problem, members, max(1, elements // group.count))
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
