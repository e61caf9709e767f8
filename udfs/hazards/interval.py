"""Proportional hazards of interval-censored times with a normal random effect of the group.

    hazard_i(t) = lambda(t) exp(x_i'b + u_g),   u_g ~ N(0, s2)

lambda is constant within pieces. A subject with the event in (L, R] has the likelihood
exp(-A e^u) - exp(-B e^u), A and B being the cumulative hazards at L and R at u = 0; one without it
by L has exp(-A e^u); one with the event at a known time t has lambda(t) exp(x'b + u - A e^u). Each
group's product is integrated over u by adaptive Gauss-Hermite quadrature, and the gradient is the
posterior mean of that of the log-likelihood at a given u (Fisher's identity).

Sources: Finkelstein, Biometrics 1986; Bellamy et al., Stat Med 2004 (the random effect); Pinheiro
and Bates, JCGS 1995 (the nodes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.hazards.arrays import FloatArray
from udfs.survival.checked import BoolArray, IntArray

NODES = 15
N_PIECES = 6
MODE_STEPS = 40
MIN_LOG_SD = -5.0
"""Where the log standard deviation of u ends: at 0.0067 the effect is nothing."""
GRADIENT = 1e-4
"""Of the log-likelihood per coefficient, at which the search ends: 1e-4 of a standard error moves
the log-likelihood by 5e-9."""
STEP = 1e-4
"""Of the central differences of the gradient that give the information."""


class IntervalModelError(ValueError):
    """The model has no estimate for these data."""


@dataclass(frozen=True)
class IntervalModel:
    """Estimates of a model with p covariates and k pieces."""

    coefficient: FloatArray
    """(p,) log hazard ratios."""
    standard_error: FloatArray
    """(p,) from the inverse of the observed information."""
    cuts: FloatArray
    """(k - 1,) times at which the baseline hazard changes."""
    log_rate: FloatArray
    """(k,) log of the baseline hazard."""
    log_rate_error: FloatArray
    """(k,)"""
    variance: float
    """s2 of u; 0 where it was left out or ended at the border."""
    log_sd_error: float
    """Standard error of log s; NaN without it."""
    loglik: float
    n: int
    n_events: int
    n_groups: int
    is_converged: bool


@dataclass(frozen=True)
class _Data:
    """Subjects, sorted by group."""

    x: FloatArray
    """(n, p)"""
    lower: FloatArray
    """(n, k) time up to L in each piece."""
    between: FloatArray
    """(n, k) time between L and R in each piece; 0 where R is infinite or equal to L."""
    is_between: BoolArray
    """(n,) the event was between two different times."""
    piece: IntArray
    """(n,) piece of a known event; -1 for others."""
    group: IntArray
    """(n,) ascending."""
    n_groups: int


def interval_model(
    lower: ArrayLike,
    upper: ArrayLike,
    columns: ArrayLike,
    group: ArrayLike | None = None,
    *,
    cuts: ArrayLike | None = None,
    nodes: int = NODES,
) -> IntervalModel:
    """Maximum likelihood of the model above.

    Args:
        lower: (n,) last time without the event, 0 or more.
        upper: (n,) first time with it; equal to ``lower`` where known, infinite where not seen.
        columns: (n, p) covariates, none missing; p may be 0.
        group: (n,) labels of the random effect; None leaves it out.
        cuts: times at which the baseline hazard changes; by default quantiles of the middles of the
            events' intervals, for 6 pieces.
        nodes: of the quadrature.

    Raises:
        ValueError: limits or covariates are missing, out of order or unlike in length.
        IntervalModelError: no event, or a piece without one.
    """
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    x = np.asarray(columns, dtype=np.float64)
    if low.shape != high.shape or x.ndim != 2 or x.shape[0] != low.size:
        raise ValueError(f"unlike in length: {low.shape}, {high.shape}, {x.shape}")
    if not (np.isfinite(low) & (low >= 0) & (high >= low)).all() or not np.isfinite(x).all():
        raise ValueError("limits must be 0 or more and in order, covariates known")
    is_event = np.isfinite(high)
    if not is_event.any():
        raise IntervalModelError("no event")
    middle = (low[is_event] + high[is_event]) / 2
    if cuts is None:
        edges = np.unique(np.quantile(middle, np.arange(1, N_PIECES) / N_PIECES))
        inner = edges[(edges > middle.min()) & (edges < middle.max())]
    else:
        inner = np.asarray(cuts, dtype=np.float64)
    if (np.bincount(np.searchsorted(inner, middle), minlength=inner.size + 1) == 0).any():
        raise IntervalModelError("a piece of the baseline hazard has no event")
    data = _data(low, high, x, group, inner)
    return _fit(data, inner, nodes, has_effect=group is not None)


def _data(
    low: FloatArray, high: FloatArray, x: FloatArray, group: ArrayLike | None, cuts: FloatArray
) -> _Data:
    labels = np.arange(low.size) if group is None else np.asarray(group)
    _, code = np.unique(labels, return_inverse=True)
    order = np.argsort(code, kind="stable")
    low, high, x, code = low[order], high[order], x[order], code[order]
    is_between = np.isfinite(high) & (high > low)
    exposure = _exposure(low, cuts)
    until = _exposure(np.where(is_between, high, low), cuts)
    piece = np.where(high == low, np.searchsorted(cuts, low), -1)
    return _Data(x, exposure, until - exposure, is_between, piece, code, int(code.max()) + 1)


def _exposure(time: FloatArray, cuts: FloatArray) -> FloatArray:
    """(n, k) time spent in each piece up to a time."""
    start = np.concatenate(([0.0], cuts))
    length = np.concatenate((np.diff(start), [np.inf]))
    return np.clip(time[:, None] - start, 0.0, length)


def _fit(data: _Data, cuts: FloatArray, nodes: int, *, has_effect: bool) -> IntervalModel:
    from scipy.optimize import minimize

    k, p = cuts.size + 1, data.x.shape[1]
    is_event = data.is_between | (data.piece >= 0)
    at_risk = data.lower.sum(axis=0) + data.between.sum(axis=0) / 2
    share = data.between / np.maximum(data.between.sum(axis=1, keepdims=True), 1e-300)
    seen = share[data.is_between].sum(axis=0) + np.bincount(
        data.piece[data.piece >= 0], minlength=k
    )
    start = np.concatenate((np.log(np.maximum(seen, 0.5) / at_risk), np.zeros(p)))
    scale = np.concatenate((np.ones(k), np.maximum(data.x.std(axis=0), 1e-12) ** -1))
    if has_effect:
        start, scale = np.append(start, 0.0), np.append(scale, 1.0)

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = _loglik(data, theta * scale, k, nodes, has_effect=has_effect)
        return -value, -gradient * scale

    bounds = [(None, None)] * (k + p) + [(MIN_LOG_SD, 3.0)] * int(has_effect)
    found = minimize(
        loss, start / scale, jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 1000, "maxfun": 2000, "ftol": 1e-15, "gtol": GRADIENT, "maxcor": 30},
    )  # fmt: skip
    theta = found.x * scale
    at_border = has_effect and theta[-1] <= MIN_LOG_SD + 1e-6
    free = np.arange(theta.size - int(at_border))
    information = _information(data, theta, free, k, nodes, has_effect=has_effect)
    try:
        variance = np.diag(np.linalg.inv(information))
    except np.linalg.LinAlgError as error:
        raise IntervalModelError("the information has no inverse: a collinear term") from error
    is_good = bool((variance > 0).all())
    errors = np.full(theta.size, np.nan)
    errors[free] = np.sqrt(np.where(variance > 0, variance, np.nan))
    value, gradient = _loglik(data, theta, k, nodes, has_effect=has_effect)
    reached = np.abs(gradient[free] * np.nan_to_num(errors[free])).max() < 1e-2
    sd = float(np.exp(theta[-1])) if has_effect and not at_border else 0.0
    return IntervalModel(
        coefficient=theta[k : k + p],
        standard_error=errors[k : k + p],
        cuts=cuts,
        log_rate=theta[:k],
        log_rate_error=errors[:k],
        variance=sd**2,
        log_sd_error=float(errors[-1]) if has_effect else float("nan"),
        loglik=value,
        n=data.group.size,
        n_events=int(is_event.sum()),
        n_groups=data.n_groups,
        is_converged=is_good and bool(reached),
    )


def _loglik(
    data: _Data, theta: FloatArray, k: int, nodes: int, *, has_effect: bool
) -> tuple[float, FloatArray]:
    """The log-likelihood and its gradient in (log rates, coefficients, log s)."""
    p = data.x.shape[1]
    rate, eta = np.exp(theta[:k]), data.x @ theta[k : k + p]
    risk = np.exp(eta)
    a, width = risk * (data.lower @ rate), risk * (data.between @ rate)
    known = data.piece >= 0
    fixed = float((theta[:k][data.piece[known]] + eta[known]).sum())
    if has_effect:
        sd = float(np.exp(theta[-1]))
        u, log_weight = _nodes(data, a, width, sd, nodes)
    else:
        sd, u, log_weight = 1.0, np.zeros((data.n_groups, 1)), np.zeros((data.n_groups, 1))
    scaled = np.exp(u)[data.group]
    part, d_a, d_width = _at(data, a[:, None] * scaled, width[:, None] * scaled)
    part[known] += u[data.group[known]]
    first = np.flatnonzero(np.concatenate(([True], np.diff(data.group) > 0)))
    joint = np.add.reduceat(part, first, axis=0) + log_weight
    if has_effect:
        joint -= 0.5 * (u / sd) ** 2 + np.log(sd) + 0.5 * np.log(2 * np.pi)
    top = joint.max(axis=1, keepdims=True)
    each = np.exp(joint - top)
    total = each.sum(axis=1, keepdims=True)
    posterior = each / total
    weight = posterior[data.group]
    g_a = (weight * d_a * scaled).sum(axis=1)
    g_width = (weight * d_width * scaled).sum(axis=1)
    by_rate = rate * ((risk * g_a) @ data.lower + (risk * g_width) @ data.between)
    by_rate += np.bincount(data.piece[known], minlength=k)
    by_eta = g_a * a + g_width * width + known
    gradient = np.concatenate((by_rate, by_eta @ data.x))
    if has_effect:
        gradient = np.append(gradient, float((posterior * ((u / sd) ** 2 - 1)).sum()))
    return fixed + float((top + np.log(total)).sum()), gradient


def _at(data: _Data, a: FloatArray, width: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(n, q) log-likelihood of each subject, -a + log(1 - exp(-width)), and its derivatives."""
    value = -a.copy()
    d_width = np.zeros(width.shape)
    inside = data.is_between
    w = np.maximum(width[inside], 1e-300)
    value[inside] += np.log(-np.expm1(-w))
    with np.errstate(over="ignore"):
        d_width[inside] = 1.0 / np.expm1(w)
    return value, np.full(a.shape, -1.0), d_width


