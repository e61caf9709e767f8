"""Markov chains on phi, one or more per lesion, all lesions of a block moved at once.

One sweep at a fixed population point proposes, in turn:

1. a draw from the population for all components (kernel 1 of Kuhn & Lavielle 2005);
2. a draw from the population for each component alone, given the others. For F this is what lets a
   lesion move between its two modes;
3. a random walk on each component, the step adapted per lesion towards 40 % acceptance (kernel 2);
4. a random walk on all components with the lesion's own covariance (kernel 3);
5. the model's move along its ridge, where it has one.

Moves 2, 4 and 5 cut the integrated autocorrelation time of the sufficient statistics on the
two-population model from about 28 sweeps to 2 or 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.growth.likelihood import loglik, predicted, row_terms, scale_derivatives
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.population import Population, inverse_of, root_of
from udfs.growth.problem import Problem

TARGET_ACCEPTANCE = 0.4
RIDGE_STEP = 0.6
"""Standard deviation of the ridge move, log kg."""
FORGETTING = 0.05
"""Weight of the newest draw in the running covariance of a lesion."""
SWEEPS_BEFORE_COVARIANCE = 30


@dataclass(frozen=True)
class Target:
    """The distribution of phi in a block: population point, typical phi, residual error."""

    mean: FloatArray
    """(p, n)"""
    precision: FloatArray
    """(p, p)"""
    factor: FloatArray
    """(p, p) Cholesky factor of omega."""
    error: FloatArray

    @staticmethod
    def at(population: Population, mean: FloatArray) -> Target:
        """The target at a population point, ``mean`` being the block's typical phi."""
        return Target(
            mean,
            inverse_of(population.omega),
            root_of(population.omega),
            population.error,
        )

    def log_prior(self, phi: FloatArray) -> FloatArray:
        """(n,) log density of the population, up to a constant."""
        r = phi - self.mean
        total = np.zeros(phi.shape[1])
        for k in range(len(r)):
            total += self.precision[k, k] * r[k] * r[k]
            for other in range(k):
                if self.precision[k, other] != 0.0:
                    total += (2.0 * self.precision[k, other]) * r[k] * r[other]
        return -0.5 * total


