"""Normalised prediction distribution errors: does the model foresee what was measured?

Two forms, both standard normal if the model is right:

- ``sequential`` (default): each measurement's quantile given the lesion's earlier ones,
  u_j = P(Y_j <= y_j | y_1 .. y_(j-1)) (Rosenblatt 1952; one-step-ahead residuals). The u are
  exactly uniform and independent, so that a Kolmogorov-Smirnov test is valid.
- ``decorrelated``: Brendel 2006 and Comets 2008, as in the R package npde: quantiles among
  simulations after whitening a lesion's measurements with the simulations' mean and covariance.
  Uniform, but within a lesion only uncorrelated, not independent.

With the population's true values (or values from other data) the Kolmogorov-Smirnov p-value is
uniform; with values fitted to the same data it is too large, as always when a distribution is
tested on the data that its parameters came from. A small p-value therefore counts, a large one says
little.

A censored row is somewhere below (or above) its limit: its quantile is drawn uniformly between the
quantiles of its bounds (Nguyen 2012).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy.special import kolmogorov, ndtr, ndtri

from udfs.growth.individual import point_of
from udfs.growth.kernels import draw_nodes, log_population
from udfs.growth.likelihood import predicted, row_terms
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Block, Problem, run_blocks
from udfs.growth.proposals import make_nodes
from udfs.growth.result import GrowthFit
from udfs.growth.simulation import simulate_rows
from udfs.growth.weights import cut_by_rows

NPDE_PURPOSE = 30
ELEMENTS = 60_000
EDGE = 1e-9
"""Quantiles are kept this far from 0 and 1, so that every value is finite."""


@dataclass(frozen=True)
class PredictionErrors:
    """NPDE of the evaluated rows."""

    data_row: IntArray
    """(m,) positions of the rows in the data."""
    quantile: FloatArray
    """(m,) prediction distribution errors, between 0 and 1."""
    npde: FloatArray
    """(m,) their normal scores."""
    mean: float
    variance: float
    ks_statistic: float
    """Kolmogorov-Smirnov distance of ``quantile`` from the uniform distribution."""
    ks_p_value: float


def prediction_errors(
    fit: GrowthFit,
    *,
    values: Mapping[str, float] | None = None,
    method: Literal["sequential", "decorrelated"] = "sequential",
    n_nodes: int = 1792,
    n_simulations: int = 1000,
    seed: int = 20230607,
    uniform: FloatArray | None = None,
    threads: int = 1,
) -> PredictionErrors:
    """NPDE of every evaluated row.

    Args:
        values: population values by label instead of the fitted ones, for example a published fit
            or, in a simulation, the truth.
        method: see the module.
        n_nodes: nodes per lesion of the sequential form.
        n_simulations: replicates of the decorrelated form.
        uniform: one number in (0, 1) per row of the data, by which the sequential form places
            censored rows between the quantiles of their bounds; random by default.
    """
    problem = fit.problem
    population = point_of(fit.structure, fit.population, values or {})
    if method == "sequential":
        quantile = _sequential(fit, population, n_nodes, seed, uniform, threads)
    else:
        quantile = _decorrelated(problem, population, n_simulations, seed)
    quantile = np.clip(quantile, EDGE, 1.0 - EDGE)
    order = np.argsort(problem.rows)
    ordered = quantile[order]
    scores = ndtri(ordered)
    statistic, p_value = kolmogorov_smirnov(ordered)
    return PredictionErrors(
        problem.rows[order],
        ordered,
        scores,
        float(scores.mean()),
        float(scores.var(ddof=1)) if len(scores) > 1 else 0.0,
        statistic,
        p_value,
    )


def kolmogorov_smirnov(values: FloatArray) -> tuple[float, float]:
    """Distance from the uniform distribution and its p-value (Stephens' finite-sample form)."""
    n = len(values)
    ordered = np.sort(values)
    above = np.arange(1, n + 1) / n - ordered
    below = ordered - np.arange(n) / n
    statistic = float(max(above.max(), below.max()))
    root = np.sqrt(n)
    return statistic, float(kolmogorov(statistic * (root + 0.12 + 0.11 / root)))


def _sequential(
    fit: GrowthFit,
    population: Population,
    n_nodes: int,
    seed: int,
    uniform: FloatArray | None,
    threads: int,
) -> FloatArray:
    """(m,) quantiles of the rows in fit order, each given the lesion's earlier rows."""
    problem = fit.problem
    nodes = make_nodes(problem.n_parameters, n_nodes, seed, NPDE_PURPOSE)
    tasks = cut_by_rows(problem, np.arange(problem.n_lesions), max(1, ELEMENTS // nodes.count))
    error, values = problem.error, population.error

    def one(k: int) -> tuple[FloatArray, IntArray]:
        lesions = tasks[k]
        block = problem.block(lesions)
        phi, density = draw_nodes(problem, fit.proposal, nodes, lesions)
        mean = problem.design.mean(population.coefficients, lesions)[:, :, None]
        log_weight = log_population(phi - mean, population.omega) - np.log(density)
        psi = [item.to_psi(phi[j]) for j, item in enumerate(problem.model.parameters)]
        f = predicted(problem.model, block, psi)
        rows = row_terms(error, block, f, values)
        with np.errstate(over="ignore", invalid="ignore"):
            sigma = error.sigma(f, values)
            high = ndtr((block.y - f) / sigma)
            low = high.copy()
            if rows.low is not None and rows.high is not None:
                low[block.censored] = ndtr(rows.low)
                high[block.censored] = ndtr(rows.high)
        places = _places(problem.offsets, block)
        if uniform is None:
            sequence = np.random.SeedSequence(seed, spawn_key=(NPDE_PURPOSE, k))
            u = np.random.Generator(np.random.SFC64(sequence)).random(len(places))
        else:
            u = uniform[problem.rows[places]]
        return _one_after_the_other(block, log_weight, rows.loglik, low, high, u), places

    done = run_blocks(one, len(tasks), threads)
    out = np.empty(problem.n_rows)
    for quantile, places in done:
        out[places] = quantile
    return out


def _places(offsets: IntArray, block: Block) -> IntArray:
    """(m,) position in fit order of the block's rows, which are rank by rank."""
    ranks = np.concatenate([np.full(size, rank) for rank, size in enumerate(block.rank_sizes)])
    return offsets[block.lesions[block.gather]] + ranks


def _one_after_the_other(
    block: Block,
    log_weight: FloatArray,
    row_loglik: FloatArray,
    low: FloatArray,
    high: FloatArray,
    u: FloatArray,
) -> FloatArray:
    """(m,) quantiles; the weights of the nodes take in one row after the other."""
    out = np.empty(len(high))
    start = 0
    for size in block.rank_sizes:
        rows = slice(start, start + size)
        now = log_weight[:size]
        weight = np.exp(now - now.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        top = (weight * high[rows]).sum(axis=1)
        bottom = (weight * low[rows]).sum(axis=1)
        out[rows] = bottom + u[rows] * (top - bottom)
        log_weight[:size] += row_loglik[rows]
        start += size
    return out


def _decorrelated(
    problem: Problem, population: Population, n_simulations: int, seed: int
) -> FloatArray:
    """(m,) quantiles of the rows in fit order among whitened simulations."""
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(31,))))
    batches = [
        simulate_rows(problem, population, 50, seed, batch=1000 + k)
        for k in range(-(-n_simulations // 50))
    ]
    simulated = np.concatenate(batches, axis=1)
    limit = usual_limit(np.where(problem.is_censored, problem.upper, np.nan))
    y = problem.y.copy()
    for j in range(problem.n_rows):
        y[j] = _impute(simulated[j], y[j], problem.is_censored[j], problem.upper[j], limit, rng)
    out = np.empty(problem.n_rows)
    for start, stop in pairwise(problem.offsets):
        out[start:stop] = _whitened_quantiles(y[start:stop], simulated[start:stop])
    return out


def _impute(
    sims: FloatArray,
    y: float,
    is_censored: bool,
    upper: float,
    limit: float,
    rng: np.random.Generator,
) -> float:
    """The measurement, drawn from the simulations beyond its limit if it is censored.

    Simulations below the limit of quantification change places among themselves (in place): they
    lose their ties to the lesion's other rows just as the imputed measurement has none.
    """
    below = np.flatnonzero(sims < limit)
    sims[below] = rng.permutation(sims[below])
    if not is_censored:
        return y
    beyond = sims[sims < upper] if np.isfinite(upper) else sims[sims > y]
    return float(beyond[int(rng.random() * len(beyond))]) if len(beyond) else y


def usual_limit(upper: FloatArray) -> float:
    """The limit of quantification: the commonest upper bound of censored rows (-inf without)."""
    known = upper[np.isfinite(upper)]
    if len(known) == 0:
        return -np.inf
    values, counts = np.unique(known, return_counts=True)
    return float(values[np.argmax(counts)])


def _whitened_quantiles(y: FloatArray, sims: FloatArray) -> FloatArray:
    """Share of whitened simulations below the whitened measurements, ties and ends split."""
    mean = sims.mean(axis=1, keepdims=True)
    covariance = np.atleast_2d(np.cov(sims))
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale) + 1e-9 * np.eye(len(y))
    root = np.linalg.cholesky(correlation)
    white_y = np.linalg.solve(root, (y[:, None] - mean) / scale[:, None])
    white_sims = np.linalg.solve(root, (sims - mean) / scale[:, None])
    count = (white_sims < white_y).sum(axis=1)
    return (count + 0.5) / (sims.shape[1] + 1.0)
