"""Lines of a population of patients through the logarithms of a biomarker, with a limit below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from udfs.biomarkers.lines import mills_ratio
from udfs.biomarkers.series import Block, BoolArray, FloatArray
from udfs.threads import single_blas_thread

Objective = Callable[[FloatArray], tuple[float, FloatArray]]

NODES = 9
"""Of each of the two random effects. With 25 instead the log-likelihood of 60 series, a sixth of
the results below the limit, rises by 0.002, and the mean slope moves by 0.0004 standard errors."""
MODE_STEPS = 30
MODE_CONVERGED = 1e-6
"""Newton's decrement: the nodes need the mode to a thousandth of a standard deviation."""
LOG_2PI = float(np.log(2 * np.pi))
MIN_PATIENTS = 10
"""Patients with two results or more that a population needs for two means and three variances."""
GRADIENT = 1e-3
"""Derivative of the log-likelihood, per parameter in units of about 1, at which L-BFGS-B hands over
to Newton's steps on the score: the quadrature's log-likelihood and score differ by its error, which
a line search cannot get past."""
BOUNDS = ((None, None), (None, None), (-12.0, 12.0), (-1e4, 1e4), (-12.0, 12.0), (-12.0, 12.0))
"""Of the two means, the root of the effects' covariance and sigma, days in units of the longest:
a line search may try a spread of 1e-300 where the slopes hardly differ, whose inverse does not
exist. An estimate at a bound has not converged."""
POLISH_STEPS = 6
DECREMENT = 1e-6
"""The score in the metric of the information at the end: the estimates are within a thousandth of
their standard errors."""


@dataclass(frozen=True)
class MixedLines:
    """log value = a_i + b_i t + e; (a_i, b_i) normal over patients, e normal."""

    intercept_mean: float
    slope_mean: float
    """Per day."""
    intercept_sd: float
    slope_sd: float
    correlation: float
    is_correlated: bool
    sigma: float
    slope_error: float
    """Standard error of ``slope_mean``, from the curvature of the log-likelihood."""
    loglik: float
    n_patients: int
    n_results: int
    n_below: int
    is_converged: bool
    slope: FloatArray
    """(n,) conditional mean of each patient's slope, per day."""
    slope_sd_given: FloatArray
    """(n,) its standard deviation given the patient's results."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Wald limits of ``slope_mean``."""
        from scipy.special import ndtri

        half = float(ndtri((1 + confidence) / 2)) * self.slope_error
        return self.slope_mean - half, self.slope_mean + half


@dataclass(frozen=True)
class _Moments:
    """Of (a, b) of each patient given the results, and the score of log sigma."""

    loglik: FloatArray
    mean: FloatArray
    """(n, 2)"""
    cov: FloatArray
    """(n, 2, 2)"""
    sigma_score: FloatArray
    """(n,)"""


