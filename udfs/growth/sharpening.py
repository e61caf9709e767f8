"""Proposals that depend on a population point and on nothing else.

Bells around each lesion's mode, then around what weighted nodes say of its posterior, seen again
from there with the same nodes. All steps are continuous: two fits that come to nearly the same
point from different starts get nearly the same proposals, nodes and Monte Carlo errors, and their
estimates differ by far less than these errors.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from udfs.growth.importance import lesion_parts
from udfs.growth.modes import maximise
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Problem, Pulse, run_blocks
from udfs.growth.proposals import N_BELLS, Nodes, Parts, make_proposal

AWAY = 2.0
"""Standard deviations from the typical lesion at which the search for modes also starts."""
LESIONS_PER_BLOCK = 1500


def parts_around_modes(
    problem: Problem,
    population: Population,
    near: FloatArray | None,
    *,
    threads: int,
    pool: ThreadPoolExecutor | None,
    pulse: Pulse | None = None,
) -> Parts:
    """Bells around the mode of each lesion, as wide as the curvature there says.

    Args:
        near: (p, n) Gaussian values, fit order, from which each lesion's mode is looked for; None
            takes the best of several starts.
    """
    n, p = problem.n_lesions, problem.n_parameters
    lesions = np.arange(n)
    tasks = [lesions[k : k + LESIONS_PER_BLOCK] for k in range(0, n, LESIONS_PER_BLOCK)]

    def block(number: int) -> tuple[FloatArray, FloatArray]:
        some = tasks[number]
        start = None if near is None else near[:, some, None]
        return _block_modes(problem, population, some, start)

    done = run_blocks(block, len(tasks), threads, pool, pulse)
    mode = np.concatenate([one for one, _ in done], axis=1)
    spread = np.linalg.inv(np.concatenate([one for _, one in done])).transpose(1, 2, 0)
    return Parts(
        np.broadcast_to(mode, (N_BELLS, p, n)), np.broadcast_to(spread, (N_BELLS, p, p, n))
    )


def _block_modes(
    problem: Problem, population: Population, lesions: IntArray, start: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """(p, n) modes and (n, p, p) curvatures of some lesions, from (p, n, s) starts."""
    typical = problem.design.mean(population.coefficients, lesions)
    if start is None:
        low, high = typical.copy(), typical.copy()
        low[-1] -= AWAY * population.sd[-1]
        high[-1] += AWAY * population.sd[-1]
        start = np.stack([typical, low, high], axis=2)
    copies = start.shape[2]
    phi, value, hessian, _ = maximise(
        problem,
        population,
        np.repeat(lesions, copies),
        start.reshape(len(start), -1),
        np.repeat(typical, copies, axis=1),
    )
    best = np.arange(len(lesions)) * copies + np.argmax(value.reshape(-1, copies), axis=1)
    return phi[:, best], hessian[best]


def sharpened(
    problem: Problem,
    population: Population,
    parts: Parts,
    nodes: Nodes,
    *,
    rounds: int,
    threads: int,
    pool: ThreadPoolExecutor | None,
    pulse: Pulse | None = None,
) -> tuple[Parts, FloatArray]:
    """Parts as the weights of a proposal made of them say; so many ``rounds`` of that.

    Returns:
        The parts of all lesions, and the (n,) effective numbers of nodes behind them: too few
        (``FEWEST_FOR_PARTS``) and they say little.
    """
    everyone = [(np.arange(problem.n_lesions), nodes)]
    ess = np.zeros(problem.n_lesions)
    for _ in range(rounds):
        proposal = make_proposal(parts, population)
        parts, ess = lesion_parts(
            problem, population, proposal, everyone, threads=threads, pool=pool, pulse=pulse
        )
    return parts, ess
