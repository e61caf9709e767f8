"""The coefficients and random effects that maximise the penalised partial likelihood.

    PPL(b, u) = loglik(X b + Z u + offset) - u'u / (2 s2)

(with sites, - u' S^-1 u / 2: see ``prior``) is concave. Newton's steps are solved by conjugate
gradients with the exact Hessian-vector product; the preconditioner is the exact Hessian but for the
off-diagonal elements between groups, taken once and used for every s2. A small problem's Hessian is
written out and factored instead, where the last factor no longer serves: with the Hessian of a
point nearby each step still leaves but a small share of the last one's error. Source: Ripatti and
Palmgren, Biometrics 2000 (the model); Therneau, Grambsch and Pankratz, JCGS 2003 (the arrow-shaped
Hessian, there instead of the exact one).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

from udfs.hazards.arrays import FloatArray, Pair, dot, unit
from udfs.hazards.partial import Partial
from udfs.hazards.prior import Inner, Prior
from udfs.hazards.problem import CoxProblem

DECREMENT = 1e-18
"""Newton stops where g' H^-1 g, twice the rise still to be had, is below this. The determinant
moves with its square root, and the variance is searched for by small differences of such values."""
SMALL_DECREMENT = 1e-10
"""Good enough where rounding allows no better: from here a step that gains little is the last."""
SLOW = 1e-2
"""A factor serves until the decrement falls to more than this share of the last one."""
MAX_STEPS = 60
MAX_CG = 400


@dataclass(frozen=True)
class Mode:
    """The maximum at one prior."""

    b: FloatArray
    """(p,) in the solver's units."""
    u: FloatArray
    """(K,) random effects of the groups ever at risk."""
    partial: Partial
    loglik_penalized: float
    decrement: float
    """g' H^-1 g there."""
    n_steps: int
    is_converged: bool


@dataclass(frozen=True)
class Snapshot:
    """The Hessian's blocks at one point, from which a preconditioner for any s2 is made."""

    bb: FloatArray
    """(p, p)"""
    ub: FloatArray
    """(K, p)"""
    diagonal: FloatArray
    """(K,)"""

    def arrow(self, prior: Prior) -> Arrow:
        """The preconditioner for the Hessian at this prior."""
        inner = prior.inner(self.diagonal)
        schur = self.bb - self.ub.T @ inner.solve(self.ub)
        return Arrow(self.ub, inner, _positive_factor(schur, np.diag(self.bb)))


@dataclass(frozen=True)
class Arrow:
    """A symmetric positive definite matrix [bb, bu; ub, inner]."""

    ub: FloatArray
    inner: Inner
    factor: FloatArray
    """(p, p) lower Cholesky factor of the Schur complement for b."""

    def solve(self, g: Pair) -> Pair:
        """The matrix's inverse times g."""
        gb, gu = g
        if len(gb) == 0:
            return gb, self.inner.solve(gu)
        zb = cho_solve((self.factor, True), gb - self.ub.T @ self.inner.solve(gu))
        return zb, self.inner.solve(gu - self.ub @ zb)


def snapshot(problem: CoxProblem, partial: Partial, with_groups: bool = True) -> Snapshot:
    """The Hessian's blocks at a point."""
    if problem.is_small:
        return blocks_of_information(problem.information(partial, with_groups), problem.n_columns)
    bb, ub = problem.cross_products(partial, with_groups)
    if not with_groups:
        return Snapshot(bb, ub, np.zeros(0))
    return Snapshot(bb, ub, problem.group_hessian(partial).diagonal)


def blocks_of_information(information: FloatArray, p: int) -> Snapshot:
    """Those of a Hessian written out (p + K, p + K), of p coefficients."""
    diagonal = np.maximum(np.diag(information)[p:], 0.0)
    return Snapshot(information[:p, :p], information[p:, :p], diagonal)


class PenalisedHessian:
    """Minus the Hessian of the penalised partial likelihood at one point; holds working memory."""

    def __init__(self, problem: CoxProblem, partial: Partial, prior: Prior) -> None:
        self._problem, self._partial, self._prior = problem, partial, prior
        self._eta, self._product, self._scratch = (np.empty(problem.index.n_rows) for _ in range(3))

    def times(self, v: Pair) -> Pair:
        """Its product with v."""
        vb, vu = v
        problem, eta, scratch = self._problem, self._eta, self._scratch
        problem.columns.times(vb, eta, scratch)
        if len(vu):
            eta += problem.by_row(vu, scratch)
        h = self._partial.hessian_times(problem.index, eta, self._product, scratch)
        hb = problem.columns.transposed_times(h)
        return hb, problem.by_group(h) + self._prior.precision_times(vu) if len(vu) else vu