@single_blas_thread
def mixed_lines(
    y: ArrayLike,
    day: ArrayLike,
    is_below: ArrayLike,
    offsets: ArrayLike,
    *,
    is_correlated: bool = True,
) -> MixedLines | None:
    """Maximum likelihood with both effects integrated out; None with too few patients.

    A patient's likelihood is the integral over (a, b) of the product of phi((y - a - b t) / s) / s
    over results seen and Phi((y - a - b t) / s) over those below their limit (Hughes, Biometrics
    1999; Beal's M3, 2001). Without results below it is a normal density; with them the integral is
    by adaptive Gauss-Hermite quadrature, NODES x NODES about the mode, of which there is one, as
    the integrand is log-concave. The score is the posterior mean of the complete data's (Fisher's
    identity).

    Args:
        y: (k,) natural logarithms of the results, those of the limit where below it.
        day: (k,) their days.
        is_below: (k,)
        offsets: (n + 1,) where each patient begins, and k.
        is_correlated: whether intercept and slope may be.

    Returns:
        None where fewer than ``MIN_PATIENTS`` have two results or more on different days.

    Raises:
        ValueError: as ``Block.of``.
    """
    from scipy.optimize import minimize

    block = Block.of(y, day, is_below, offsets)
    n_long = int(((block.is_there.sum(axis=1) >= 2) & (np.ptp(block.day, axis=1) > 0)).sum())
    if n_long < MIN_PATIENTS:
        return None
    scale = max(float(np.abs(block.day).max()), 1.0)
    scaled = Block(block.y, block.day / scale, block.is_below, block.is_there)

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        moments = _moments(scaled, theta)
        return -float(moments.loglik.sum()), -_score(moments, theta) * is_free

    is_free = np.array([1.0, 1.0, 1.0, float(is_correlated), 1.0, 1.0])
    start = _start(scaled)
    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=BOUNDS,
        options={"gtol": GRADIENT, "ftol": 1e-14, "maxiter": 400},
    )
    theta, information, is_converged = _polish(objective, found.x, is_free)
    moments = _moments(scaled, theta)
    variance = _inverse_diagonal(information)[1]
    root = _root(theta)
    spread = root @ root.T
    sds = np.sqrt(np.diag(spread))
    return MixedLines(
        intercept_mean=float(theta[0]),
        slope_mean=float(theta[1]) / scale,
        intercept_sd=float(sds[0]),
        slope_sd=float(sds[1]) / scale,
        correlation=float(spread[0, 1] / (sds[0] * sds[1])),
        is_correlated=is_correlated,
        sigma=float(np.exp(theta[5])),
        slope_error=float(np.sqrt(variance)) / scale if variance > 0 else float("nan"),
        loglik=float(moments.loglik.sum()),
        n_patients=block.y.shape[0],
        n_results=int(block.is_there.sum()),
        n_below=int((block.is_there & block.is_below).sum()),
        is_converged=is_converged,
        slope=moments.mean[:, 1] / scale,
        slope_sd_given=np.sqrt(moments.cov[:, 1, 1]) / scale,
    )


def _polish(
    objective: Objective, theta: FloatArray, is_free: FloatArray
) -> tuple[FloatArray, FloatArray, bool]:
    """Newton's steps on the score; the parameters, minus its derivative, and whether it is 0."""
    information = np.eye(theta.size)
    for _ in range(POLISH_STEPS):
        information = _information(objective, theta) * np.outer(is_free, is_free)
        information += np.diag(1.0 - is_free)
        if (np.linalg.eigvalsh(information) <= 0).any():
            return theta, information, False
        score = -objective(theta)[1]
        step = np.linalg.solve(information, score)
        if float(score @ step) < DECREMENT:
            return theta, information, True
        theta = theta + step * min(1.0, 0.5 / float(np.abs(step).max()))
    return theta, information, False


def mixed_loglik(
    y: ArrayLike,
    day: ArrayLike,
    is_below: ArrayLike,
    offsets: ArrayLike,
    *,
    mean: tuple[float, float],
    sd: tuple[float, float],
    correlation: float,
    sigma: float,
) -> float:
    """The log-likelihood at given values; see ``mixed_lines``."""
    low = sd[1] * correlation
    rest = sd[1] * float(np.sqrt(1 - correlation**2))
    theta = np.array([*mean, np.log(sd[0]), low, np.log(rest), np.log(sigma)])
    return float(_moments(Block.of(y, day, is_below, offsets), theta).loglik.sum())


def _root(theta: FloatArray) -> FloatArray:
    """(2, 2) lower triangular root of the covariance of (a, b)."""
    return np.array([[np.exp(theta[2]), 0.0], [theta[3], np.exp(theta[4])]])


def _start(block: Block) -> FloatArray:
    """One slope for all, a level for each patient, and the spread of levels and about them."""
    w = block.is_there.astype(float)
    k = np.maximum(w.sum(axis=1, keepdims=True), 1.0)
    t0, y0 = (w * block.day).sum(axis=1) / k[:, 0], (w * block.y).sum(axis=1) / k[:, 0]
    t, y = w * (block.day - t0[:, None]), w * (block.y - y0[:, None])
    slope = float((t * y).sum() / max(float((t * t).sum()), 1e-12))
    rest = max(float(np.sqrt(((y - slope * t) ** 2).sum() / w.sum())), 1e-3)
    level = y0 - slope * t0
    sd = max(float(level.std()), rest / 2)
    across = max(float(np.sqrt((t * t).sum() / w.sum())), 1e-3)
    return np.array(
        [float(level.mean()), slope, np.log(sd), 0.0, np.log(rest / across), np.log(rest / 1.5)]
    )


