"""log p(y | phi) of each lesion, and its derivatives, for many values of phi at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from udfs.growth.models import GrowthModel
from udfs.growth.parameters import FloatArray
from udfs.growth.problem import Block
from udfs.growth.residual_error import (
    LOG_ROOT_TWO_PI,
    ResidualError,
    log_interval_probability,
    standard_density,
)

SMALLEST_VOLUME = 1e-280
LARGEST_VOLUME = 1e280
LARGEST_TERM = 1e60
"""Bound of a squared residual: finite, so that a weight of 0 times it is 0 and not NaN."""


@dataclass(frozen=True)
class ErrorTerms:
    """log p(y | phi) and its derivatives with respect to the log error parameters."""

    loglik: FloatArray
    """(n, s)"""
    score: list[FloatArray]
    """Per error parameter, (n, s) first derivative."""
    curvature: list[list[FloatArray]]
    """Lower triangle of second derivatives, each (n, s)."""


def predicted(model: GrowthModel, block: Block, psi: Sequence[FloatArray]) -> FloatArray:
    """(m, s) volumes of the block's rows for p arrays (n, s) of natural parameters."""
    f = model.predict([block.per_row(one) for one in psi], block.times)
    np.minimum(f, LARGEST_VOLUME, out=f)
    return np.maximum(f, SMALLEST_VOLUME, out=f)


def loglik(
    model: GrowthModel,
    error: ResidualError,
    block: Block,
    psi: Sequence[FloatArray],
    values: FloatArray,
) -> FloatArray:
    """(n, s) log p(y | phi) per lesion.

    Args:
        psi: p arrays (n, s), natural scale.
        values: error parameters, natural scale.
    """
    f = predicted(model, block, psi)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        rows = _row_loglik(error, block, f, values)
    total = block.per_lesion(rows)
    return _without_constant(error, block, values, total)


def _row_loglik(
    error: ResidualError, block: Block, f: FloatArray, values: FloatArray
) -> FloatArray:
    """(m, s) log density of each row, up to what ``_without_constant`` adds."""
    if error.kind == "proportional":
        rows = block.y / f
        rows -= 1.0
        rows *= rows
        rows *= -0.5 / values[0] ** 2
        rows -= np.log(f)
    else:
        sigma = error.sigma(f, values)
        rows = (block.y - f) / sigma
        rows *= rows
        rows *= -0.5
        if error.kind == "combined":
            rows -= np.log(sigma)
    if len(block.censored):
        low, high = standard_bounds(error, block, f[block.censored], values)
        rows[block.censored] = log_interval_probability(low, high) + _row_constant(error, values)
    return rows


def _row_constant(error: ResidualError, values: FloatArray) -> float:
    """What a measured row's density is short of in ``_row_loglik``, with the sign changed."""
    scale = 0.0 if error.kind == "combined" else float(np.log(values[0]))
    return scale + LOG_ROOT_TWO_PI


def _without_constant(
    error: ResidualError, block: Block, values: FloatArray, total: FloatArray
) -> FloatArray:
    total -= block.n_rows * _row_constant(error, values)
    return total


