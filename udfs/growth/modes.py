"""Conditional modes (empirical Bayes estimates): the most likely parameters of each lesion.

For every lesion the maximum of log p(y | phi) + log p(phi) over phi, by a damped Newton method with
analytic gradients from several starts. One start is not enough: about one lesion in a hundred has
two modes and would end on the lower one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.growth.candidates import best_candidate
from udfs.growth.kernels import gradient_at
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Block, Problem, Pulse, run_blocks
from udfs.growth.result import GrowthFit
from udfs.growth.weights import cut_by_rows


@dataclass(frozen=True)
class ModeSettings:
    """How the mode of a lesion's parameters is looked for."""

    most_steps: int = 60
    tolerance: float = 1e-6
    """Largest component of the gradient times the random effect's standard deviation."""
    difference: float = 1e-4
    """Step, in standard deviations, for the Hessian as a difference of analytic gradients."""
    away: float = 2.5
    """Distance, in standard deviations, of the starts that look for a second mode."""
    rows_per_block: int = 4000


SEARCH = ModeSettings()


@dataclass(frozen=True)
class ConditionalModes:
    """Modes of n lesions, in the order of ``fit.lesions``."""

    phi: FloatArray
    """(n, p) Gaussian scale."""
    psi: FloatArray
    """(n, p) natural scale: the transform of ``phi``, as Monolix and saemix define it."""
    sd_phi: FloatArray
    """(n, p) from the curvature at the mode (Laplace)."""
    log_posterior: FloatArray
    """(n,) log p(y | phi) + log p(phi) at the mode."""
    is_converged: BoolArray
    """(n,) the gradient vanished."""
    n_modes: IntArray
    """(n,) different local maxima that the starts ended on."""


def conditional_modes(
    fit: GrowthFit, *, threads: int = 1, pulse: Pulse | None = None
) -> ConditionalModes:
    """The most likely parameters of each lesion given its data and the population estimates.

    Monolix's task "EBEs". Starts: the best point seen during the fit, the conditional mean, the
    typical lesion, the best point with its last parameter (F) moved down and up, and the most
    likely candidate for a second mode (``candidates``) that lies apart from the best point.
    ``pulse`` is called now and then and may raise to end the work.
    """
    problem, population = fit.problem, fit.population
    back = np.argsort(problem.order)
    order = np.argsort(back)
    best, mean = fit.best_phi[order], fit.lesions.mean_phi[order]
    tasks = cut_by_rows(problem, np.arange(problem.n_lesions), SEARCH.rows_per_block)
    done = run_blocks(
        lambda k: _block_modes(problem, population, tasks[k], best[tasks[k]], mean[tasks[k]]),
        len(tasks),
        threads,
        pulse=pulse,
    )
    phi, sd, value, is_converged, n_modes = (
        np.concatenate([one[k] for one in done])[back] for k in range(5)
    )
    psi = np.stack(
        [one.to_psi(phi[:, k]) for k, one in enumerate(problem.model.parameters)], axis=1
    )
    return ConditionalModes(
        phi, psi, sd, value, is_converged.astype(bool), n_modes.astype(np.int64)
    )


def _block_modes(
    problem: Problem,
    population: Population,
    lesions: IntArray,
    best: FloatArray,
    mean: FloatArray,
) -> tuple[FloatArray, ...]:
    typical = problem.design.mean(population.coefficients, lesions)
    sd = population.sd
    low, high = best.T.copy(), best.T.copy()
    low[-1] -= SEARCH.away * sd[-1]
    high[-1] += SEARCH.away * sd[-1]
    other = best_candidate(problem, population, lesions, best.T)
    starts = np.stack([best.T, mean.T, typical, low, high, other], axis=2)
    n_starts = starts.shape[2]
    copies = np.repeat(lesions, n_starts)
    phi, value, hessian, is_done = maximise(
        problem,
        population,
        copies,
        starts.reshape(len(starts), -1),
        np.repeat(typical, n_starts, axis=1),
    )
    values = value.reshape(-1, n_starts)
    winner = np.argmax(values, axis=1)
    at = np.arange(len(lesions)) * n_starts + winner
    points = phi.reshape(len(phi), -1, n_starts) / sd[:, None, None]
    is_other = np.abs(points - np.take_along_axis(points, winner[None, :, None], 2)).max(0) > 0.05
    is_maximum = is_done.reshape(-1, n_starts) & is_other
    n_modes = 1 + np.array([_distinct(points[:, k][:, m]) for k, m in enumerate(is_maximum)])
    covariance = np.linalg.inv(hessian[at])
    spread = np.sqrt(np.maximum(np.einsum("npp->np", covariance), 0.0))
    return phi[:, at].T, spread, value[at], is_done[at], n_modes


