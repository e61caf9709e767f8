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
RANKS_PER_LOGARITHM = 7
"""So many predictions within these bounds can be multiplied before a logarithm is taken."""
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


@dataclass(frozen=True)
class RowSums:
    """What the rows of some lesions say of many phi, whatever the error parameter is.

    With an error of one parameter v and scale s (s = f where it is proportional, 1 where it is
    constant) the measured rows have log density -log s - log v - ((y - f) / s)^2 / (2 v^2), up to
    a constant: their sums over a lesion need no row again when v moves. Censored rows do.
    """

    log_scale: FloatArray | None
    """(n, s) sum of log f over the measured rows; None where the error is constant."""
    square: FloatArray
    """(n, s) sum of ((y - f) / s)^2 over them."""
    censored: FloatArray
    """(c, s) predictions at the censored rows, in the block's order."""


def row_sums(
    model: GrowthModel, error: ResidualError, block: Block, psi: Sequence[FloatArray]
) -> RowSums:
    """Sums over the rows of each lesion; not for a combined error.

    Args:
        psi: p arrays (n, s), natural scale.
    """
    is_proportional = error.kind == "proportional"
    product = square = log_scale = None
    censored = []
    with np.errstate(over="ignore"):
        for number, rank in enumerate(block.ranks):
            size = rank.size
            f = model.predict([one[:size] for one in psi], rank.times)
            np.clip(f, SMALLEST_VOLUME, LARGEST_VOLUME, out=f)
            if len(rank.censored):
                censored.append(f[rank.censored])
                f[rank.censored] = 1.0
            off = rank.y / f if is_proportional else rank.y - f
            if is_proportional:
                off -= 1.0
            off *= off
            if square is None:
                square = off
            else:
                square[:size] += off
            if not is_proportional:
                continue
            if product is None:
                product = f
            else:
                product[:size] *= f
            if number % RANKS_PER_LOGARITHM == RANKS_PER_LOGARITHM - 1:
                log_scale = _plus_log(log_scale, product)
                product = None
    assert square is not None  # every lesion of a problem has a row
    if product is not None:
        log_scale = _plus_log(log_scale, product)
    at_censored = np.concatenate(censored) if censored else np.empty((0, square.shape[1]))
    return RowSums(log_scale, square, at_censored)


def _plus_log(total: FloatArray | None, product: FloatArray) -> FloatArray:
    """``total`` plus the logarithm of ``product``, of the first lesions; works in place."""
    np.log(product, out=product)
    if total is None:
        return product
    total[: len(product)] += product
    return total


def loglik(
    model: GrowthModel,
    error: ResidualError,
    block: Block,
    psi: Sequence[FloatArray],
    values: FloatArray,
) -> FloatArray:
    """(n, s) log p(y | phi) per lesion; quick for many lesions with a few phi each.

    Args:
        psi: p arrays (n, s), natural scale.
        values: error parameters, natural scale.
    """
    rows = row_terms(error, block, predicted(model, block, psi), values)
    return _with_constant(error, block, values, block.per_lesion(rows.loglik))


def loglik_of_sums(
    error: ResidualError, block: Block, sums: RowSums, values: FloatArray
) -> FloatArray:
    """(n, s) log p(y | phi) per lesion, at an error parameter."""
    total = _measured_loglik(error, block, sums, values)
    if len(block.censored):
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            low, high = standard_bounds(error, block, sums.censored, values)
            add_censored(block, total, log_interval_probability(low, high))
    return total


def _measured_loglik(
    error: ResidualError, block: Block, sums: RowSums, values: FloatArray
) -> FloatArray:
    total = sums.square * (-0.5 / values[0] ** 2)
    if sums.log_scale is not None:
        total -= sums.log_scale
    total -= block.n_measured * row_constant(error, values)
    return total


def add_censored(block: Block, total: FloatArray, rows: FloatArray) -> None:
    """Adds (c, s) values of the censored rows to those of their lesions, in place."""
    start = 0
    for rank in block.ranks:
        stop = start + len(rank.censored)
        if stop > start:
            total[rank.censored] += rows[start:stop]
        start = stop


def terms_of_sums(
    error: ResidualError, block: Block, sums: RowSums, values: FloatArray
) -> ErrorTerms:
    """log p(y | phi) per lesion with its derivatives, at an error parameter."""
    total = _measured_loglik(error, block, sums, values)
    first = sums.square * (1.0 / values[0] ** 2)
    second = -2.0 * first
    first -= block.n_measured
    if len(block.censored):
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            low, high = standard_bounds(error, block, sums.censored, values)
            log_p = log_interval_probability(low, high)
            slope, bend = _censored_derivatives(low, high, log_p)
        for into, rows in ((total, log_p), (first, slope), (second, bend)):
            add_censored(block, into, rows)
    return ErrorTerms(total, [first], [[second]])


@dataclass(frozen=True)
class RowTerms:
    """Each row's part of the log-likelihood; (m, s) arrays but for the bounds."""

    f: FloatArray
    loglik: FloatArray
    """Log density up to what ``row_constant`` takes off, which depends on the error alone."""
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
            rows[block.censored] = log_p + row_constant(error, values)
    return RowTerms(f, rows, square, low, high, log_p)


def row_constant(error: ResidualError, values: FloatArray) -> float:
    """What is taken off every row's ``RowTerms.loglik``."""
    scale = 0.0 if error.kind == "combined" else float(np.log(values[0]))
    return scale + LOG_ROOT_TWO_PI


def _with_constant(
    error: ResidualError, block: Block, values: FloatArray, total: FloatArray
) -> FloatArray:
    total -= block.n_rows * row_constant(error, values)
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
    if error.kind != "combined":
        return terms_of_sums(error, block, row_sums(model, error, block, psi), values)
    rows = row_terms(error, block, predicted(model, block, psi), values)
    first, second = scale_derivatives(block, rows)
    total = _with_constant(error, block, values, block.per_lesion(rows.loglik))
    shares = error.shares(rows.f, values)
    assert shares is not None  # the error is combined
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
            slope, bend = _censored_derivatives(rows.low, rows.high, rows.log_p)
        first[block.censored], second[block.censored] = slope, bend
    return first, second


def _censored_derivatives(
    low: FloatArray, high: FloatArray, log_p: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(c, s) each, of rows with these standardised bounds and log probabilities."""
    at_high, at_low = _times_density(high, log_p), _times_density(low, log_p)
    low, high = (np.where(np.isinf(one), 0.0, one) for one in (low, high))
    slope = at_low - at_high
    bend = at_high * (1.0 - high * high) - at_low * (1.0 - low * low) - slope * slope
    return slope, np.clip(bend, -LARGEST_TERM, LARGEST_TERM)


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
        pull = censored_pull(error, rows.low, rows.high, rows.log_p, values)
        out[block.censored] = pull / sigma[block.censored]
    return out


def censored_pull(
    error: ResidualError,
    low: FloatArray,
    high: FloatArray,
    log_p: FloatArray,
    values: FloatArray,
) -> FloatArray:
    """(c, s) derivative in the prediction, times sigma, of the log probability of censored rows
    with these standardised bounds."""
    density = standard_density(low, log_p) - standard_density(high, log_p)
    by_scale = _times_density(low, log_p) - _times_density(high, log_p)
    return density + error.sigma_slope(values) * by_scale
