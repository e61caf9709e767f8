"""Second modes: where a posterior may have mass that a proposal does not see.

A lesion that grew before treatment and then stayed flat is explained twice: by slow regrowth that
stands in for what did not shrink, or by fast growth that treatment stopped (kg large, F almost 0).
Modes found from one start, and nodes around them, never see the other explanation, and an effective
number of nodes cannot tell.

So proposals are held against candidates: points from the population and from what two measurements
alone would say of the rates. At a candidate c the weight w(c) = p(y, c) / q(c) is the likelihood L
wherever the proposal q follows the posterior; w(c) far above L means that q is too low there. From
such candidates a mode is looked for, and where its share of L is not negligible it gets a bell of
its own (incremental mixture importance sampling, Raftery & Bao 2010, Biometrics 66:1162).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from udfs.growth.candidates import APART, candidate_points, log_joint
from udfs.growth.kernels import proposal_density
from udfs.growth.modes import maximise
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Problem, Pulse, run_blocks
from udfs.growth.proposals import (
    N_BELLS,
    Parts,
    Proposal,
    make_proposal,
)
from udfs.growth.weights import cut_by_rows

ELEMENTS = 60_000
"""Rows times candidates of a block."""
SUSPECT = 3.0
"""log w(c) - log L from which a candidate's region is looked into: a weight of 20."""
LEAST_SHARE = 1e-3
"""Share of a lesion's likelihood from which a mode gets a bell of its own."""
FEWEST_NODES_THERE, LARGEST_UNSEEN = 10.0, 0.03
"""A mode counts as seen with so many nodes, as many as the proposal is expected to put there; and
where it leaves no more than this uncertain of a lesion's log-likelihood: its share over the root of
their number, or its share where there is less than one. 3 % are 0.06 of -2 log L, below the Monte
Carlo error of any fit."""
N_NEW = 2
"""New modes of a lesion at most."""


@dataclass(frozen=True)
class SecondModes:
    """Proposals with bells at second modes."""

    parts: Parts
    is_split: BoolArray
    """(n,) lesions that have a bell of their own for another mode."""


def with_second_modes(
    problem: Problem,
    population: Population,
    parts: Parts,
    *,
    threads: int,
    pool: ThreadPoolExecutor | None,
    pulse: Pulse | None = None,
) -> SecondModes:
    """Parts whose bells also stand where a second mode is, of the lesions that have one."""
    proposal = make_proposal(parts, population)
    new = _search(problem, population, proposal, threads, pool, pulse)
    is_split = np.zeros(problem.n_lesions, dtype=bool)
    is_split[new.lesions] = True
    if len(new.lesions) == 0:
        return SecondModes(parts, is_split)
    return SecondModes(parts.replaced(new.lesions, _split(parts.some(new.lesions), new)), is_split)


@dataclass(frozen=True)
class Reached:
    """What nodes of a proposal gave."""

    loglik: FloatArray
    """(n,) log-likelihood of each lesion, fit order."""
    n_nodes: IntArray
    """(n,) its nodes."""


def unseen_modes(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    reached: Reached,
    *,
    threads: int,
    pool: ThreadPoolExecutor | None,
    pulse: Pulse | None = None,
) -> IntArray:
    """Lesions with a mode at which too few nodes stood for its share (fit order)."""
    return _search(problem, population, proposal, threads, pool, pulse, reached).lesions


@dataclass(frozen=True)
class _NewModes:
    """Modes that a proposal does not see, of the k lesions that have one."""

    lesions: IntArray
    """(k,)"""
    phi: FloatArray
    """(p, k, N_NEW)"""
    spread: FloatArray
    """(k, N_NEW, p, p) inverse curvature."""
    is_new: BoolArray
    """(k, N_NEW)"""


def _search(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    threads: int,
    pool: ThreadPoolExecutor | None,
    pulse: Pulse | None,
    reached: Reached | None = None,
) -> _NewModes:
    tasks = _tasks(problem, population)
    found = run_blocks(
        lambda number: _suspects(problem, population, proposal, tasks[number], reached),
        len(tasks),
        threads,
        pool,
        pulse,
    )
    return _new_modes(
        problem,
        population,
        proposal,
        np.concatenate([one[0] for one in found]),
        np.concatenate([one[1] for one in found], axis=1),
        np.concatenate([one[2] for one in found]),
        reached,
    )


