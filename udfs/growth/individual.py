"""Lesions after a fit: draws, shrinkage, influence, and the likelihood at other points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.growth.minus2ll import Likelihood, minus2_loglik
from udfs.growth.modes import ConditionalModes
from udfs.growth.parameters import FloatArray
from udfs.growth.population import Population, Structure
from udfs.growth.problem import Pulse, run_blocks, worker_pool
from udfs.growth.proposals import make_nodes, nodes_at_least
from udfs.growth.result import GrowthFit
from udfs.growth.weights import tasks_of, weigh

DRAWS_PURPOSE, POINT_PURPOSE = 10, 11
NODES_PER_DRAW = 8
INFLUENTIAL = 0.5
"""An estimate moved by more standard errors than this by one lesion deserves a look."""


@dataclass(frozen=True)
class ConditionalDraws:
    """Draws of each lesion's parameters given its data; order of ``fit.lesions``."""

    phi: FloatArray
    """(n, d, p) Gaussian scale."""
    psi: FloatArray
    """(n, d, p) natural scale."""


def conditional_draws(
    fit: GrowthFit,
    n_draws: int = 100,
    *,
    seed: int = 20230607,
    threads: int = 1,
    pulse: Pulse | None = None,
) -> ConditionalDraws:
    """Draws from the conditional distribution of each lesion's parameters.

    Importance resampling (systematic, then shuffled) from at least 8 nodes per draw. Means over
    lesions of draws are free of the shrinkage that modes and means suffer from. Within one lesion
    draws have the joint distribution that its data leave; but the prior that fills what the data
    leave open is the fit's own. Under a diagonal omega that prior has no correlation between
    parameters, so correlations across lesions of such draws are pulled towards 0, the more so the
    less the lesions' data say. Draws of a fit with ``omega="full"`` are free of that, and its
    ``corr_`` estimates are the direct answer.

    ``pulse`` is called now and then and may raise to end the work.

    Returns:
        (n, n_draws, p) arrays; draw d of all lesions together is one draw of the whole sample.
    """
    problem = fit.problem
    count = nodes_at_least(max(NODES_PER_DRAW * n_draws, 896))
    nodes = make_nodes(problem.n_parameters, count, seed, DRAWS_PURPOSE)
    tasks = tasks_of(problem, [(np.arange(problem.n_lesions), nodes)])

    def one(k: int) -> FloatArray:
        lesions = tasks[k][0]
        w = weigh(
            problem,
            fit.population,
            fit.proposal,
            nodes,
            lesions,
            with_derivatives=False,
        )
        sequence = np.random.SeedSequence(seed, spawn_key=(DRAWS_PURPOSE, k))
        picked = _resample(w.weight, n_draws, np.random.Generator(np.random.SFC64(sequence)))
        return np.take_along_axis(w.phi, picked[None], axis=2).transpose(1, 2, 0)

    phi = np.concatenate(run_blocks(one, len(tasks), threads, pulse=pulse))[
        np.argsort(problem.order)
    ]
    parameters = problem.model.parameters
    psi = np.stack([one.to_psi(phi[..., k]) for k, one in enumerate(parameters)], axis=-1)
    return ConditionalDraws(phi, psi)