def _moments(block: Block, theta: FloatArray) -> _Moments:
    has_below: BoolArray = np.any(block.is_there & block.is_below, axis=1)
    n = block.y.shape[0]
    out = _Moments(np.zeros(n), np.zeros((n, 2)), np.zeros((n, 2, 2)), np.zeros(n))
    for has, way in ((False, _closed), (True, _quadrature)):
        rows: BoolArray = has_below == has
        if rows.any():
            part = way(block.take(rows), theta)
            for name in ("loglik", "mean", "cov", "sigma_score"):
                getattr(out, name)[rows] = getattr(part, name)
    return out


def _closed(block: Block, theta: FloatArray) -> _Moments:
    """Normal density of the results; (a, b) given them is normal too."""
    variance = np.exp(2 * theta[5])
    mean, cov = _normal_part(block, theta, block.is_there)
    w = block.is_there.astype(float)
    k = w.sum(axis=1)
    left = w * (block.y - theta[0] - theta[1] * block.day)
    x = np.stack([w, w * block.day], axis=2)
    g = np.einsum("nmi,nm->ni", x, left) / variance
    root = _root(theta)
    spread = root @ root.T
    # log |s2 I + X S X'| = k log s2 + log |S| - log |C|, C the covariance of (a, b) given y.
    logdet = k * 2 * theta[5] + np.linalg.slogdet(spread)[1] - np.linalg.slogdet(cov)[1]
    square = (left**2).sum(axis=1) / variance - np.einsum("ni,nij,nj->n", g, cov, g)
    loglik = -0.5 * (k * LOG_2PI + logdet + square)
    rest = w * (block.y - mean[:, :1] - mean[:, 1:] * block.day)
    spare = np.einsum("nmi,nij,nmj->n", x, cov, x)
    score = ((rest**2).sum(axis=1) + spare) / variance - k
    return _Moments(loglik, mean, cov, score)