def _tasks(problem: Problem, population: Population) -> list[IntArray]:
    count = candidate_points(problem, population, np.arange(1)).shape[2]
    return cut_by_rows(problem, np.arange(problem.n_lesions), max(1, ELEMENTS // count))


def _log_weights(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    lesions: IntArray,
    phi: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """(n, R) log p(y, phi), and its difference to the log density of the proposal."""
    joint = log_joint(problem, population, lesions, phi)
    density = proposal_density(problem, proposal, lesions, phi)
    return joint, joint - np.log(np.maximum(density, 1e-300))


def _suspects(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    lesions: IntArray,
    reached: Reached | None,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Lesions of a block with a candidate of too high a weight, ``N_NEW`` starts each, log L: what
    nodes gave, or, before there were any, as the bells' centres have it."""
    centres = proposal.mean[:, :, lesions].transpose(1, 2, 0)
    points = np.concatenate([centres, candidate_points(problem, population, lesions)], axis=2)
    _, weight = _log_weights(problem, population, proposal, lesions, points)
    if reached is not None:
        level = reached.loglik[lesions]
    else:
        at_centres = weight[:, :N_BELLS]
        highest = at_centres.max(axis=1)
        level = highest + np.log(np.mean(np.exp(at_centres - highest[:, None]), axis=1))
    is_suspect = weight.max(axis=1) - level > SUSPECT
    some = np.flatnonzero(is_suspect)
    starts = _apart(points[:, some], weight[some], population.sd)
    return lesions[some], starts, level[some]


def _apart(points: FloatArray, weight: FloatArray, sd: FloatArray) -> FloatArray:
    """(p, n, N_NEW) points of the highest weights that lie apart."""
    left = weight.copy()
    at = np.arange(len(weight))
    chosen = []
    for _ in range(N_NEW):
        best = points[:, at, np.argmax(left, axis=1)]
        chosen.append(best)
        distance = np.abs((points - best[:, :, None]) / sd[:, None, None]).max(axis=0)
        left[distance < APART] = -np.inf
    return np.stack(chosen, axis=2)


def _new_modes(
    problem: Problem,
    population: Population,
    proposal: Proposal,
    lesions: IntArray,
    start: FloatArray,
    level: FloatArray,
    reached: Reached | None,
) -> _NewModes:
    """The modes that the (p, k, N_NEW) starts lead to, of lesions that have a new one of weight."""
    p, copies = len(start), start.shape[2]
    if len(lesions) == 0:
        none = np.zeros((0, copies, p, p))
        return _NewModes(lesions, start, none, np.zeros((0, copies), dtype=bool))
    typical = problem.design.mean(population.coefficients, lesions)
    phi, _, hessian, _ = maximise(
        problem,
        population,
        np.repeat(lesions, copies),
        start.reshape(p, -1),
        np.repeat(typical, copies, axis=1),
    )
    modes = phi.reshape(p, -1, copies)
    spread = np.linalg.inv(hessian)
    joint, weight = _log_weights(problem, population, proposal, lesions, modes)
    log_volume = 0.5 * (p * np.log(2.0 * np.pi) + np.linalg.slogdet(spread)[1])
    share = joint + log_volume.reshape(-1, copies) - level[:, None]
    surplus = weight - level[:, None]
    if reached is None:
        is_new = (share > np.log(LEAST_SHARE)) & (surplus > SUSPECT - 1.0)
    else:
        # The proposal has exp(-surplus) of the mode's share of L there.
        there = reached.n_nodes[lesions, None] * np.exp(np.minimum(share - surplus, 0.0))
        uncertain = share - 0.5 * np.log(np.maximum(there, 1.0))
        is_new = (there < FEWEST_NODES_THERE) & (uncertain > np.log(LARGEST_UNSEEN))
    same = np.abs((modes[:, :, 1] - modes[:, :, 0]) / population.sd[:, None]).max(axis=0) < APART
    is_new[:, 1] &= ~(same & is_new[:, 0])
    kept = is_new.any(axis=1)
    spread = spread.reshape(-1, copies, p, p)[kept]
    return _NewModes(lesions[kept], modes[:, kept], spread, is_new[kept])


def _split(parts: Parts, new: _NewModes) -> Parts:
    """Parts of the lesions that have new modes: the old whole, then a bell for each new mode."""
    whole_mean, whole = _whole(parts)
    mean, covariance = np.stack([whole_mean] * N_BELLS), np.stack([whole] * N_BELLS)
    for bell in range(N_NEW):
        here = np.flatnonzero(new.is_new[:, bell])
        mean[bell + 1][:, here] = new.phi[:, here, bell]
        covariance[bell + 1][:, :, here] = new.spread[here, bell].transpose(1, 2, 0)
    return Parts(mean, covariance)


def _whole(parts: Parts) -> tuple[FloatArray, FloatArray]:
    """(p, n) mean and (p, p, n) covariance of the parts together, each counted alike."""
    mean = parts.mean.mean(axis=0)
    off = parts.mean - mean
    covariance = parts.covariance.mean(axis=0) + np.einsum("kpn,kqn->pqn", off, off) / N_BELLS
    return mean, covariance