def standard_bounds(
    error: ResidualError, block: Block, f: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Bounds of the censored rows in units of sigma, (c, s) or (c, 1), for (c, s) predictions."""
    sigma = error.sigma(f, values)
    high = (block.upper - f) / sigma
    if error.kind == "proportional" and block.has_zero_lower:
        return np.full((len(f), 1), -1.0 / values[0]), high
    return (block.lower - f) / sigma, high


def error_terms(
    model: GrowthModel,
    error: ResidualError,
    block: Block,
    psi: Sequence[FloatArray],
    values: FloatArray,
) -> ErrorTerms:
    """log p(y | phi) with the derivatives that a Newton step on the error parameters needs.

    For a measured row d log p / d log sigma = r^2 - 1 and the second derivative is -2 r^2, r being
    the standardised residual. For a censored one, with u and l the standardised bounds and phi/P
    the scaled densities, s = l phi(l)/P - u phi(u)/P and s (1 - s) + ... in closed form.
    """
    f = predicted(model, block, psi)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        rows = _row_loglik(error, block, f, values)
        first, second = scale_derivatives(error, block, f, values, rows)
    total = _without_constant(error, block, values, block.per_lesion(rows))
    shares = error.shares(f, values)
    if shares is None:
        return ErrorTerms(total, [block.per_lesion(first)], [[block.per_lesion(second)]])
    a, b = shares
    cross = first * a * b
    return ErrorTerms(
        total,
        [block.per_lesion(first * a), block.per_lesion(first * b)],
        [
            [block.per_lesion(second * a * a + cross)],
            [block.per_lesion(second * a * b - cross), block.per_lesion(second * b * b + cross)],
        ],
    )


def scale_derivatives(
    error: ResidualError, block: Block, f: FloatArray, values: FloatArray, rows: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(m, s) first and second derivative of each row's log density in log sigma."""
    square = (block.y - f) / error.sigma(f, values)
    square *= square
    np.minimum(square, LARGEST_TERM, out=square)
    first = square - 1.0
    second = square
    second *= -2.0
    if len(block.censored):
        low, high = standard_bounds(error, block, f[block.censored], values)
        log_p = rows[block.censored] - _row_constant(error, values)
        at_high = _times_density(high, log_p)
        at_low = _times_density(low, log_p)
        slope = at_low - at_high
        bend = at_high * (1.0 - high * high) - at_low * (1.0 - np.where(np.isinf(low), 0, low) ** 2)
        first[block.censored] = slope
        second[block.censored] = bend - slope * slope
    return first, second


def _times_density(z: FloatArray, log_p: FloatArray) -> FloatArray:
    """z phi(z) / P, 0 at infinity."""
    product = np.where(np.isinf(z), 0.0, z) * standard_density(z, log_p)
    return np.minimum(np.maximum(product, -LARGEST_TERM), LARGEST_TERM)


def phi_gradient(
    model: GrowthModel,
    error: ResidualError,
    block: Block,
    phi: FloatArray,
    values: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """(n, s) log p(y | phi) and (p, n, s) its gradient in phi, for (p, n, s) phi."""
    psi = [one.to_psi(phi[k]) for k, one in enumerate(model.parameters)]
    slopes = [one.slope(psi[k]) for k, one in enumerate(model.parameters)]
    at_rows = [block.per_row(one) for one in psi]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        f, gradients = model.predict_with_slopes(at_rows, block.times)
        f = np.minimum(np.maximum(f, SMALLEST_VOLUME), LARGEST_VOLUME)
        rows = _row_loglik(error, block, f, values)
        by_f = _volume_derivative(error, block, f, values, rows)
        parts = [
            block.per_lesion(np.nan_to_num(by_f * g, nan=0.0, posinf=1e150, neginf=-1e150))
            for g in gradients
        ]
    total = _without_constant(error, block, values, block.per_lesion(rows))
    return total, np.stack([part * slope for part, slope in zip(parts, slopes, strict=True)])


def _volume_derivative(
    error: ResidualError, block: Block, f: FloatArray, values: FloatArray, rows: FloatArray
) -> FloatArray:
    """(m, s) derivative of each row's log density in the prediction f."""
    sigma = error.sigma(f, values)
    slope = error.sigma_slope(values)
    residual = (block.y - f) / sigma
    out = (residual + slope * (residual * residual - 1.0)) / sigma
    if len(block.censored):
        picked = f[block.censored]
        scale = sigma[block.censored]
        low, high = standard_bounds(error, block, picked, values)
        log_p = rows[block.censored] - _row_constant(error, values)
        density_high = standard_density(high, log_p)
        density_low = standard_density(low, log_p)
        by_scale = _times_density(low, log_p) - _times_density(high, log_p)
        out[block.censored] = (density_low - density_high + slope * by_scale) / scale
    return out
