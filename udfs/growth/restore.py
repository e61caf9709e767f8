"""A fit at given population values, and larger models started from a fit: no search from afar.

``fit_at`` puts everything that follows a fit (modes, draws, residuals, predictive checks) on top of
population values that are already known: an earlier fit's, or published ones. ``extend_fit`` adds
covariates or correlations of the random effects to a fit and climbs from its maximum by Newton's
method on the importance-sampled likelihood: a few passes over the data instead of a fit anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from udfs.growth.data import GrowthData
from udfs.growth.importance import LesionMoments, lesion_moments, lesion_parts
from udfs.growth.individual import population_from_natural
from udfs.growth.information import curvature
from udfs.growth.learning import learn_again, worst_lesions
from udfs.growth.minus2ll import minus2_loglik
from udfs.growth.model_base import GrowthModel
from udfs.growth.modes import ConditionalModes, maximise
from udfs.growth.newton import NewtonRun, newton_direction, run_newton
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.population import OmegaKind, Population, Structure
from udfs.growth.problem import Censoring, Problem, compile_problem, run_blocks, worker_pool
from udfs.growth.proposals import (
    Nodes,
    Parts,
    Proposal,
    make_nodes,
    make_proposal,
    nodes_at_least,
)
from udfs.growth.residual_error import ErrorKind, ResidualError
from udfs.growth.result import LARGEST_MC_SHARE, GrowthFit, assemble_fit, monte_carlo_shares
from udfs.growth.second_modes import with_second_modes
from udfs.growth.settings import FitSettings
from udfs.growth.sharpening import LESIONS_PER_BLOCK, parts_around_modes, sharpened
from udfs.threads import one_blas_thread

RESTORE, EXTEND = 60, 61
"""Purposes of nodes."""


@dataclass(frozen=True)
class RestoreSettings:
    """How a stored fit is made again, or extended, without fitting it from the start."""

    poor_share: float = 0.08
    """Lesions with a smaller share of effective nodes are learnt anew by chains."""
    fewest_for_parts: float = 12.0
    """Effective nodes of the first round from which a lesion's next proposal can be made."""
    most_nodes: int = 1792
    """Enough for some hundredths of a standard error: with few lesions these are large."""
    first_share: int = 4
    """The first climb, which only has to come near, has so many times fewer nodes."""
    first_tolerance: float = 1e-2
    """Of the first climb: squared distance to the maximum in standard errors."""
    last_tolerance: float = 1e-3
    """The same of the last."""
    most_steps: int = 12


RESTORED = RestoreSettings()


