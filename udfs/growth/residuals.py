"""Residuals of the evaluated rows, censored ones by their conditional distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.growth.individual import ConditionalDraws
from udfs.growth.modes import ConditionalModes
from udfs.growth.npde import PredictionErrors
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.residual_error import truncated_normal_draw
from udfs.growth.result import GrowthFit
from udfs.growth.simulation import predicted_rows


@dataclass(frozen=True)
class Residuals:
    """One entry per evaluated row, in the order of the data's rows."""

    data_row: IntArray
    """(m,) positions of the rows in the data."""
    population_mm3: FloatArray
    """(m,) prediction for a typical lesion (Monolix: popPred)."""
    individual_mm3: FloatArray
    """(m,) prediction at the conditional mode (indivPred_mode)."""
    observed_mm3: FloatArray
    """(m,) the measurement; of a censored row a value drawn from its conditional distribution: one
    draw of the lesion's parameters, then of the measurement between its bounds."""
    individual: FloatArray
    """(m,) (observed - individual) / sigma (indWRes); of a censored row drawn, given its bounds."""
    individual_from_draws: FloatArray
    """(m,) the same at one draw of the lesion's parameters: free of shrinkage, standard normal if
    the model is right."""
    npde: FloatArray
    """(m,) normalised prediction distribution error."""
    is_censored: BoolArray
    """(m,)"""


def residuals(
    fit: GrowthFit,
    modes: ConditionalModes,
    draws: ConditionalDraws,
    errors: PredictionErrors,
    *,
    seed: int = 20230607,
    uniform: FloatArray | None = None,
) -> Residuals:
    """Residuals of every evaluated row.

    Args:
        modes: from ``conditional_modes(fit)``.
        draws: from ``conditional_draws(fit)``; the first draw of each lesion is used.
        errors: from ``prediction_errors(fit)``.
        uniform: one number in (0, 1) per row of the data, by which censored rows are drawn; random
            by default.
    """
    problem = fit.problem
    order = np.argsort(problem.rows)
    in_fit_order = np.argsort(np.argsort(problem.order))
    if uniform is None:
        sequence = np.random.SeedSequence(seed, spawn_key=(40,))
        rng = np.random.Generator(np.random.SFC64(sequence))
        u = rng.random(problem.n_rows)[np.argsort(order)]
    else:
        u = uniform[problem.rows]
    typical = problem.design.mean(fit.population.coefficients)
    population = predicted_rows(problem, typical[:, :, None])[:, 0]
    at_mode = predicted_rows(problem, modes.phi[in_fit_order].T[:, :, None])[:, 0]
    at_draw = predicted_rows(problem, draws.phi[in_fit_order, 0].T[:, :, None])[:, 0]
    individual, _ = _standardised(fit, at_mode, u)
    from_draws, observed = _standardised(fit, at_draw, u)
    return Residuals(
        data_row=problem.rows[order],
        population_mm3=population[order],
        individual_mm3=at_mode[order],
        observed_mm3=observed[order],
        individual=individual[order],
        individual_from_draws=from_draws[order],
        npde=errors.npde,
        is_censored=problem.is_censored[order],
    )


def _standardised(fit: GrowthFit, f: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(m,) standardised residuals and measurements at predictions f, fit order."""
    problem = fit.problem
    sigma = problem.error.sigma(f, fit.population.error)
    values = (problem.y - f) / sigma
    picked = problem.is_censored
    with np.errstate(over="ignore"):
        low = (problem.lower[picked] - f[picked]) / sigma[picked]
        high = (problem.upper[picked] - f[picked]) / sigma[picked]
    values[picked] = truncated_normal_draw(low, high, u[picked])
    observed = problem.y.copy()
    observed[picked] = np.clip(
        f[picked] + sigma[picked] * values[picked], problem.lower[picked], problem.upper[picked]
    )
    return values, observed