def _normal_part(
    block: Block, theta: FloatArray, chosen: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """(n, 2) mean and (n, 2, 2) covariance of (a, b) given the chosen results."""
    variance = np.exp(2 * theta[5])
    w = chosen.astype(float)
    x = np.stack([w, w * block.day], axis=2)
    root = _root(theta)
    prior = np.linalg.inv(root @ root.T)
    precision = prior + np.einsum("nmi,nmj->nij", x, x) / variance
    cov = np.linalg.inv(precision)
    left = w * (block.y - theta[0] - theta[1] * block.day)
    move = np.einsum("nij,nmj,nm->ni", cov, x, left) / variance
    return theta[:2] + move, cov


@lru_cache(maxsize=1)
def _nodes() -> tuple[FloatArray, FloatArray]:
    """(NODES^2, 2) nodes for a standard normal, and the logarithms of their weights."""
    x, w = np.polynomial.hermite_e.hermegauss(NODES)
    first, second = np.meshgrid(x, x, indexing="ij")
    weight = np.log(np.outer(w, w).ravel()) - LOG_2PI
    return np.column_stack([first.ravel(), second.ravel()]), weight


def _quadrature(block: Block, theta: FloatArray) -> _Moments:
    """Adaptive Gauss-Hermite about the mode of (a, b)."""
    from scipy.special import log_ndtr

    sigma = float(np.exp(theta[5]))
    prior = np.asarray(np.linalg.inv(_root(theta) @ _root(theta).T), dtype=np.float64)
    mode, cov = _mode(block, theta, prior, sigma)
    node, log_weight = _nodes()
    root = np.linalg.cholesky(cov)
    b = mode[:, None, :] + np.einsum("nij,qj->nqi", root, node)
    line = b[:, :, :1] + b[:, :, 1:] * block.day[:, None, :]
    u = (block.y[:, None, :] - line) / sigma
    seen, below = block.is_seen[:, None, :], (block.is_there & block.is_below)[:, None, :]
    log_below = np.where(below, log_ndtr(np.where(below, u, 0.0)), 0.0)
    data = (np.where(seen, -0.5 * u**2, 0.0) + log_below).sum(axis=2)
    k = block.is_seen.sum(axis=1)
    data -= (k * (theta[5] + 0.5 * LOG_2PI))[:, None]
    away = b - theta[:2]
    prior_log = -0.5 * np.einsum("nqi,ij,nqj->nq", away, prior, away)
    prior_log += 0.5 * np.linalg.slogdet(prior)[1] - LOG_2PI
    scale = np.log(root[:, 0, 0] * root[:, 1, 1])[:, None]
    term = data + prior_log + 0.5 * (node**2).sum(axis=1) + LOG_2PI + log_weight + scale
    top = term.max(axis=1, keepdims=True)
    share = np.exp(term - top)
    total = share.sum(axis=1, keepdims=True)
    share /= total
    mean = np.einsum("nq,nqi->ni", share, b)
    off = b - mean[:, None, :]
    spread = np.einsum("nq,nqi,nqj->nij", share, off, off)
    mills = np.exp(np.where(below, -0.5 * u**2 - 0.5 * LOG_2PI - log_below, -np.inf))
    each = np.where(seen, u**2 - 1, 0.0) - np.where(below, u * mills, 0.0)
    score = np.einsum("nq,nqm->n", share, each)
    return _Moments((top + np.log(total))[:, 0], mean, spread, score)


def _mode(
    block: Block, theta: FloatArray, prior: FloatArray, sigma: float
) -> tuple[FloatArray, FloatArray]:
    """(n, 2) most likely (a, b) and (n, 2, 2) inverse curvature there, by Newton's steps."""
    b, cov = _normal_part(block, theta, block.is_seen)
    x = np.stack([np.ones_like(block.day), block.day], axis=2)
    seen, below = block.is_seen, block.is_there & block.is_below
    for _ in range(MODE_STEPS):
        u = (block.y - b[:, :1] - b[:, 1:] * block.day) / sigma
        mills = mills_ratio(u)
        pull = np.where(seen, u, np.where(below, -mills, 0.0)) / sigma
        bend = np.where(seen, 1.0, np.where(below, mills * (mills + u), 0.0)) / sigma**2
        gradient = np.einsum("nmi,nm->ni", x, pull) - (b - theta[:2]) @ prior
        precision = prior + np.einsum("nm,nmi,nmj->nij", bend, x, x)
        cov = np.linalg.inv(precision)
        step = np.einsum("nij,nj->ni", cov, gradient)
        decrement = (gradient * step).sum(axis=1)
        if decrement.max() < MODE_CONVERGED:
            break
        # Far below 0 the logarithm of Phi bends less than at 0: long steps are cut.
        long = np.sqrt(np.maximum(decrement, 0.0))
        b = b + step * np.where(decrement > 0.25, 1 / (1 + long), 1.0)[:, None]
    return b, cov


def _score(moments: _Moments, theta: FloatArray) -> FloatArray:
    """(6,) derivatives of the log-likelihood."""
    root = _root(theta)
    inverse = np.linalg.inv(root @ root.T)
    away = moments.mean - theta[:2]
    n = len(away)
    of_mean = inverse @ away.sum(axis=0)
    second = moments.cov.sum(axis=0) + away.T @ away
    # d/dL of -n log|L| - tr(S^-1 second) / 2 with S = L L'.
    of_root = inverse @ second @ inverse @ root - n * np.diag(1 / np.diag(root))
    return np.array([
        *of_mean, of_root[0, 0] * root[0, 0], of_root[1, 0], of_root[1, 1] * root[1, 1],
        moments.sigma_score.sum(),
    ])  # fmt: skip


def _information(objective: Objective, theta: FloatArray) -> FloatArray:
    """(6, 6) by central differences of the gradient."""
    step = 1e-4
    rows = []
    for i in range(theta.size):
        move = np.zeros(theta.size)
        move[i] = step
        rows.append((objective(theta + move)[1] - objective(theta - move)[1]) / (2 * step))
    matrix = np.asarray(rows)
    return np.asarray((matrix + matrix.T) / 2)


def _inverse_diagonal(information: FloatArray) -> FloatArray:
    """Variances; -1 where the curvature is not that of a maximum (a variance at 0)."""
    if (np.linalg.eigvalsh(information) <= 0).any():
        return np.full(len(information), -1.0)
    return np.asarray(np.diag(np.linalg.inv(information)))