def _nodes(
    data: _Data, a: FloatArray, width: FloatArray, sd: float, nodes: int
) -> tuple[FloatArray, FloatArray]:
    """(g, q) nodes and log weights, around each group's mode of u and as wide as its curvature."""
    mode = np.zeros(data.n_groups)
    known = np.bincount(data.group[data.piece >= 0], minlength=data.n_groups).astype(np.float64)
    for _ in range(MODE_STEPS):
        slope, curve = _slope(data, a, width, mode, sd, known)
        move = np.clip(slope / curve, -1.0, 1.0)
        mode = mode + move
        if np.abs(move).max() < 1e-6:
            break
    _, curve = _slope(data, a, width, mode, sd, known)
    z, w = np.polynomial.hermite.hermgauss(nodes)
    spread = np.sqrt(2.0 / curve)[:, None]
    return mode[:, None] + spread * z, np.log(w) + z**2 + np.log(spread)


def _slope(
    data: _Data, a: FloatArray, width: FloatArray, mode: FloatArray, sd: float, known: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(g,) slope of the log posterior in u, and its curvature with the sign turned, above 0."""
    scale = np.exp(mode)[data.group]
    at, w = a * scale, np.maximum(width * scale, 1e-300)
    with np.errstate(over="ignore"):
        growth = np.expm1(w)
        pull = np.where(data.is_between, w / growth, 0.0)
        # d/du of w / (e^w - 1) is that (1 - w e^w / (e^w - 1)); e^w / (e^w - 1) = 1 + 1 / (e^w - 1)
        bend = pull * (1.0 - w - pull)
    slope = np.bincount(data.group, pull - at, data.n_groups) + known - mode / sd**2
    curve = np.bincount(data.group, at - bend, data.n_groups) + 1.0 / sd**2
    return slope, np.asarray(curve, dtype=np.float64)


def _information(
    data: _Data, theta: FloatArray, free: IntArray, k: int, nodes: int, *, has_effect: bool
) -> FloatArray:
    """(f, f) minus the second derivatives in the free parameters, by central differences."""
    rows = []
    for j in free.tolist():
        step = np.zeros(theta.size)
        step[j] = STEP
        up = _loglik(data, theta + step, k, nodes, has_effect=has_effect)[1]
        down = _loglik(data, theta - step, k, nodes, has_effect=has_effect)[1]
        rows.append(-(up - down)[free] / (2 * STEP))
    found = np.array(rows)
    return np.asarray((found + found.T) / 2)
