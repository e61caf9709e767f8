"""The integrated log-likelihood at a variance, by Laplace's approximation.

    IPL(s2) = PPL(b, u) - log |I + s2 H| / 2,  (b, u) maximising PPL at s2

with PPL as in ``solver`` and H minus the Hessian of the log partial likelihood in the random
effects there. As s2 goes to 0 this becomes the log partial likelihood without random effect.
Source: Ripatti and Palmgren, Biometrics 2000.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from udfs.hazards.arrays import FloatArray, Pair
from udfs.hazards.determinant import Determinant, whole_log_det
from udfs.hazards.frailty import conditional_variance
from udfs.hazards.partial import Partial
from udfs.hazards.prior import Prior
from udfs.hazards.problem import CoxProblem
from udfs.hazards.solver import (
    Snapshot,
    blocks_of_information,
    coefficient_covariance,
    maximise,
    snapshot,
)


@dataclass(frozen=True)
class Solution:
    """The fit at one variance; coefficients in the solver's units."""

    variance: float
    b: FloatArray
    """(p,)"""
    u: FloatArray
    """(K,) predicted effects of the groups ever at risk."""
    loglik_integrated: float
    loglik_penalized: float
    """log partial likelihood at (b, u) less u'u / (2 s2)."""
    partial: Partial
    """At (b, u)."""
    baseline: FloatArray
    """(T,) jumps of the baseline hazard where the linear predictor is 0."""
    second_moment: float
    """About the mean over groups of E[u^2 | data], which EM would take as the next variance."""
    n_steps: int
    is_converged: bool


@dataclass(frozen=True)
class Uncertainty:
    """Of one solution, at its variance; in the solver's units."""

    coefficients: FloatArray
    """(p, p) covariance."""
    u_variance: FloatArray
    """(K,) variance of the random effects given the data."""


class Objective(Protocol):
    """An integrated log-likelihood as a function of the variance."""

    problem: CoxProblem
    kind: str
    """How its determinant is computed; "none" without one."""

    def solve(self, variance: float) -> Solution:
        """The fit at one variance."""
        ...

    def uncertainty(self, solution: Solution) -> Uncertainty:
        """From the information at a solution."""
        ...


@dataclass
class WarmStarts:
    """Solutions met so far, from which the next one's start is interpolated."""

    seen: dict[float, Pair] = field(default_factory=dict)

    def add(self, variance: float, solution: Pair) -> None:
        """Remember a solution."""
        self.seen[float(np.log(variance))] = solution

    def start(self, variance: float) -> Pair:
        """On the line in log variance through the two nearest, or the nearest if they are far."""
        x = float(np.log(variance))
        near = sorted(self.seen, key=lambda k: abs(k - x))[:2]
        here = self.seen[near[0]]
        if len(near) < 2 or abs(near[0] - x) > 2 * abs(near[1] - near[0]):
            return here
        share = (x - near[0]) / (near[1] - near[0])
        there = self.seen[near[1]]
        return here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])


class LaplaceObjective:
    """Laplace's approximation with a given way to the determinant."""

    def __init__(
        self, problem: CoxProblem, determinant: Determinant, start: Pair, at: Partial
    ) -> None:
        """``start`` is coefficients (p,) and random effects (K,) to start from, ``at`` a point
        near the solution."""
        self.problem = problem
        self.kind: str = determinant.kind
        self._determinant = determinant
        self._is_direct = problem.is_small and determinant.kind == "exact"
        self._information = problem.information(at, with_groups=True) if self._is_direct else None
        self._snapshot = self._taken(at)
        self._start = start
        self._warm = WarmStarts()

    def solve(self, variance: float) -> Solution:
        """The fit at one variance."""
        is_first = not self._warm.seen
        b, u = self._start if is_first else self._warm.start(variance)
        prior = Prior(variance)
        mode = maximise(self.problem, prior, b, u, self._snapshot, self._information)
        if self._is_direct:
            self._information = self.problem.information(mode.partial, with_groups=True)
        if is_first:
            # Taken near the solution, the preconditioner serves all later variances.
            self._snapshot = self._taken(mode.partial)
        self._warm.add(variance, (mode.b, mode.u))
        if self._information is None:
            log_det = self._determinant.value(mode.partial, variance)
        else:
            p = len(mode.b)
            log_det = whole_log_det(self._information[p:, p:], variance)
        return Solution(
            variance,
            mode.b,
            mode.u,
            mode.loglik_penalized - log_det / 2,
            mode.loglik_penalized,
            mode.partial,
            mode.partial.a1 * np.exp(-mode.partial.shift),
            float(np.mean(mode.u**2 + 1.0 / (self._snapshot.diagonal + 1.0 / variance))),
            mode.n_steps,
            mode.is_converged and bool(np.isfinite(log_det)),
        )

    def _taken(self, at: Partial) -> Snapshot:
        if self._information is None:
            return snapshot(self.problem, at)
        return blocks_of_information(self._information, self.problem.n_columns)

    def uncertainty(self, solution: Solution) -> Uncertainty:
        """From the inverse of minus the penalised Hessian in coefficients and random effects; the
        random effects' variance includes what the coefficients' estimation adds."""
        problem, partial, variance = self.problem, solution.partial, solution.variance
        arrow = snapshot(problem, partial).arrow(Prior(variance))
        bb, ub = coefficient_covariance(problem, partial, Prior(variance), arrow)
        u_variance = conditional_variance(problem, partial, variance)
        if len(bb):
            # The joint inverse's block: (H_uu)^-1 + W V W' with W V = -ub.
            u_variance = u_variance + np.einsum("kp,kp->k", ub, np.linalg.solve(bb, ub.T).T)
        return Uncertainty(bb, u_variance)