def conjugate_gradients(
    times: Callable[[Pair], Pair], precondition: Callable[[Pair], Pair], g: Pair, tolerance: float
) -> Pair:
    """x with ``times(x)`` = g, to a residual of ``tolerance`` times that of x = 0, both measured
    by the preconditioner."""
    xb, xu = np.zeros_like(g[0]), np.zeros_like(g[1])
    rb, ru = g[0].copy(), g[1].copy()
    zb, zu = precondition((rb, ru))
    rho = first = dot((rb, ru), (zb, zu))
    db, du = zb.copy(), zu.copy()
    for _ in range(MAX_CG):
        if rho <= tolerance**2 * first or rho <= 0:
            break
        hb, hu = times((db, du))
        curvature = dot((db, du), (hb, hu))
        if curvature <= 0:
            # Not a maximum's Hessian: what has been found rises, or else the first direction does.
            return (xb, xu) if xb.any() or xu.any() else (db, du)
        alpha = rho / curvature
        xb += alpha * db
        xu += alpha * du
        rb -= alpha * hb
        ru -= alpha * hu
        zb, zu = precondition((rb, ru))
        previous, rho = rho, dot((rb, ru), (zb, zu))
        db = zb + (rho / previous) * db
        du = zu + (rho / previous) * du
    return xb, xu


def maximise(
    problem: CoxProblem,
    prior: Prior,
    b: FloatArray,
    u: FloatArray,
    taken: Snapshot,
    information: FloatArray | None = None,
) -> Mode:
    """The mode at one prior, from a start b (p,), u (K,); u of length 0 means no random effect.

    Args:
        problem: the data.
        prior: of the random effects; ignored without these.
        b: start, in the solver's units.
        u: start.
        taken: blocks of the Hessian, for the preconditioner; any point nearby will do.
        information: (p + K, p + K) of a small problem, at a point nearby, if there is one.
    """
    direct = Direct(problem, prior, with_groups=len(u) > 0, information=information)
    arrow: Arrow | None = None
    partial, value = _penalised(problem, prior, b, u)
    decrement = np.inf
    for step in range(MAX_STEPS + 1):
        g = _gradient(problem, partial, prior, u)
        newton = direct.step(partial, g, decrement)
        if newton is None:
            arrow = arrow or taken.arrow(prior)
            previous, decrement = decrement, dot(g, arrow.solve(g))
        else:
            previous, decrement = (decrement if direct.may_stall else np.inf), dot(g, newton)
        if is_done(decrement, previous) or step == MAX_STEPS:
            break
        if newton is None:
            assert arrow is not None
            accuracy = float(np.clip(np.sqrt(decrement), 1e-8, 0.1))
            hessian = PenalisedHessian(problem, partial, prior)
            newton = conjugate_gradients(hessian.times, arrow.solve, g, accuracy)
        db, du = newton
        rise = dot(g, (db, du))
        size = 1.0
        while True:
            new_b, new_u = b + size * db, u + size * du
            # A step so long that no row at risk has any weight left gives no likelihood; a little
            # shorter, it gives one whose derivatives overflow.
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                new_partial, new_value = _penalised(problem, prior, new_b, new_u)
            # Rounding in a sum of this size hides smaller rises.
            least = value + 1e-4 * size * rise - 1e-12 * abs(value)
            is_finite = np.isfinite(new_value) and np.isfinite(new_partial.a2).all()
            if (is_finite and new_value >= least) or size < 1e-6:
                break
            size /= 2
        if size < 1e-6:
            break
        b, u, partial, value = new_b, new_u, new_partial, new_value
    return Mode(b, u, partial, value, decrement, step, decrement <= SMALL_DECREMENT)


class Direct:
    """Newton's steps by Cholesky's factor of a small problem's whole penalised Hessian."""

    def __init__(
        self,
        problem: CoxProblem,
        prior: Prior,
        *,
        with_groups: bool,
        information: FloatArray | None,
    ) -> None:
        """``information`` as in ``maximise``."""
        self._problem, self._prior, self._with_groups = problem, prior, with_groups
        self._factor: FloatArray | None = None
        self._is_own = False
        self.may_stall = False
        """Whether the step before the last one was Newton's own, so that a decrement that has not
        fallen since is one that rounding keeps from falling."""
        self._can = problem.is_small and not (with_groups and prior.site_variance)
        if self._can and information is not None:
            self._factor = self._factored(information)

    def step(self, partial: Partial, g: Pair, previous: float) -> Pair | None:
        """The step at a point with gradient ``g``; None where the problem is not small, has sites,
        or rounding leaves the matrix without a factor.

        Args:
            partial: the point.
            g: its gradient.
            previous: the decrement at the point before; infinite at the first.
        """
        if not self._can:
            return None
        flat = np.concatenate(g)
        if len(flat) == 0:
            return g
        p = len(g[0])
        self.may_stall, self._is_own = self._is_own, False
        if self._factor is not None:
            move = cho_solve((self._factor, True), flat, check_finite=False)
            decrement = float(flat @ move)
            if decrement <= DECREMENT or decrement <= SLOW * previous:
                return move[:p], move[p:]
        self._factor = self._factored(self._problem.information(partial, self._with_groups))
        self._is_own = True
        if self._factor is None:
            self._can = False
            return None
        move = cho_solve((self._factor, True), flat, check_finite=False)
        return (move[:p], move[p:]) if np.isfinite(move).all() else None

    def _factored(self, information: FloatArray) -> FloatArray | None:
        k = len(information) - self._problem.n_columns
        matrix = with_prior(information, k, self._prior)
        try:
            return np.asarray(cho_factor(matrix, lower=True, check_finite=False)[0])
        except LinAlgError:
            return None