def _resample(weight: FloatArray, n_draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(n, d) node numbers drawn with the (n, R) weights."""
    n, count = weight.shape
    cumulative = np.cumsum(weight, axis=1)
    cumulative /= cumulative[:, -1:]
    height = (np.arange(n_draws) + rng.random((n, 1))) / n_draws
    rows = np.arange(n)[:, None]
    flat = np.searchsorted((cumulative + rows).ravel(), (height + rows).ravel())
    picked = np.minimum(flat.reshape(n, n_draws) - rows * count, count - 1)
    return np.asarray(rng.permuted(np.maximum(picked, 0), axis=1))


@dataclass(frozen=True)
class Shrinkage:
    """1 - var(individual estimates) / omega^2 per parameter; 0 none, 1 total."""

    parameter: tuple[str, ...]
    of_means: FloatArray
    """(p,) of the conditional means of phi."""
    of_modes: FloatArray
    """(p,) of the conditional modes; NaN where no modes were given."""


def shrinkage(fit: GrowthFit, modes: ConditionalModes | None = None) -> Shrinkage:
    """How far individual estimates are drawn to the typical value.

    Estimates that shrink much must not be correlated with anything: use draws.
    """
    variance = np.diag(fit.population.omega)
    typical = fit.lesions.typical_phi
    means = 1.0 - (fit.lesions.mean_phi - typical).var(axis=0) / variance
    if modes is None:
        of_modes = np.full(len(variance), np.nan)
    else:
        of_modes = 1.0 - (modes.phi - typical).var(axis=0) / variance
    return Shrinkage(fit.parameter_names, means, of_modes)


@dataclass(frozen=True)
class Influence:
    """How much each lesion moves the population estimates; order of ``fit.lesions``."""

    shift: FloatArray
    """(n, size) change of each estimate by having the lesion, in its standard errors (one step)."""
    distance: FloatArray
    """(n,) score' I^-1 score: squared length of that change."""
    largest_shift: FloatArray
    """(n,) largest absolute ``shift``."""
    label: NDArray[np.str_]
    """(n,) estimate that is shifted most."""
    is_influential: NDArray[np.bool_]
    """(n,) ``largest_shift`` above 0.5 standard errors."""


def influence(fit: GrowthFit) -> Influence:
    """One-step influence of each lesion: I^-1 times its score.

    Exact to first order; for a lesion that dominates an estimate refit without it.
    """
    step = fit.scores @ fit.theta_covariance
    slopes = fit.structure.natural_slopes(fit.theta)
    shift = (step @ slopes.T) / fit.standard_errors
    largest = np.abs(shift).max(axis=1)
    return Influence(
        shift=shift,
        distance=np.einsum("nk,nk->n", step, fit.scores),
        largest_shift=largest,
        label=np.array(fit.labels)[np.argmax(np.abs(shift), axis=1)],
        is_influential=largest > INFLUENTIAL,
    )


def minus2ll_at(
    fit: GrowthFit,
    values: Mapping[str, float],
    *,
    n_nodes: int = 7168,
    seed: int = 20230607,
    threads: int = 1,
) -> Likelihood:
    """-2 log-likelihood of the fit's data at other population values, for example published ones.

    With the same ``seed`` and ``n_nodes`` two points are compared on the same draws. The nodes lie
    where the fit's own posteriors are: points far from the fit need more of them (see ``mc_se``).

    Args:
        values: by label; labels not given keep the fit's estimate.

    Raises:
        ValueError: an unknown label or an impossible value.
    """
    population = point_of(fit.structure, fit.population, values)
    nodes = make_nodes(fit.problem.n_parameters, n_nodes, seed, POINT_PURPOSE)
    with worker_pool(threads) as pool:
        return minus2_loglik(
            fit.problem,
            population,
            fit.proposal,
            [(np.arange(fit.problem.n_lesions), nodes)],
            threads=threads,
            pool=pool,
        )


def point_of(structure: Structure, base: Population, values: Mapping[str, float]) -> Population:
    """``base`` with some values, given by label on the natural scale, replaced.

    Raises:
        ValueError: an unknown label or an impossible value.
    """
    unknown = [name for name in values if name not in structure.labels]
    if unknown:
        raise ValueError(
            f"no estimate is called {unknown[0]!r}; there are {', '.join(structure.labels)}"
        )
    natural = structure.natural(structure.pack(base))
    for name, value in values.items():
        natural[structure.labels.index(name)] = value
    return population_from_natural(structure, natural)


def population_from_natural(structure: Structure, natural: FloatArray) -> Population:
    """The population point of values as ``GrowthFit.estimates`` has them (inverse of ``natural``).

    Raises:
        ValueError: an impossible value.
    """
    coefficients = np.zeros(structure.design.mask.shape)
    parameters = structure.model.parameters
    for place, (column, k) in enumerate(zip(*structure.effect_places, strict=True)):
        value = float(natural[place])
        if structure.design.columns[column].covariate == "":
            parameters[k].check(value, structure.labels[place])
            value = float(parameters[k].to_phi(value))
        coefficients[column, k] = value
    p, start = structure.p, structure.n_effects
    sd = np.asarray(natural[start : start + p], dtype=np.float64)
    error = np.asarray(natural[start + structure.n_omega :], dtype=np.float64)
    if min(sd.min(), error.min()) <= 0:
        raise ValueError("standard deviations and error parameters must be above 0")
    omega = np.diag(sd**2)
    if structure.omega_kind == "full":
        rows, columns = np.tril_indices(p, -1)
        entries = natural[start + p : start + structure.n_omega] * sd[rows] * sd[columns]
        omega[rows, columns] = omega[columns, rows] = entries
        if np.linalg.eigvalsh(omega)[0] <= 0:
            raise ValueError("the correlations do not make a positive definite matrix")
    return Population(coefficients, omega, error)
