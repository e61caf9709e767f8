"""The integrated log-likelihood by adaptive Gauss-Hermite quadrature over each random effect.

The partial likelihood is the profile, over the baseline's jumps lambda_l, of a likelihood that is a
product over groups once the jumps are given:

    sum_i w_i d_i eta_i + sum_l omega_l log lambda_l + sum_k g_k(B_k)
    g_k(B) = log integral exp(A_k u - B e^u) phi(u; s2) du

with A_k the group's events and B_k its cumulative hazard at u = 0. Here the integral is done at
given jumps, and jumps and coefficients then maximise; so nothing is approximated but a smooth
integral in one dimension. Jumps of the tied events of a point are those of ``RiskIndex``, so that
at s2 = 0 this is the log partial likelihood with the same ties, up to a constant that is taken out.

Newton's steps in (b, log lambda) are solved by conjugate gradients; the preconditioner is the
information that there would be if u were known, so that each step begins as one of EM.
Sources: Pinheiro and Bates, JCGS 1995 (the nodes); Louis, JRSS B 1982 (the information).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import cho_solve, cholesky

from udfs.hazards.arrays import FloatArray, Pair, dot
from udfs.hazards.objective import Solution, Uncertainty, WarmStarts
from udfs.hazards.partial import Partial
from udfs.hazards.problem import CoxProblem
from udfs.hazards.solver import (
    MAX_STEPS,
    SMALL_DECREMENT,
    Mode,
    conjugate_gradients,
    inverse_columns,
    is_done,
)

NODES = 15
SMALL_RISE = 1e-3


@dataclass(frozen=True)
class Posterior:
    """Each group's random effect given the data, K groups."""

    log_integral: float
    """Sum of g_k."""
    mean: FloatArray
    """(K,) E u"""
    variance: FloatArray
    """(K,) Var u"""
    exp_mean: FloatArray
    """(K,) E e^u"""
    exp_variance: FloatArray
    """(K,) Var e^u"""


@dataclass(frozen=True)
class State:
    """All that is needed at one (b, log jumps)."""

    b: FloatArray
    log_jumps: FloatArray
    loglik: float
    hazard: FloatArray
    """(n,) w exp(offset + X b)."""
    exposure: FloatArray
    """(n,) the row's cumulative baseline hazard."""
    posterior: Posterior


def posteriors(
    events: FloatArray, cumulative: FloatArray, variance: float, nodes: int = NODES
) -> Posterior:
    """Integrals over u ~ N(0, s2) of exp(A u - B e^u), A = ``events``, B = ``cumulative`` (K,)."""
    mode = _modes(events, cumulative, variance)
    width = np.sqrt(2.0 / (cumulative * np.exp(mode) + 1.0 / variance))
    z, weight = _nodes(nodes)
    u = mode[:, None] + width[:, None] * z
    exp_u = np.exp(u)
    log_density = events[:, None] * u - cumulative[:, None] * exp_u - u**2 / (2 * variance)
    top = log_density.max(axis=1)
    mass = np.exp(log_density - top[:, None] + z**2) * weight
    total = mass.sum(axis=1)
    log_integral = top + np.log(total * width) - 0.5 * np.log(2 * np.pi * variance)
    mass /= total[:, None]
    mean, exp_mean = (mass * u).sum(axis=1), (mass * exp_u).sum(axis=1)
    return Posterior(
        float(log_integral.sum()),
        mean,
        (mass * (u - mean[:, None]) ** 2).sum(axis=1),
        exp_mean,
        (mass * (exp_u - exp_mean[:, None]) ** 2).sum(axis=1),
    )


@lru_cache
def _nodes(nodes: int) -> tuple[FloatArray, FloatArray]:
    z, weight = np.polynomial.hermite.hermgauss(nodes)
    return z, weight


def _modes(events: FloatArray, cumulative: FloatArray, variance: float) -> FloatArray:
    """Where A - B e^u = u / s2. Newton from above the root never crosses it."""
    tiny = np.finfo(float).tiny
    bound = np.log(np.maximum(events, tiny)) - np.log(np.maximum(cumulative, tiny))
    u = np.where(events > cumulative, np.minimum(variance * events, bound), 0.0)
    for _ in range(200):
        hazard = cumulative * np.exp(u)
        step = (events - hazard - u / variance) / (hazard + 1.0 / variance)
        u += step
        if np.abs(step).max() < 1e-13 * (1 + np.abs(u).max()):
            break
    return u