def with_prior(information: FloatArray, k: int, prior: Prior) -> FloatArray:
    """The penalised Hessian from a Hessian whose last k rows are of groups; not of sites."""
    matrix = information.copy()
    if k:
        own = np.arange(len(matrix) - k, len(matrix))
        matrix[own, own] += 1.0 / prior.variance
    return matrix


def is_done(decrement: float, previous: float) -> bool:
    """Whether Newton's decrement is small enough, falls no more, or is lost."""
    stalls = decrement <= SMALL_DECREMENT and decrement > previous / 4
    return decrement <= DECREMENT or stalls or not np.isfinite(decrement)


def coefficient_covariance(
    problem: CoxProblem, partial: Partial, prior: Prior, arrow: Arrow
) -> Pair:
    """The inverse of minus the penalised Hessian: its (p, p) block for the coefficients and its
    (K, p) block for the random effects by these."""
    k = len(arrow.inner.diagonal)
    if problem.is_small and not (k and prior.site_variance):
        information = problem.information(partial, with_groups=k > 0)
        matrix = with_prior(information, k, prior)
        found = np.asarray(np.linalg.solve(matrix, np.eye(len(matrix))), dtype=np.float64)
        p = problem.n_columns
        return (found[:p, :p] + found[:p, :p].T) / 2, found[p:, :p]
    hessian = PenalisedHessian(problem, partial, prior)
    return inverse_columns(hessian.times, arrow.solve, problem.n_columns, len(arrow.inner.diagonal))


def inverse_columns(
    times: Callable[[Pair], Pair], precondition: Callable[[Pair], Pair], p: int, k: int
) -> Pair:
    """The first p columns of a symmetric matrix's inverse: (p, p) and (k, p).

    With Y the solves of H Y = I_b, good to 1e-7, the first block is Y_b + Y_b' - Y'HY, whose error
    is that of Y squared.
    """
    yb, yu, hb, hu = np.empty((p, p)), np.empty((k, p)), np.empty((p, p)), np.empty((k, p))
    for j in range(p):
        column = (unit(p, j), np.zeros(k))
        solved = conjugate_gradients(times, precondition, column, 1e-7)
        yb[:, j], yu[:, j] = solved
        hb[:, j], hu[:, j] = times(solved)
    bb = yb + yb.T - (yb.T @ hb + yu.T @ hu)
    return (bb + bb.T) / 2, yu


def _penalised(
    problem: CoxProblem, prior: Prior, b: FloatArray, u: FloatArray
) -> tuple[Partial, float]:
    if len(u) == 0:
        partial = problem.partial(b)
        return partial, partial.loglik
    partial = problem.partial(b, u)
    return partial, partial.loglik - prior.penalty(u)


def _gradient(problem: CoxProblem, partial: Partial, prior: Prior, u: FloatArray) -> Pair:
    residual = problem.index.event_weight - partial.expected
    gb = problem.columns.transposed_times(residual)
    return (gb, u) if len(u) == 0 else (gb, problem.by_group(residual) - prior.precision_times(u))


def _positive_factor(schur: FloatArray, scale: FloatArray) -> FloatArray:
    """Lower Cholesky factor of the matrix, its eigenvalues (in units of ``scale``) kept above 0:
    leaving elements out can make it indefinite, and a preconditioner must not be."""
    if len(schur) == 0:
        return schur
    root_scale = np.sqrt(np.maximum(scale, np.finfo(float).tiny))
    values, vectors = eigh(schur / np.outer(root_scale, root_scale))
    root = vectors * np.sqrt(np.maximum(values, 1e-6))
    factor = np.asarray(np.linalg.qr((root_scale[:, None] * root).T, mode="r")).T
    return factor * np.sign(np.diag(factor))
