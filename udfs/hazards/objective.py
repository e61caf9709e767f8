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

from udfs.hazards.design import FloatArray
from udfs.hazards.determinant import Determinant
from udfs.hazards.partial import Partial
from udfs.hazards.problem import CoxProblem
from udfs.hazards.solver import Mode, Pair, Snapshot, coefficient_covariance, maximise, snapshot


@dataclass(frozen=True)
class Solution:
    """The fit at one variance. Coefficients in the solver's units."""

    variance: float
    b: FloatArray
    """(p,)"""
    u: FloatArray
    """(K,) predicted effects of the groups ever at risk."""
    loglik_integrated: float
    loglik_penalized: float
    partial: Partial
    """At (b, u)."""
    baseline: FloatArray
    """(T,) jumps of the baseline hazard, at linear predictor 0."""
    second_moment: float
    """About the mean over groups of E[u^2 | data], which EM would take as the next variance."""
    n_steps: int
    is_converged: bool


class Objective(Protocol):
    """An integrated log-likelihood as a function of the variance."""

    problem: CoxProblem

    def solve(self, variance: float, decrement: float) -> Solution:
        """The fit at one variance, to a Newton decrement of ``decrement``."""
        ...

    def covariance(self, solution: Solution) -> tuple[Pair, FloatArray]:
        """The coefficients' covariance (p, p) and theirs with the random effects (K, p), and the
        random effects' variance at known coefficients (K,) where it is known, else empty."""
        ...


@dataclass
class WarmStarts:
    """Solutions met so far, from which the next one's start is interpolated."""

    seen: dict[float, Pair] = field(default_factory=dict)

    def add(self, variance: float, b: FloatArray, u: FloatArray) -> None:
        """Remember a solution."""
        self.seen[float(np.log(variance))] = (b, u)

    def start(self, variance: float) -> Pair:
        """On the line in log variance through the two nearest, or the nearest if they are far."""
        x = float(np.log(variance))
        near = sorted(self.seen, key=lambda k: abs(k - x))[:2]
        b, u = self.seen[near[0]]
        if len(near) < 2 or abs(near[0] - x) > 2 * abs(near[1] - near[0]):
            return b, u
        share = (x - near[0]) / (near[1] - near[0])
        other_b, other_u = self.seen[near[1]]
        return b + share * (other_b - b), u + share * (other_u - u)


class LaplaceObjective:
    """Laplace's approximation with a given way to the determinant."""

    def __init__(
        self, problem: CoxProblem, determinant: Determinant, start: Mode, decrement: float
    ) -> None:
        """``start`` is the fit without random effect."""
        self.problem = problem
        self.determinant = determinant
        self.decrement = decrement
        self._start = start
        self._snapshot: Snapshot = snapshot(problem, start.partial)
        self._is_fresh = False
        self._warm = WarmStarts()

    def solve(self, variance: float) -> Solution:
        """The fit at one variance."""
        b, u = self._start.b, np.zeros(self.problem.n_groups)
        if self._warm.seen:
            b, u = self._warm.start(variance)
        mode = maximise(self.problem, variance, b, u, self._snapshot, self.decrement)
        if not self._is_fresh:
            # Once taken near the solution the preconditioner serves all later variances.
            self._snapshot, self._is_fresh = snapshot(self.problem, mode.partial), True
        self._warm.add(variance, mode.b, mode.u)
        log_det = self.determinant.value(mode.partial, variance)
        curvature = self._snapshot.diagonal + 1.0 / variance
        return Solution(
            variance,
            mode.b,
            mode.u,
            mode.loglik_penalized - log_det / 2,
            mode.loglik_penalized,
            mode.partial,
            mode.partial.a1 * np.exp(-mode.partial.shift),
            float(np.mean(mode.u**2 + 1.0 / curvature)),
            mode.n_steps,
            mode.is_converged and bool(np.isfinite(log_det)),
        )

    def covariance(self, solution: Solution) -> Pair:
        """The coefficients' covariance (p, p), and theirs with the random effects (K, p)."""
        return coefficient_covariance(
            self.problem, solution.partial, solution.variance, self._snapshot
        )
