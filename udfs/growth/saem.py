"""A short SAEM run: from any start to the neighbourhood of the maximum.

Stochastic approximation EM (Delyon, Lavielle & Moulines 1999; Kuhn & Lavielle 2005): draw phi by a
sweep of each lesion's chains, move the sufficient statistics by gamma_k towards those of the draw,
maximise. Variances may fall only slowly at first (annealing). SAEM ends near the maximum, not at
it; ``newton`` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from udfs.growth.chains import BlockChain, Target
from udfs.growth.parameters import FloatArray
from udfs.growth.population import Population, Structure
from udfs.growth.problem import Problem, Pulse, run_blocks, sum_in_order

LESIONS_PER_BLOCK = 4096
ANNEALING = 0.95
"""Smallest ratio of a variance (or b) to its value one iteration before, while annealing."""
LARGEST_RISE = 1.2
"""Largest ratio of an error parameter to its value one iteration before, while annealing: chains
that have not found their lesions yet must not blow it up."""
STEP_POWER = 0.7
"""gamma_k = k^-0.7 while smoothing: forgets the exploration faster than 1/k."""
SMALLEST_SD = 1e-3
LARGEST_SD = 30.0


@dataclass(frozen=True)
class Statistics:
    """Complete-data sufficient statistics, means over the chains."""

    by_design: FloatArray
    """(c, p) sum over lesions of x phi'."""
    square: FloatArray
    """(p, p) sum over lesions of phi phi'."""
    residual: float
    """Mean over rows of E[r^2] times the squared scale (b^2 or a^2)."""

    def towards(self, other: Statistics, gamma: float) -> Statistics:
        """Move by the share gamma."""
        return Statistics(
            self.by_design + gamma * (other.by_design - self.by_design),
            self.square + gamma * (other.square - self.square),
            self.residual + gamma * (other.residual - self.residual),
        )


@dataclass(frozen=True)
class SaemRun:
    """Where SAEM ended."""

    theta: FloatArray
    """Mean of the last iterates."""
    trace: FloatArray
    """(iterations, size) theta of each iteration."""


