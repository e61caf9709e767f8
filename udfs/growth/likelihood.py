"""log p(y | phi) of each lesion, and its derivatives, for many values of phi at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from udfs.growth.model_base import GrowthModel
from udfs.growth.parameters import FloatArray
from udfs.growth.problem import Block
from udfs.growth.residual_error import (
    LOG_ROOT_TWO_PI,
    ResidualError,
    log_interval_probability,
    standard_density,
)

SMALLEST_VOLUME = 1e-20
LARGEST_VOLUME = 1e40
"""Bounds of a prediction, mm3. Beyond them nothing is told apart, and squares stay finite: a weight
of 0 times them must be 0 and not NaN."""
LARGEST_TERM = 1e60
"""Bound of what is divided by a probability, for the same reason."""


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
    return np.clip(f, SMALLEST_VOLUME, LARGEST_VOLUME, out=f)


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
    rows = row_terms(error, block, predicted(model, block, psi), values)
    return _with_constant(error, block, values, block.per_lesion(rows.loglik))


@dataclass(frozen=True)
class RowTerms:
    """Each row's part of the log-likelihood; (m, s) arrays but for the bounds."""

    f: FloatArray
    loglik: FloatArray
    """Log density up to what ``_row_constant`` takes off, which depends on the error alone."""
    square: FloatArray
    """Squared standardised residual; meaningless in censored rows."""
    low: FloatArray | None
    """(c, s) or (c, 1) standardised bounds of the censored rows."""
    high: FloatArray | None
    log_p: FloatArray | None
    """(c, s) log probability of the censored rows."""


def row_terms(error: ResidualError, block: Block, f: FloatArray, values: FloatArray) -> RowTerms:
    """Densities of all rows at predictions ``f``."""
    low = high = log_p = None
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        if error.kind == "proportional":
            square = block.y / f
            square -= 1.0
            square *= 1.0 / values[0]
            scale = f
        else:
            scale = error.sigma(f, values)
            square = (block.y - f) / scale
        square *= square
        if error.kind == "constant":
            rows = -0.5 * square
        else:
            rows = np.log(scale)
            rows += 0.5 * square
            np.negative(rows, out=rows)
        if len(block.censored):
            low, high = standard_bounds(error, block, f[block.censored], values)
            log_p = log_interval_probability(low, high)
            rows[block.censored] = log_p + _row_constant(error, values)
    return RowTerms(f, rows, square, low, high, log_p)


def _row_constant(error: ResidualError, values: FloatArray) -> float:
    """What is taken off every row's ``RowTerms.loglik``."""
    scale = 0.0 if error.kind == "combined" else float(np.log(values[0]))
    return scale + LOG_ROOT_TWO_PI


def _with_constant(
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
    """log p(y | phi) with the derivatives that a Newton step on the error parameters needs."""
    rows = row_terms(error, block, predicted(model, block, psi), values)
    first, second = scale_derivatives(block, rows)
    total = _with_constant(error, block, values, block.per_lesion(rows.loglik))
    shares = error.shares(rows.f, values)
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


def scale_derivatives(block: Block, rows: RowTerms) -> tuple[FloatArray, FloatArray]:
    """(m, s) first and second derivative of each row's log density in log sigma.

    A measured row has r^2 - 1 and -2 r^2, r being the standardised residual. A censored one, with
    h(z) = z phi(z) / P at the standardised bounds l < u: g = h(l) - h(u) and
    h(u) (1 - u^2) - h(l) (1 - l^2) - g^2.
    """
    first = rows.square - 1.0
    second = -2.0 * rows.square
    if rows.low is not None and rows.high is not None and rows.log_p is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            at_high = _times_density(rows.high, rows.log_p)
            at_low = _times_density(rows.low, rows.log_p)
            low = np.where(np.isinf(rows.low), 0.0, rows.low)
            high = np.where(np.isinf(rows.high), 0.0, rows.high)
            slope = at_low - at_high
            bend = at_high * (1.0 - high * high) - at_low * (1.0 - low * low) - slope * slope
        first[block.censored] = slope
        second[block.censored] = np.clip(bend, -LARGEST_TERM, LARGEST_TERM)
    return first, second


def _times_density(z: FloatArray, log_p: FloatArray) -> FloatArray:
    """z phi(z) / P, 0 at infinity."""
    product = standard_density(z, log_p)
    product *= np.where(np.isinf(z), 0.0, z)
    return np.clip(product, -LARGEST_TERM, LARGEST_TERM)


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
        f = np.clip(f, SMALLEST_VOLUME, LARGEST_VOLUME)
        rows = row_terms(error, block, f, values)
        by_f = _volume_derivative(error, block, rows, values)
        parts = [
            block.per_lesion(np.nan_to_num(by_f * g, nan=0.0, posinf=1e150, neginf=-1e150))
            for g in gradients
        ]
    total = _with_constant(error, block, values, block.per_lesion(rows.loglik))
    return total, np.stack([part * slope for part, slope in zip(parts, slopes, strict=True)])


def _volume_derivative(
    error: ResidualError, block: Block, rows: RowTerms, values: FloatArray
) -> FloatArray:
    """(m, s) derivative of each row's log density in the prediction f."""
    sigma = error.sigma(rows.f, values)
    slope = error.sigma_slope(values)
    residual = (block.y - rows.f) / sigma
    out = (residual + slope * (residual * residual - 1.0)) / sigma
    if rows.low is not None and rows.high is not None and rows.log_p is not None:
        density = standard_density(rows.low, rows.log_p) - standard_density(rows.high, rows.log_p)
        by_scale = _times_density(rows.low, rows.log_p) - _times_density(rows.high, rows.log_p)
        out[block.censored] = (density + slope * by_scale) / sigma[block.censored]
    return out
