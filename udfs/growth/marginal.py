"""Measurements among what the population lets expect: the lesion's other scans are not used.

The normal score of a measurement in its population predictive distribution ("npd", Comets 2010;
without decorrelation). P(Y <= y) = E[Phi((y - f(phi)) / sigma(f(phi)))] over lesions phi of the
population with the row's covariates, by a Sobol sequence. Scores of one lesion are correlated: its
rows lie all high or all low. Censored rows are placed between the probabilities of their bounds.
"""

from __future__ import annotations

import hashlib

import numpy as np
from scipy.special import ndtr, ndtri

from udfs.growth.npde import EDGE
from udfs.growth.parameters import FloatArray
from udfs.growth.population import root_of
from udfs.growth.proposals import sobol
from udfs.growth.result import GrowthFit
from udfs.growth.simulation import predicted_rows

AT_ONCE = 16
MARGINAL_PURPOSE = 41


def population_scores(
    fit: GrowthFit, uniform: FloatArray, *, n_nodes: int = 256, seed: int = 20230607
) -> FloatArray:
    """(m,) normal scores of the evaluated rows, in the order of the data's rows.

    Args:
        uniform: one number in (0, 1) per row of the data (see ``row_uniforms``).
        n_nodes: lesions drawn from the population, a power of two.
    """
    problem, population = fit.problem, fit.population
    sequence = np.random.SeedSequence(seed, spawn_key=(MARGINAL_PURPOSE,))
    shift = np.random.Generator(np.random.SFC64(sequence)).random((problem.n_parameters, 1))
    points = np.clip(np.mod(sobol(problem.n_parameters, n_nodes) + shift, 1.0), EDGE, 1.0 - EDGE)
    eta = root_of(population.omega) @ ndtri(points)
    mean = problem.design.mean(population.coefficients)
    low_share, high_share = np.zeros(problem.n_rows), np.zeros(problem.n_rows)
    picked = problem.is_censored
    for start in range(0, n_nodes, AT_ONCE):
        f = predicted_rows(problem, mean[:, :, None] + eta[:, None, start : start + AT_ONCE])
        sigma = problem.error.sigma(f, population.error)
        high_share += ndtr((problem.upper[:, None] - f) / sigma).sum(axis=1)
        low = (problem.lower[picked, None] - f[picked]) / sigma[picked]
        low_share[picked] += ndtr(low).sum(axis=1)
    low_share[~picked] = high_share[~picked]
    quantile = (low_share + uniform[problem.rows] * (high_share - low_share)) / n_nodes
    return np.asarray(ndtri(np.clip(quantile, EDGE, 1.0 - EDGE))[np.argsort(problem.rows)])


def row_uniforms(fit: GrowthFit, seed: int) -> FloatArray:
    """(rows of the data,) numbers in (0, 1), each made of the seed, the lesion's id and the day.

    A row keeps its number whatever other rows there are and in whatever order they come.
    """
    data = fit.problem.data
    lesion = data.lesion[data.row_lesion].tolist()
    salt = str(seed)
    numbers = [
        hashlib.blake2b(f"{salt}|{one}|{day!r}".encode(), digest_size=8).digest()
        for one, day in zip(lesion, data.time.tolist(), strict=True)
    ]
    whole = np.frombuffer(b"".join(numbers), dtype="<u8") >> np.uint64(11)
    return (whole.astype(np.float64) + 0.5) / 2.0**53