def make_chains(problem: Problem, chains_per_lesion: int, seed: int) -> list[BlockChain]:
    """One BlockChain per fixed run of lesions, each with its own random stream."""
    per_block = max(1, LESIONS_PER_BLOCK // chains_per_lesion)
    out = []
    for number, start in enumerate(range(0, problem.n_lesions, per_block)):
        lesions = np.arange(start, min(start + per_block, problem.n_lesions))
        sequence = np.random.SeedSequence(seed, spawn_key=(0, number))
        rng = np.random.Generator(np.random.SFC64(sequence))
        out.append(BlockChain(problem, np.repeat(lesions, chains_per_lesion), rng))
    return out


def run_saem(
    problem: Problem,
    structure: Structure,
    start: Population,
    chains: list[BlockChain],
    *,
    n_warm: int,
    n_explore: int,
    n_smooth: int,
    n_average: int,
    threads: int,
    pool: ThreadPoolExecutor | None,
    on_iteration: Callable[[int, Population], None],
    pulse: Pulse | None = None,
) -> SaemRun:
    """Iterate; ``on_iteration`` is called after each and may raise to interrupt."""
    population = start
    statistics: Statistics | None = None
    trace = []
    copies = sum(len(one.lesions) for one in chains) // problem.n_lesions
    _warm_up(problem, population, chains, n_warm, pulse)
    for iteration in range(n_explore + n_smooth):
        smoothing = iteration - n_explore + 1
        gamma = 1.0 if smoothing <= 1 else smoothing**-STEP_POWER
        adaptation = 0.4 if iteration < n_explore else 0.1
        parts = run_blocks(
            partial(_advance, problem, population, chains, adaptation), len(chains), threads, pool
        )
        drawn, score, information = _gather(problem, population, parts, copies)
        statistics = drawn if statistics is None else statistics.towards(drawn, gamma)
        updated = _maximise(structure, statistics, problem.n_lesions, population)
        if problem.error.kind == "combined":
            updated = _scored_error(updated, population, score, information, gamma)
        if iteration < n_explore * 3 // 4:
            updated = _anneal(updated, population)
        population = updated
        trace.append(structure.pack(population))
        on_iteration(iteration + 1, population)
    history = np.array(trace)
    return SaemRun(history[-n_average:].mean(axis=0), history)


def _warm_up(
    problem: Problem,
    population: Population,
    chains: list[BlockChain],
    n_sweeps: int,
    pulse: Pulse | None = None,
) -> None:
    """Start the chains at their lesions' typical phi and let them find the data."""
    for one in chains:
        target = _target(problem, population, one)
        one.start(target)
        for _ in range(n_sweeps):
            one.sweep(target, 0.4)
        if pulse is not None:
            pulse()


def _target(problem: Problem, population: Population, chain: BlockChain) -> Target:
    return Target.at(population, problem.design.mean(population.coefficients, chain.lesions))


def _advance(
    problem: Problem,
    population: Population,
    chains: list[BlockChain],
    adaptation: float,
    number: int,
) -> list[FloatArray]:
    """One sweep of a block; the sums over its chains that the M-step needs."""
    chain = chains[number]
    target = _target(problem, population, chain)
    chain.refresh(target)
    chain.sweep(target, adaptation)
    residual, score, information = chain.error_statistic(target)
    return [
        np.einsum("nc,pn->cp", problem.design.values[chain.lesions], chain.phi),
        np.einsum("pn,qn->pq", chain.phi, chain.phi),
        np.array([residual]),
        score,
        information,
    ]


def _gather(
    problem: Problem, population: Population, parts: list[list[FloatArray]], copies: int
) -> tuple[Statistics, FloatArray, FloatArray]:
    """Statistics, score and information of the error parameters, per lesion's one chain."""
    by_design, square, residual, score, information = (
        sum_in_order([part[k] for part in parts]) / copies for k in range(5)
    )
    mean_square = float(population.error[-1]) ** 2 * float(residual[0]) / problem.n_rows
    return Statistics(by_design, square, mean_square), score, information


def _maximise(
    structure: Structure, statistics: Statistics, n_lesions: int, now: Population
) -> Population:
    """M-step: fixed effects by generalised least squares, omega, then b or a."""
    coefficients = _fixed_effects(structure, statistics, now)
    cross = statistics.by_design.T @ coefficients
    moments = structure.design.values.T @ structure.design.values
    omega = (
        statistics.square - cross - cross.T + coefficients.T @ moments @ coefficients
    ) / n_lesions
    sd = np.clip(np.sqrt(np.maximum(np.diag(omega), 0.0)), SMALLEST_SD, LARGEST_SD)
    if structure.omega_kind == "diagonal":
        omega = np.diag(sd**2)
    else:
        correlation = omega / np.sqrt(np.outer(np.diag(omega), np.diag(omega)))
        correlation = np.clip(correlation, -0.99, 0.99)
        np.fill_diagonal(correlation, 1.0)
        omega = nearest_covariance(correlation * np.outer(sd, sd))
    error = now.error
    if structure.error.kind != "combined":
        error = np.array([np.sqrt(max(statistics.residual, 1e-12))])
    return Population(coefficients, omega, error)


def nearest_covariance(covariance: FloatArray) -> FloatArray:
    """The matrix with its eigenvalues floored at 1e-4 of the largest."""
    values, vectors = np.linalg.eigh(covariance)
    floored = np.maximum(values, 1e-4 * values[-1])
    return (vectors * floored) @ vectors.T


def _fixed_effects(structure: Structure, statistics: Statistics, now: Population) -> FloatArray:
    """(c, p) coefficients that maximise the Gaussian likelihood of phi."""
    column, parameter = structure.effect_places
    precision = np.linalg.inv(now.omega)
    moments = structure.design.values.T @ structure.design.values
    left = moments[np.ix_(column, column)] * precision[np.ix_(parameter, parameter)]
    right = (statistics.by_design @ precision)[column, parameter]
    coefficients = np.zeros(structure.design.mask.shape)
    coefficients[column, parameter] = np.linalg.solve(left, right)
    return coefficients


def _scored_error(
    updated: Population,
    now: Population,
    score: FloatArray,
    information: FloatArray,
    gamma: float,
) -> Population:
    """Combined error: one stochastic scoring step on (log a, log b)."""
    safe = information + 1e-3 * np.trace(information) * np.eye(len(information))
    step = np.clip(np.linalg.solve(safe, score), -0.5, 0.5)
    return Population(updated.coefficients, updated.omega, now.error * np.exp(gamma * step))


def _anneal(updated: Population, before: Population) -> Population:
    """Let no variance fall faster than the annealing rate."""
    floor = np.sqrt(ANNEALING) * before.sd
    grow = np.maximum(floor / updated.sd, 1.0)
    error = np.clip(updated.error, np.sqrt(ANNEALING) * before.error, LARGEST_RISE * before.error)
    return Population(updated.coefficients, updated.omega * np.outer(grow, grow), error)