class QuadratureObjective:
    """Adaptive Gauss-Hermite quadrature."""

    def __init__(self, problem: CoxProblem, start: Mode, nodes: int = NODES) -> None:
        """``start`` is the fit without random effect."""
        self.problem = problem
        self.kind = "none"
        self.nodes = nodes
        self._events = problem.by_group(problem.index.event_weight)
        self._warm = WarmStarts()
        jumps = problem.index.jump_weight
        self._constant = float(jumps @ np.log(jumps) - jumps.sum())
        self._start = (start.b, self._jumps_of(start.partial))
        self._factor = _factor(problem, start.partial)
        self._is_fresh = False

    def solve(self, variance: float) -> Solution:
        """The fit at one variance."""
        b, log_jumps = self._warm.start(variance) if self._warm.seen else self._start
        state = self._state(b, log_jumps, variance)
        complete = _Complete(self.problem, state, self._factor)
        decrement = np.inf
        for step in range(MAX_STEPS + 1):
            g = self._gradient(state)
            first = complete.solve(g)
            previous, decrement = decrement, dot(g, first)
            if is_done(decrement, previous) or step == MAX_STEPS:
                break
            observed = _Observed(self.problem, state)
            accuracy = float(np.clip(np.sqrt(decrement), 1e-8, 0.1))
            move = conjugate_gradients(observed.times, complete.solve, g, accuracy)
            new = self._line_search(state, move, variance, dot(g, move))
            if new is None:
                break
            state = new
            complete = _Complete(self.problem, state, self._factor)
        if not self._is_fresh:
            # Taken near the solution, the preconditioner serves all later variances.
            at_mean = _known(self.problem, state)
            self._factor, self._is_fresh = _factor(self.problem, at_mean), True
        self._warm.add(variance, (state.b, state.log_jumps))
        return self._solution(state, variance, step, decrement <= SMALL_DECREMENT)

    def uncertainty(self, solution: Solution) -> Uncertainty:
        """From the observed information in coefficients and jumps; the random effects' variance is
        at these."""
        b, log_jumps = self._warm.seen[float(np.log(solution.variance))]
        state = self._state(b, log_jumps, solution.variance)
        observed = _Observed(self.problem, state)
        complete = _Complete(self.problem, state, self._factor)
        bb, _ = inverse_columns(observed.times, complete.solve, len(b), len(log_jumps))
        return Uncertainty(bb, state.posterior.variance)

    def _state(self, b: FloatArray, log_jumps: FloatArray, variance: float) -> State:
        problem, index = self.problem, self.problem.index
        eta = problem.linear_predictor(b)
        hazard = index.weight * np.exp(eta)
        exposure = _exposure(problem, np.exp(log_jumps))
        cumulative = problem.by_group(hazard * exposure)
        posterior = posteriors(self._events, cumulative, variance, self.nodes)
        loglik = (
            float(index.event_weight @ eta)
            + float(index.jump_weight @ log_jumps)
            + posterior.log_integral
            - self._constant
        )
        return State(b, log_jumps, loglik, hazard, exposure, posterior)

    def _gradient(self, state: State) -> Pair:
        problem, index = self.problem, self.problem.index
        risk = state.hazard * problem.by_row(state.posterior.exp_mean)
        gb = problem.columns.transposed_times(index.event_weight - risk * state.exposure)
        return gb, index.jump_weight - np.exp(state.log_jumps) * _at_jumps(problem, risk)

    def _line_search(self, state: State, move: Pair, variance: float, rise: float) -> State | None:
        size = 1.0
        while size > 1e-6:
            new = self._state(state.b + size * move[0], state.log_jumps + size * move[1], variance)
            # A small step is Newton's own ground, and the quadrature's error hides so small a rise.
            if rise < SMALL_RISE or new.loglik >= state.loglik + 1e-4 * size * rise:
                return new
            size /= 2
        return None

    def _jumps_of(self, partial: Partial) -> FloatArray:
        """(L,) logarithms of the jumps that maximise at known random effects."""
        index = self.problem.index
        at_jumps = _at_jumps(self.problem, partial.risk)
        return np.log(index.jump_weight / at_jumps) - partial.shift

    def _solution(self, state: State, variance: float, step: int, converged: bool) -> Solution:
        problem, posterior = self.problem, state.posterior
        partial = problem.partial(state.b, posterior.mean)
        return Solution(
            variance,
            state.b,
            posterior.mean,
            state.loglik,
            partial.loglik - float(posterior.mean @ posterior.mean) / (2 * variance),
            partial,
            np.add.reduceat(np.exp(state.log_jumps), problem.index.jump_starts),
            float(np.mean(posterior.mean**2 + posterior.variance)),
            step,
            converged,
        )