def _distinct(points: FloatArray) -> int:
    """Number of different columns of (p, k) points, in standard deviations, to 0.05."""
    kept: list[FloatArray] = []
    for point in points.T:
        if all(np.abs(point - one).max() > 0.05 for one in kept):
            kept.append(point)
    return len(kept)


class _Objective:
    """Log posterior density and gradient of some lesions."""

    def __init__(
        self, problem: Problem, population: Population, lesions: IntArray, typical: FloatArray
    ) -> None:
        self.problem, self.population = problem, population
        self.precision = np.linalg.inv(population.omega)
        self.constant = -0.5 * (
            len(population.omega) * np.log(2 * np.pi) + np.linalg.slogdet(population.omega)[1]
        )
        self.block: Block = problem.block(lesions)
        self.typical = typical

    def __call__(self, phi: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n,) values and (p, n) gradients."""
        value, gradient = gradient_at(self.problem, self.block, phi, self.population.error)
        off = phi - self.typical
        pull = np.einsum("pq,qn->pn", self.precision, off)
        total = value - 0.5 * (off * pull).sum(axis=0) + self.constant
        return np.nan_to_num(total, nan=-1e300, neginf=-1e300), gradient - pull

    def hessian(self, phi: FloatArray) -> FloatArray:
        """(n, p, p) minus the second derivatives, by central differences of the gradient."""
        p, n = phi.shape
        out = np.empty((n, p, p))
        for k in range(p):
            step = np.zeros((p, 1))
            step[k] = SEARCH.difference * self.population.sd[k]
            up, down = self(phi + step)[1], self(phi - step)[1]
            out[:, k] = ((down - up) / (2.0 * step[k])).T
        return 0.5 * (out + out.transpose(0, 2, 1))


def maximise(
    problem: Problem,
    population: Population,
    lesions: IntArray,
    start: FloatArray,
    typical: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Climb from (p, n) starts; ``lesions`` (n,) in fit order may repeat.

    Returns:
        (p, n) points, (n,) log posterior densities, (n, p, p) minus the Hessian (made positive
        definite) and (n,) whether the gradient vanished.
    """
    n, sd = len(lesions), population.sd
    phi, value = start.copy(), np.full(n, -np.inf)
    gradient, is_done = np.empty_like(start), np.zeros(n, dtype=bool)
    damping = np.full(n, 1e-3)
    value, gradient = _Objective(problem, population, lesions, typical)(phi)
    active = np.arange(n)
    for _ in range(SEARCH.most_steps):
        is_flat = np.abs(gradient[:, active] * sd[:, None]).max(axis=0) < SEARCH.tolerance
        is_done[active[is_flat]] = True
        active = active[~is_flat]
        if len(active) == 0:
            break
        objective = _Objective(problem, population, lesions[active], typical[:, active])
        step = _damped_step(
            objective.hessian(phi[:, active]), gradient[:, active], damping[active], sd
        )
        trial = phi[:, active] + step
        new_value, new_gradient = objective(trial)
        is_better = new_value >= value[active] - 1e-12 * np.abs(value[active])
        moved = active[is_better]
        phi[:, moved], value[moved] = trial[:, is_better], new_value[is_better]
        gradient[:, moved] = new_gradient[:, is_better]
        damping[active] = np.where(is_better, damping[active] * 0.2, damping[active] * 8.0)
        np.clip(damping, 1e-9, 1e9, out=damping)
    is_done |= np.abs(gradient * sd[:, None]).max(axis=0) < 100.0 * SEARCH.tolerance
    hessian = _positive(_Objective(problem, population, lesions, typical).hessian(phi), sd)
    return phi, value, hessian, is_done


def _damped_step(
    hessian: FloatArray, gradient: FloatArray, damping: FloatArray, sd: FloatArray
) -> FloatArray:
    """(p, n) Newton step in units of sd, curvature made positive, at most 2 sd long."""
    scaled = hessian * sd[:, None] * sd[None, :]
    values, vectors = np.linalg.eigh(scaled)
    bent = np.maximum(np.abs(values), 1e-3) + damping[:, None]
    along = np.einsum("npk,pn->nk", vectors, gradient * sd[:, None])
    step = np.einsum("npk,nk->pn", vectors, along / bent)
    length = np.sqrt((step * step).sum(axis=0))
    return step * np.minimum(1.0, 2.0 / np.maximum(length, 1e-300)) * sd[:, None]


def _positive(hessian: FloatArray, sd: FloatArray) -> FloatArray:
    """The curvature with its eigenvalues, in units of sd, kept above 1e-2."""
    values, vectors = np.linalg.eigh(hessian * sd[:, None] * sd[None, :])
    safe = np.einsum("npk,nk,nqk->npq", vectors, np.maximum(values, 1e-2), vectors)
    return safe / (sd[:, None] * sd[None, :])
