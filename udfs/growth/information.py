"""Score and information of theta from what importance sampling gives per lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.growth.importance import LesionMoments
from udfs.growth.parameters import FloatArray
from udfs.growth.population import Population, Structure

STEP = 1e-5
"""Of the central differences of Q's gradient, which is analytic: relative error about 1e-9."""


@dataclass(frozen=True)
class Curvature:
    """The log-likelihood at theta, to second order."""

    score: FloatArray
    """(size,)"""
    observed: FloatArray
    """(size, size) Louis: minus the Hessian of the log-likelihood."""
    complete: FloatArray
    """(size, size) minus the Hessian of the expected complete-data log-likelihood."""
    score_error: FloatArray
    """(size, size) Monte Carlo covariance of ``score``."""


def curvature(
    structure: Structure, theta: FloatArray, design: FloatArray, moments: LesionMoments
) -> Curvature:
    """Assemble over lesions; ``design`` is the (n, c) design in fit order."""
    population = structure.unpack(theta)
    scores = lesion_scores(structure, population, design, moments)
    complete = _complete(structure, theta, design, moments)
    missing = _spread(structure, population, moments.spread)
    noise = _spread(structure, population, moments.noise)
    return Curvature(scores.sum(axis=0), complete - missing, complete, noise)


def score_map(structure: Structure, population: Population) -> tuple[FloatArray, FloatArray]:
    """(f, f) matrix and (f,) constant: base score = matrix @ features + constant.

    The base score has p entries for the typical phi, then omega's, then the error's.
    """
    p = structure.p
    rows, columns = structure.lower
    n_error = len(structure.error.names)
    size = p + len(rows) + n_error
    matrix = np.zeros((size, size))
    constant = np.zeros(size)
    precision = np.linalg.inv(population.omega)
    matrix[:p, :p] = precision
    factor = np.linalg.cholesky(population.omega)
    slopes = structure.omega_slopes(population)
    for place in range(len(rows)):
        by_omega = slopes[place] @ factor.T
        by_omega = by_omega + by_omega.T
        kernel = 0.5 * precision @ by_omega @ precision
        for pair, (k, other) in enumerate(zip(rows, columns, strict=True)):
            matrix[p + place, p + pair] = kernel[k, other] * (1.0 if k == other else 2.0)
        constant[p + place] = -0.5 * np.sum(precision * by_omega)
    for place in range(size - n_error, size):
        matrix[place, place] = 1.0
    return matrix, constant


def lesion_scores(
    structure: Structure, population: Population, design: FloatArray, moments: LesionMoments
) -> FloatArray:
    """(n, size) each lesion's score."""
    matrix, constant = score_map(structure, population)
    base = np.einsum("nf,gf->ng", moments.features, matrix) + constant
    column, parameter = structure.effect_places
    return np.concatenate([base[:, parameter] * design[:, column], base[:, structure.p :]], axis=1)


def _spread(structure: Structure, population: Population, sums: FloatArray) -> FloatArray:
    """(size, size) sum over lesions of A_i C_i A_i', from the (c, c, f, f) sums of x x' C."""
    matrix, _ = score_map(structure, population)
    column, parameter = structure.effect_places
    p, n_effects = structure.p, structure.n_effects
    base = np.einsum("gf,abfh,kh->abgk", matrix, sums, matrix, optimize=True)
    out = np.empty((structure.size, structure.size))
    out[:n_effects, :n_effects] = base[
        column[:, None], column[None, :], parameter[:, None], parameter[None, :]
    ]
    out[:n_effects, n_effects:] = base[column, 0, parameter][:, p:]
    out[n_effects:, :n_effects] = out[:n_effects, n_effects:].T
    out[n_effects:, n_effects:] = base[0, 0, p:, p:]
    return out


def _complete(
    structure: Structure, theta: FloatArray, design: FloatArray, moments: LesionMoments
) -> FloatArray:
    """Minus the Hessian of the expected complete-data log-likelihood."""
    size, n_error = structure.size, len(structure.error.names)
    by_design = design.T @ moments.mean
    square = moments.covariance.sum(axis=0) + moments.mean.T @ moments.mean
    out = np.zeros((size, size))
    gaussian = size - n_error
    out[:gaussian, :gaussian] = complete_gaussian(structure, theta, design, by_design, square)
    out[gaussian:, gaussian:] = -moments.error_curvature
    return out


def complete_gaussian(
    structure: Structure,
    theta: FloatArray,
    design: FloatArray,
    by_design: FloatArray,
    square: FloatArray,
) -> FloatArray:
    """Minus the Hessian of Q's Gaussian part in the fixed effects and omega.

    Args:
        by_design: (c, p) sum over lesions of x E[phi]'.
        square: (p, p) sum of E[phi phi'].
    """
    within = design.T @ design
    size, n_effects = structure.size - len(structure.error.names), structure.n_effects
    column, parameter = structure.effect_places
    precision = np.linalg.inv(structure.unpack(theta).omega)
    hessian = np.empty((size, size))
    hessian[:n_effects, :n_effects] = (
        within[column[:, None], column] * precision[parameter[:, None], parameter]
    )
    for k in range(n_effects, size):
        shift = np.zeros(structure.size)
        shift[k] = STEP
        up, down = (
            gaussian_score(structure, theta + sign * shift, within, by_design, square, len(design))
            for sign in (1.0, -1.0)
        )
        hessian[:, k] = (down - up) / (2.0 * STEP)
    hessian[n_effects:, :n_effects] = hessian[:n_effects, n_effects:].T
    return 0.5 * (hessian + hessian.T)


def gaussian_score(
    structure: Structure,
    theta: FloatArray,
    within: FloatArray,
    by_design: FloatArray,
    square: FloatArray,
    n_lesions: int,
) -> FloatArray:
    """Gradient in the fixed effects and omega of the Gaussian part of Q."""
    population = structure.unpack(theta)
    precision = np.linalg.inv(population.omega)
    column, parameter = structure.effect_places
    b = population.coefficients
    effects = ((by_design - within @ b) @ precision)[column, parameter]
    cross = by_design.T @ b
    spread = square - cross - cross.T + b.T @ within @ b
    by_omega = 0.5 * (precision @ spread @ precision - n_lesions * precision)
    factor = np.linalg.cholesky(population.omega)
    slopes = structure.omega_slopes(population)
    entries = 2.0 * np.einsum("ij,kij->k", by_omega @ factor, slopes)
    return np.concatenate([effects, entries])
