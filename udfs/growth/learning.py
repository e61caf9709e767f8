"""What chains say of lesions that importance nodes miss: parts for their proposals."""

from __future__ import annotations

import numpy as np

from udfs.growth.chains import BlockChain, Target
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Problem, Pulse
from udfs.growth.proposals import (
    N_BELLS,
    Parts,
    joined_parts,
    longest_axis,
    memberships,
    parts_from_sums,
)

N_ADAPT = 20
"""Sweeps in which the steps still adapt."""
AXIS_SHARE = 1 / 3
"""Share of the sweeps that find the longest axis; the others fill the parts."""
CHAINS_AGAIN, SWEEPS_AGAIN, LESIONS_AGAIN = 24, 80, 200
LARGEST_SHARE, FEWEST_AT_MOST = 0.02, 50
"""Share of lesions that are learnt anew at most (the worst; at least so many)."""


def worst_lesions(ess: FloatArray, least: float) -> BoolArray:
    """(n,) lesions with fewer than ``least`` effective nodes, no more than may be learnt anew."""
    most = max(FEWEST_AT_MOST, int(LARGEST_SHARE * len(ess)))
    is_worst = np.zeros(len(ess), dtype=bool)
    is_worst[np.argsort(ess, kind="stable")[:most]] = True
    return is_worst & (ess < least)


def learn_again(
    problem: Problem,
    population: Population,
    lesions: IntArray,
    seed: int,
    pulse: Pulse | None = None,
) -> Parts:
    """Parts of a few difficult lesions from many fresh chains each (a ``Parts`` of them alone)."""
    done = []
    for number, start in enumerate(range(0, len(lesions), LESIONS_AGAIN)):
        sequence = np.random.SeedSequence(seed, spawn_key=(2, number))
        rng = np.random.Generator(np.random.SFC64(sequence))
        some = np.repeat(lesions[start : start + LESIONS_AGAIN], CHAINS_AGAIN)
        chain = BlockChain(problem, some, rng)
        mean = problem.design.mean(population.coefficients, some)
        target = Target.at(population, mean)
        chain.start(target)
        for _ in range(SWEEPS_AGAIN):
            chain.sweep(target, 0.2)
        done.append(_block_parts(problem, population, chain, CHAINS_AGAIN, SWEEPS_AGAIN))
        if pulse is not None:
            pulse()
    return joined_parts(done, np.arange(len(lesions)))


def _block_parts(
    problem: Problem, population: Population, chain: BlockChain, copies: int, n_sweeps: int
) -> Parts:
    mean = problem.design.mean(population.coefficients, chain.lesions)
    target = Target.at(population, mean)
    chain.refresh(target)
    for _ in range(N_ADAPT):
        chain.sweep(target, 0.1)
    n_axis = max(10, round(AXIS_SHARE * n_sweeps))
    centre, covariance = _whole(chain, target, copies, n_axis)
    axis, sureness = longest_axis(covariance, population.sd)
    p, n = centre.shape
    weight = np.zeros((N_BELLS, n))
    first, second = np.zeros((N_BELLS, p, n)), np.zeros((N_BELLS, p, p, n))
    for _ in range(n_sweeps - n_axis):
        chain.sweep(target, 0.0)
        for copy in range(copies):
            off = chain.phi[:, copy::copies] - centre
            products = off[:, None] * off[None]
            for number, inside in enumerate(memberships((axis * off).sum(axis=0))):
                weight[number] += inside
                first[number] += off * inside
                second[number] += products * inside
    return parts_from_sums(weight, first, second, centre, sureness)


def _whole(
    chain: BlockChain, target: Target, copies: int, n_sweeps: int
) -> tuple[FloatArray, FloatArray]:
    """(p, n) mean and (p, p, n) covariance over some sweeps, all copies of a lesion together."""
    p, m = chain.phi.shape
    origin = chain.phi.copy()[:, ::copies]
    first, second = np.zeros((p, m // copies)), np.zeros((p, p, m // copies))
    for _ in range(n_sweeps):
        chain.sweep(target, 0.0)
        for copy in range(copies):
            off = chain.phi[:, copy::copies] - origin
            first += off
            second += off[:, None] * off[None]
    total = n_sweeps * copies
    mean = first / total
    return mean + origin, second / total - mean[:, None] * mean[None]