def _exposure(problem: CoxProblem, jumps: FloatArray) -> FloatArray:
    """(n,) each row's sum over its points of the jumps (L,), an event's own by its fractions."""
    index = problem.index
    total = index.spread(np.add.reduceat(jumps, index.jump_starts))
    if index.has_fractions:
        own = np.add.reduceat(index.jump_fraction * jumps, index.jump_starts)
        total[index.event_rows] -= own[index.event_points]
    return total


def _at_jumps(problem: CoxProblem, x: FloatArray) -> FloatArray:
    """(L,) the sum of x (n,) over the rows at risk at each jump: the transpose of ``_exposure``."""
    index = problem.index
    total = index.risk_sum(x)[index.jump_point]
    if index.has_fractions:
        total -= index.jump_fraction * index.event_sum(x)[index.jump_point]
    return total


def _known(problem: CoxProblem, state: State) -> Partial:
    """The partial likelihood with the logarithm of each group's E e^u as its random effect."""
    return problem.partial(state.b, np.log(state.posterior.exp_mean))


def _factor(problem: CoxProblem, partial: Partial) -> FloatArray:
    bb, _ = problem.cross_products(partial, False)
    return np.asarray(cholesky(bb, lower=True)) if len(bb) else bb


class _Complete:
    """The information in (b, log jumps) that there would be if the random effects were known."""

    def __init__(self, problem: CoxProblem, state: State, factor: FloatArray) -> None:
        """``factor``: Cholesky factor of the coefficients' information, here or nearby."""
        self._problem, self._factor = problem, factor
        self._risk = state.hazard * problem.by_row(state.posterior.exp_mean)
        self._jumps = np.exp(state.log_jumps)
        self._diagonal = self._jumps * _at_jumps(problem, self._risk)

    def solve(self, g: Pair) -> Pair:
        """Its inverse times g."""
        gb, gl = g
        dl = gl / self._diagonal
        if len(gb) == 0:
            return gb, dl
        problem = self._problem
        across = self._risk * _exposure(problem, self._jumps * dl)
        db = cho_solve((self._factor, True), gb - problem.columns.transposed_times(across))
        back = _at_jumps(problem, self._risk * problem.columns.times(db))
        return db, (gl - self._jumps * back) / self._diagonal


class _Observed:
    """The observed information: the complete less the variance of the score given the data."""

    def __init__(self, problem: CoxProblem, state: State) -> None:
        self._problem, self._state = problem, state
        self._risk = state.hazard * problem.by_row(state.posterior.exp_mean)
        self._jumps = np.exp(state.log_jumps)
        self._diagonal = self._jumps * _at_jumps(problem, self._risk)

    def times(self, v: Pair) -> Pair:
        """Its product with v."""
        vb, vl = v
        problem, state = self._problem, self._state
        x = problem.columns.times(vb)
        moved = _exposure(problem, self._jumps * vl)
        beta = problem.by_group(state.hazard * (state.exposure * x + moved))
        missing = state.hazard * problem.by_row(state.posterior.exp_variance * beta)
        weighted = self._risk * x - missing
        hb = problem.columns.transposed_times(weighted * state.exposure + self._risk * moved)
        return hb, self._diagonal * vl + self._jumps * _at_jumps(problem, weighted)