def fit_at(
    data: GrowthData,
    values: Mapping[str, float],
    *,
    model: GrowthModel,
    error: ErrorKind = "proportional",
    omega: OmegaKind = "diagonal",
    covariates: Mapping[str, Sequence[str]] | None = None,
    references: Mapping[str, str] | None = None,
    censoring: Censoring = "interval",
    count_baseline: bool = False,
    near: FloatArray | None = None,
    n_nodes: int = 0,
    seed: int = 20230607,
    threads: int = 1,
) -> GrowthFit:
    """What a fit would return if these population values were its maximum.

    Individual estimates, likelihood and information are those at ``values``; nothing is estimated,
    so ``convergence`` only says how far from the maximum they are (``newton_decrement``).

    Args:
        values: every estimate by label, natural scale (``GrowthFit.labels`` and ``estimates``).
        near: (n, p) Gaussian values near each fitted lesion's mode, in the order of the data; the
            search for it then starts there only.
        n_nodes: importance nodes per lesion; 0 chooses half of what a fit of so many lesions has,
            at most 1,792.
        model, error, omega, covariates, references, censoring, count_baseline, seed, threads: as
            in ``fit_growth``.

    Raises:
        GrowthDataError: nothing can be evaluated in the data.
        ValueError: a label is missing or unknown, a value is impossible, or ``near`` has another
            shape.
    """
    problem = compile_problem(
        data,
        model=model,
        error=ResidualError(error),
        censoring=censoring,
        count_baseline=count_baseline,
        covariates=covariates,
        references=references,
    )
    structure = Structure(problem.model, problem.error, omega, problem.design)
    n_nodes = _node_count(n_nodes, problem)
    population = population_from_natural(structure, _ordered(structure, values))
    with one_blas_thread(), worker_pool(threads) as pool:
        work = _Work(problem, structure, seed, threads, pool)
        if near is not None and near.shape != (problem.n_lesions, structure.p):
            shape = (problem.n_lesions, structure.p)
            raise ValueError(f"near has shape {near.shape}; {shape} is needed")
        if near is not None:
            near = near[np.argsort(np.argsort(problem.order))].T
        parts = parts_around_modes(problem, population, near, threads=threads, pool=pool)
        proposal = work.sharpened(parts, population, n_nodes // 2, RESTORE + 1)
        theta = structure.pack(population)
        run = work.standing(theta, proposal, make_nodes(structure.p, n_nodes, seed, RESTORE))
        return work.assembled(run, proposal, n_nodes // 2)


def extend_fit(
    fit: GrowthFit,
    *,
    data: GrowthData | None = None,
    covariates: Mapping[str, Sequence[str]] | None = None,
    references: Mapping[str, str] | None = None,
    omega: OmegaKind = "diagonal",
    n_nodes: int = 0,
    seed: int = 20230607,
    threads: int = 1,
) -> GrowthFit:
    """The maximum of a model that contains a fit's: with covariates, or with correlations.

    Newton's method from the fit, twice: with its proposals, then with proposals made where the
    first round ended. The result is comparable with ``fit``: same rows, same conventions.

    Args:
        fit: the maximum of the smaller model (of ``fit_growth``, or restored by ``fit_at``).
        data: the same lesions and rows, with covariates; by default those of ``fit``.
        covariates: names of covariates for each parameter.
        references: reference level of text covariates; by default the most frequent one.
        omega: "full" for all correlations between random effects.
        n_nodes: importance nodes per lesion to begin with; 0 chooses half of what a fit of so many
            lesions has, at most 1,792. Where their Monte Carlo error is more than the fifth of a
            standard error from which a fit is not converged, the climb goes on once with twice as
            many; with few lesions for many effects that may not help, and the fit says so.

    Raises:
        GrowthDataError: an unknown covariate or level, a missing or constant covariate.
        ValueError: ``data`` are not the rows of ``fit``.
    """
    old = fit.problem
    problem = compile_problem(
        data if data is not None else old.data,
        model=old.model,
        error=old.error,
        censoring=old.censoring,
        count_baseline=old.count_baseline,
        covariates=covariates,
        references=references,
    )
    if not np.array_equal(problem.rows, old.rows) or not np.array_equal(problem.y, old.y):
        raise ValueError("the data do not hold the rows that the fit was made of")
    structure = Structure(problem.model, problem.error, omega, problem.design)
    coefficients = np.zeros(problem.design.mask.shape)
    coefficients[0] = fit.population.coefficients[0]
    start = Population(coefficients, fit.population.omega, fit.population.error)
    n_nodes = _node_count(n_nodes, problem)
    with one_blas_thread(), worker_pool(threads) as pool:
        work = _Work(problem, structure, seed, threads, pool)
        proposal = replace(fit.proposal, population=start)
        first = make_nodes(structure.p, n_nodes // RESTORED.first_share, seed, EXTEND)
        run = work.climb(structure.pack(start), proposal, first, RESTORED.first_tolerance)
        proposal = work.renewed(run.theta, proposal, first)
        nodes = make_nodes(structure.p, n_nodes, seed, EXTEND)
        run = work.climb(run.theta, proposal, nodes, RESTORED.last_tolerance)
        if monte_carlo_shares(structure, run).max() > LARGEST_MC_SHARE:
            proposal = work.renewed(run.theta, proposal, nodes)
            n_nodes *= 2
            nodes = make_nodes(structure.p, n_nodes, seed, EXTEND)
            run = work.climb(run.theta, proposal, nodes, RESTORED.last_tolerance)
        return work.assembled(run, proposal, n_nodes // 2)


def _ordered(structure: Structure, values: Mapping[str, float]) -> FloatArray:
    missing = [label for label in structure.labels if label not in values]
    unknown = [label for label in values if label not in structure.labels]
    if missing or unknown:
        raise ValueError(
            f"values for {', '.join(structure.labels)} are needed; "
            f"missing: {', '.join(missing) or 'none'}, unknown: {', '.join(unknown) or 'none'}"
        )
    return np.array([values[label] for label in structure.labels], dtype=np.float64)


def _node_count(asked: int, problem: Problem) -> int:
    usual = min(FitSettings().nodes(problem.n_lesions) // 2, RESTORED.most_nodes)
    return nodes_at_least(asked or usual)


def nearest_modes(fit: GrowthFit, near: FloatArray, *, threads: int = 1) -> ConditionalModes:
    """Modes next to known ones: one start per lesion, no search for other modes (``n_modes`` 1).

    Args:
        near: (n, p) Gaussian values, in the order of ``fit.lesions``.
    """
    problem, population = fit.problem, fit.population
    back = np.argsort(problem.order)
    start = near[np.argsort(back)].T
    n = problem.n_lesions
    tasks = [slice(k, k + LESIONS_PER_BLOCK) for k in range(0, n, LESIONS_PER_BLOCK)]

    def block(k: int) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
        lesions = np.arange(n)[tasks[k]]
        typical = problem.design.mean(population.coefficients, lesions)
        return maximise(problem, population, lesions, start[:, tasks[k]].copy(), typical)

    done = run_blocks(block, len(tasks), threads)
    phi = np.concatenate([one[0] for one in done], axis=1).T[back]
    spread = np.linalg.inv(np.concatenate([one[2] for one in done]))[back]
    value, is_done = (np.concatenate([one[k] for one in done])[back] for k in (1, 3))
    psi = np.stack(
        [one.to_psi(phi[:, k]) for k, one in enumerate(problem.model.parameters)], axis=1
    )
    sd = np.sqrt(np.maximum(np.einsum("npp->np", spread), 0.0))
    return ConditionalModes(phi, psi, sd, value, is_done.astype(bool), np.ones(n, dtype=np.int64))


class _Work:
    """Passes over the data of one problem."""

    def __init__(
        self,
        problem: Problem,
        structure: Structure,
        seed: int,
        threads: int,
        pool: ThreadPoolExecutor | None,
    ) -> None:
        self.problem, self.structure = problem, structure
        self.seed, self.threads, self.pool = seed, threads, pool
        self.everyone: IntArray = np.arange(problem.n_lesions)

    def sharpened(self, parts: Parts, point: Population, n_nodes: int, purpose: int) -> Proposal:
        """A proposal made from a first one's weights; poor lesions are learnt by chains."""
        nodes = make_nodes(self.structure.p, n_nodes, self.seed, purpose)
        better, ess = sharpened(
            self.problem, point, parts, nodes, rounds=1, threads=self.threads, pool=self.pool
        )
        poor = np.flatnonzero(worst_lesions(ess, RESTORED.poor_share * nodes.count))
        if len(poor):
            again = learn_again(self.problem, point, poor, self.seed)
            better = better.replaced(poor, again)
        return make_proposal(self.split(better, point), point)

    def renewed(self, theta: FloatArray, proposal: Proposal, nodes: Nodes) -> Proposal:
        """A proposal for ``theta`` from the weights of another one's nodes; lesions of which they
        say too little are learnt by chains.
        """
        point, groups = self.structure.unpack(theta), [(self.everyone, nodes)]
        parts, ess = lesion_parts(
            self.problem, point, proposal, groups, threads=self.threads, pool=self.pool
        )
        few = np.flatnonzero(ess < RESTORED.fewest_for_parts)
        if len(few):
            parts = parts.replaced(few, learn_again(self.problem, point, few, self.seed))
        return make_proposal(self.split(parts, point), point)

    def split(self, parts: Parts, point: Population) -> Parts:
        """With bells of their own for second modes."""
        found = with_second_modes(self.problem, point, parts, threads=self.threads, pool=self.pool)
        return found.parts

    def moments(self, theta: FloatArray, proposal: Proposal, nodes: Nodes) -> LesionMoments:
        """One pass with derivatives."""
        return lesion_moments(
            self.structure,
            self.problem,
            self.structure.unpack(theta),
            proposal,
            [(self.everyone, nodes)],
            threads=self.threads,
            pool=self.pool,
        )

    def standing(self, theta: FloatArray, proposal: Proposal, nodes: Nodes) -> NewtonRun:
        """Where Newton's method would start: no step is made."""
        moments = self.moments(theta, proposal, nodes)
        now = curvature(self.structure, theta, self.problem.design.values, moments)
        decrement = float(now.score @ newton_direction(now))
        return NewtonRun(theta, moments, now, decrement, 0, decrement < RESTORED.first_tolerance)

    def climb(
        self, theta: FloatArray, proposal: Proposal, nodes: Nodes, tolerance: float
    ) -> NewtonRun:
        """Newton's method with fixed nodes."""
        return run_newton(
            self.structure,
            theta,
            lambda point: self.moments(point, proposal, nodes),
            tolerance=tolerance,
            most_steps=RESTORED.most_steps,
            on_step=lambda now, total: None,
        )

    def assembled(self, run: NewtonRun, proposal: Proposal, n_nodes: int) -> GrowthFit:
        """The fit, with its likelihood from fresh nodes."""
        nodes = make_nodes(self.structure.p, n_nodes, self.seed, EXTEND + 2)
        likelihood = minus2_loglik(
            self.problem,
            self.structure.unpack(run.theta),
            proposal,
            [(self.everyone, nodes)],
            threads=self.threads,
            pool=self.pool,
        )
        trace = np.zeros((0, self.structure.size))
        return assemble_fit(
            self.problem, self.structure, run, likelihood, proposal, trace, self.seed
        )
