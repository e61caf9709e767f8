"""Candidates: points at which a lesion's posterior may have another mode than the one found."""

from __future__ import annotations

from itertools import product

import numpy as np

from udfs.growth.kernels import log_population, loglik_at
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Problem

APART = 0.5
"""Distance in standard deviations of the population between two starts, or two modes."""


def candidate_points(problem: Problem, population: Population, lesions: IntArray) -> FloatArray:
    """(p, n, R) points at which a mode may lie: the population's and the model's own."""
    typical = problem.design.mean(population.coefficients, lesions)
    sd = population.sd
    steps = (-2.0, 0.0, 2.0) if len(sd) <= 3 else (-1.5, 1.5)
    grid = np.array(list(product(steps, repeat=len(sd)))).T
    points = typical[:, :, None] + sd[:, None, None] * grid[:, None, :]
    own = problem.model.mode_candidates(problem.two_rates(lesions), typical, sd)
    return points if own is None else np.concatenate([points, own], axis=2)


def log_joint(
    problem: Problem, population: Population, lesions: IntArray, phi: FloatArray
) -> FloatArray:
    """(n, R) log p(y, phi) at (p, n, R) points."""
    block = problem.block(lesions)
    total = loglik_at(problem, block, phi, population.error)
    mean = problem.design.mean(population.coefficients, lesions)[:, :, None]
    return np.nan_to_num(
        total + log_population(phi - mean, population.omega), nan=-1e300, neginf=-1e300
    )


def best_candidate(
    problem: Problem, population: Population, lesions: IntArray, near: FloatArray
) -> FloatArray:
    """(p, n) the most likely candidate of each lesion that lies apart from ``near`` (p, n)."""
    points = candidate_points(problem, population, lesions)
    joint = log_joint(problem, population, lesions, points)
    distance = np.abs((points - near[:, :, None]) / population.sd[:, None, None]).max(axis=0)
    joint[distance < 2.0 * APART] = -np.inf
    return points[:, np.arange(len(lesions)), np.argmax(joint, axis=1)]