class BlockChain:
    """The chains of one block of lesions. Not shared between threads."""

    def __init__(self, problem: Problem, lesions: IntArray, rng: np.random.Generator) -> None:
        """``lesions`` are in fit order and may repeat (several chains of a lesion)."""
        self.problem = problem
        self.lesions = lesions
        self.block = problem.block(lesions)
        self.last_day = problem.last_day[lesions]
        self.rng = rng
        p, n = problem.n_parameters, len(lesions)
        self.phi = np.zeros((p, n))
        self.psi = np.zeros((p, n))
        self.loglik = np.zeros(n)
        self.log_prior = np.zeros(n)
        self.log_step = np.zeros((p, n))
        self.log_block_step = np.full(n, np.log(1.5))
        self.running_mean = np.zeros((p, n))
        self.running_cov = np.zeros((p, p, n))
        self.block_factor: FloatArray | None = None
        self.n_sweeps = 0

    def start(self, target: Target) -> None:
        """Put every chain at its lesion's typical phi."""
        self.phi = target.mean.copy()
        self.psi = self._psi(self.phi)
        self.running_mean = self.phi.copy()
        spread = np.sqrt(np.diag(target.factor @ target.factor.T))
        self.running_cov = np.repeat(np.diag(0.25 * spread**2)[:, :, None], self.phi.shape[1], 2)
        self.log_step = np.repeat(np.log(0.5 * spread)[:, None], self.phi.shape[1], axis=1)
        self.refresh(target)

    def refresh(self, target: Target) -> None:
        """Recompute the densities of the current state after the population point has moved."""
        self.loglik = self._loglik(self.psi, target)
        self.log_prior = target.log_prior(self.phi)

    def sweep(self, target: Target, adaptation: float) -> None:
        """One sweep; ``adaptation`` 0 freezes the steps (needed for exact moments)."""
        self._prior_draw(target)
        for k in range(len(self.phi)):
            self._conditional_draw(target, k)
        for k in range(len(self.phi)):
            self._component_walk(target, k, adaptation)
        self._block_walk(target, adaptation)
        self._ridge(target)
        self.n_sweeps += 1
        if adaptation > 0:
            self._follow()

    def _psi(self, phi: FloatArray) -> FloatArray:
        return np.stack([one.to_psi(phi[k]) for k, one in enumerate(self.problem.model.parameters)])

    def _loglik(self, psi: FloatArray, target: Target) -> FloatArray:
        columns = [one[:, None] for one in psi]
        return loglik(self.problem.model, self.problem.error, self.block, columns, target.error)[
            :, 0
        ]

    def _decide(
        self,
        proposed: FloatArray,
        target: Target,
        log_ratio: FloatArray | None,
        log_prior: FloatArray | None = None,
        component: int | None = None,
    ) -> BoolArray:
        """Accept or reject ``proposed`` (p, n); ``log_ratio`` is added to the likelihood's.

        With ``log_ratio`` None the ratio of the population densities is used.
        """
        if component is None:
            psi = self._psi(proposed)
        else:
            psi = self.psi.copy()
            psi[component] = self.problem.model.parameters[component].to_psi(proposed[component])
        new = self._loglik(psi, target)
        if log_prior is None:
            log_prior = target.log_prior(proposed)
        gain = new - self.loglik
        gain += (log_prior - self.log_prior) if log_ratio is None else log_ratio
        with np.errstate(invalid="ignore"):
            is_taken = gain > -self.rng.standard_exponential(len(new))
        np.copyto(self.phi, proposed, where=is_taken)
        np.copyto(self.psi, psi, where=is_taken)
        np.copyto(self.loglik, new, where=is_taken)
        np.copyto(self.log_prior, log_prior, where=is_taken)
        return is_taken

    def _prior_draw(self, target: Target) -> None:
        z = self.rng.standard_normal(self.phi.shape)
        proposed = target.mean + _times_factor(target.factor, z)
        self._decide(proposed, target, np.zeros(1))

    def _conditional_draw(self, target: Target, k: int) -> None:
        precision = target.precision[k]
        pull = np.zeros(self.phi.shape[1])
        for other in range(len(precision)):
            if other != k and precision[other] != 0.0:
                pull += precision[other] * (self.phi[other] - target.mean[other])
        z = self.rng.standard_normal(self.phi.shape[1])
        proposed = self.phi.copy()
        proposed[k] = target.mean[k] - pull / precision[k] + z / np.sqrt(precision[k])
        self._decide(proposed, target, np.zeros(1), component=k)

    def _component_walk(self, target: Target, k: int, adaptation: float) -> None:
        z = self.rng.standard_normal(self.phi.shape[1])
        proposed = self.phi.copy()
        proposed[k] += np.exp(self.log_step[k]) * z
        is_taken = self._decide(proposed, target, None, component=k)
        if adaptation > 0:
            self.log_step[k] += adaptation * (is_taken - TARGET_ACCEPTANCE)

    def _block_walk(self, target: Target, adaptation: float) -> None:
        if self.block_factor is None:
            return
        z = self.rng.standard_normal(self.phi.shape)
        step = np.exp(self.log_block_step)
        proposed = self.phi + step * _times_factors(self.block_factor, z)
        is_taken = self._decide(proposed, target, None)
        if adaptation > 0:
            self.log_block_step += adaptation * (is_taken - 0.3)

    def _ridge(self, target: Target) -> None:
        step = RIDGE_STEP * self.rng.standard_normal(self.phi.shape[1])
        moved = self.problem.model.ridge_move(self.phi, step, self.last_day)
        if moved is None:
            return
        proposed, log_jacobian = moved
        log_prior = target.log_prior(proposed)
        self._decide(proposed, target, log_prior - self.log_prior + log_jacobian, log_prior)

    def _follow(self) -> None:
        """Running mean and covariance of each chain; the block walk's factor now and then."""
        off = self.phi - self.running_mean
        self.running_mean += FORGETTING * off
        for k in range(len(off)):
            for other in range(k + 1):
                new = off[k] * off[other]
                self.running_cov[k, other] += FORGETTING * (new - self.running_cov[k, other])
                self.running_cov[other, k] = self.running_cov[k, other]
        if self.n_sweeps >= SWEEPS_BEFORE_COVARIANCE and self.n_sweeps % 10 == 0:
            self.block_factor = factors_of(self.running_cov)

    def error_statistic(self, target: Target) -> tuple[float, FloatArray, FloatArray]:
        """What the error parameters' M-step needs, at the current state.

        Returns:
            Sum over rows of E[r^2] (r the standardised residual; closed form for censored rows),
            the score of the log error parameters (e,) and their expected information (e, e).
        """
        problem, error = self.problem, self.problem.error
        f = predicted(problem.model, self.block, [one[:, None] for one in self.psi])
        first, _ = scale_derivatives(self.block, row_terms(error, self.block, f, target.error))
        shares = error.shares(f, target.error)
        if shares is None:
            total = float(first.sum())
            return total + len(f), np.array([total]), np.array([[2.0 * len(f)]])
        score = np.array([float((first * one).sum()) for one in shares])
        information = 2.0 * np.array([[float((a * b).sum()) for b in shares] for a in shares])
        return float(first.sum()) + len(f), score, information


def _times_factor(factor: FloatArray, z: FloatArray) -> FloatArray:
    """(p, p) lower factor times (p, n)."""
    out = np.zeros_like(z)
    for k in range(len(z)):
        for other in range(k + 1):
            if factor[k, other] != 0.0:
                out[k] += factor[k, other] * z[other]
    return out


def _times_factors(factors: FloatArray, z: FloatArray) -> FloatArray:
    """(p, p, n) lower factors times (p, n)."""
    out = np.zeros_like(z)
    for k in range(len(z)):
        for other in range(k + 1):
            out[k] += factors[k, other] * z[other]
    return out


def factors_of(covariances: FloatArray) -> FloatArray:
    """(p, p, n) Cholesky factors of (p, p, n) covariances, made safe by a small ridge."""
    p = len(covariances)
    safe = covariances.copy()
    for k in range(p):
        safe[k, k] = safe[k, k] * (1.0 + 1e-6) + 1e-8
    factors = np.linalg.cholesky(np.ascontiguousarray(safe.transpose(2, 0, 1)))
    return np.ascontiguousarray(factors.transpose(1, 2, 0))
