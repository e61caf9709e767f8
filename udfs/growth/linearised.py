"""Standard errors by linearisation, on request only: they are too small.

The model is linearised in the random effects at the conditional modes (Monolix: "by
linearisation"). On the paper's data the result is 20 to 46 % below the exact standard errors;
censored rows are left out, as they have no linear form. Use ``GrowthFit.standard_errors``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from udfs.growth.likelihood import LARGEST_VOLUME, SMALLEST_VOLUME
from udfs.growth.modes import ConditionalModes
from udfs.growth.parameters import FloatArray
from udfs.growth.population import Population
from udfs.growth.problem import Problem
from udfs.growth.result import GrowthFit

STEP = 1e-4


def linearised_standard_errors(fit: GrowthFit, modes: ConditionalModes) -> FloatArray:
    """(size,) standard errors of ``fit.estimates`` by linearisation.

    y_i ~ N(f(phi_i) + J_i (mean_i - phi_i), J_i Omega J_i' + diag(sigma^2)), and
    I_kl = mean_k' V^-1 mean_l + tr(V^-1 V_k V^-1 V_l) / 2 summed over lesions, sigma taken at the
    modes.
    """
    problem, structure = fit.problem, fit.structure
    in_fit_order = np.argsort(np.argsort(problem.order))
    phi = modes.phi[in_fit_order]
    f, jacobian = _rows(problem, phi)
    size = structure.size
    information = np.zeros((size, size))
    design = problem.design.values
    column, parameter = structure.effect_places
    slopes = _variance_slopes(fit)
    for i in range(problem.n_lesions):
        rows = np.arange(problem.offsets[i], problem.offsets[i + 1])
        rows = rows[~problem.is_censored[rows]]
        if len(rows) == 0:
            continue
        j = jacobian[rows]
        inverse = np.linalg.inv(_variance(problem, fit.population, f[rows], j))
        mean = j[:, parameter] * design[i, column]
        information[: len(column), : len(column)] += mean.T @ inverse @ mean
        parts = [
            inverse @ (j @ d_omega @ j.T + np.diag(d_error(f[rows]))) for d_omega, d_error in slopes
        ]
        for a, first in enumerate(parts):
            for b, second in enumerate(parts):
                information[len(column) + a, len(column) + b] += 0.5 * np.sum(first * second.T)
    natural = structure.natural_slopes(fit.theta)
    return np.sqrt(np.diag(natural @ np.linalg.pinv(information, hermitian=True) @ natural.T))


def _rows(problem: Problem, phi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(m,) predictions and (m, p) their derivatives in phi, fit order."""
    lesion = np.repeat(np.arange(problem.n_lesions), np.diff(problem.offsets))
    parameters = problem.model.parameters
    psi = [one.to_psi(phi[lesion, k]) for k, one in enumerate(parameters)]
    f, slopes = problem.model.predict_with_slopes(psi, problem.times)
    inner = [one.slope(psi[k]) for k, one in enumerate(parameters)]
    jacobian = np.stack([a * b for a, b in zip(slopes, inner, strict=True)], axis=1)
    return np.clip(f, SMALLEST_VOLUME, LARGEST_VOLUME), jacobian


def _variance(
    problem: Problem, population: Population, f: FloatArray, jacobian: FloatArray
) -> FloatArray:
    sigma = problem.error.sigma(f, population.error)
    return jacobian @ population.omega @ jacobian.T + np.diag(sigma**2)


def _variance_slopes(fit: GrowthFit) -> list[tuple[FloatArray, Callable[[FloatArray], FloatArray]]]:
    """Per variance parameter of theta: d Omega, and a function f -> d sigma^2."""
    structure, theta = fit.structure, fit.theta
    out: list[tuple[FloatArray, Callable[[FloatArray], FloatArray]]] = []
    for k in range(structure.n_effects, structure.size):
        shift = np.zeros(structure.size)
        shift[k] = STEP
        up, down = structure.unpack(theta + shift), structure.unpack(theta - shift)

        def by_error(f: FloatArray, up: Population = up, down: Population = down) -> FloatArray:
            error = fit.problem.error
            change = error.sigma(f, up.error) ** 2 - error.sigma(f, down.error) ** 2
            return np.asarray(change / (2.0 * STEP))

        out.append(((up.omega - down.omega) / (2.0 * STEP), by_error))
    return out
