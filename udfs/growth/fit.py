"""Fit a growth model to all lesions at once: ``fit_growth``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, get_args

import numpy as np

from udfs.growth.chains import BlockChain
from udfs.growth.data import GrowthData
from udfs.growth.importance import LesionMoments, lesion_moments
from udfs.growth.learning import learn_again, worst_lesions
from udfs.growth.minus2ll import Likelihood, minus2_loglik
from udfs.growth.model_base import GrowthModel
from udfs.growth.models import MODELS, TwoPopulation
from udfs.growth.newton import NewtonRun, run_newton, stand_at
from udfs.growth.parameters import BoolArray, FloatArray, IntArray, one_of
from udfs.growth.population import OmegaKind, Population, Structure
from udfs.growth.problem import Censoring, Problem, compile_problem, worker_pool
from udfs.growth.proposals import Nodes, Parts, Proposal, make_nodes, make_proposal
from udfs.growth.residual_error import ErrorKind, ResidualError
from udfs.growth.result import GrowthFit, assemble_fit
from udfs.growth.saem import make_chains, run_saem
from udfs.growth.second_modes import Reached, unseen_modes, with_second_modes
from udfs.growth.settings import (
    PULSE_SECONDS,
    FitInterruptedError,
    FitProgress,
    FitSettings,
    Progress,
)
from udfs.growth.sharpening import parts_around_modes, sharpened
from udfs.threads import one_blas_thread

Stage = Literal["saem", "proposals", "newton", "estimated", "likelihood"]

FIRST, SECOND, LIKELIHOOD = 0, 1, 2
"""Purposes of nodes."""
FIRST_TOLERANCE = 1e-2
"""Of the first round: a tenth of a standard error."""
FAR = 50.0
"""Squared distance in standard errors over which proposals made at the start may be too rough."""
POOR_SHARE = 0.08
"""A lesion with a smaller share of effective nodes is learnt anew: its chains may have missed one
of its modes. It also gets four times the nodes."""
POOR_ESS = 150.0
"""The same for the effective nodes that it has in the end, or half of the share above."""
FIRST_SHARPENINGS, SHARPENINGS = 2, 3
"""Rounds of weighing from modes to proposals; from the third on effective nodes grow no more."""
ACCEPTED_SHARE = 1e-3
"""Share of lesions that may keep fewer than ``POOR_ESS`` effective nodes."""


def fit_growth(
    data: GrowthData,
    *,
    model: GrowthModel | None = None,
    error: ErrorKind = "proportional",
    omega: OmegaKind = "diagonal",
    covariates: Mapping[str, Sequence[str]] | None = None,
    references: Mapping[str, str] | None = None,
    censoring: Censoring = "interval",
    count_baseline: bool = False,
    start: Mapping[str, float] | GrowthFit | None = None,
    is_near: bool = False,
    settings: FitSettings | None = None,
    seed: int = 20230607,
    threads: int = 1,
    progress: Progress | None = None,
) -> GrowthFit:
    """Maximum-likelihood estimates of a nonlinear mixed-effects growth model.

    The exact maximum, in seconds: a short SAEM run, then Newton's method on the likelihood
    computed by importance sampling.

    For users of Monolix, what is what:

    =====================================  ======================================================
    Monolix                                here
    =====================================  ======================================================
    data set, CENSORING, LIMIT, regressor  ``GrowthData.from_arrays``
    V0, T0 as regressors                   ``TwoPopulation()`` (default), ``baseline="regressor"``
    log-normal, logit-normal, normal       given by the model (``model.parameters``)
    correlation between random effects     ``omega="full"``
    covariate model                        ``covariates={"f": ["organ"], "kg": ["organ"]}``
    proportional, constant, combined1      ``error="proportional"``, ...
    initial estimates                      ``start={"kg": .01, "omega_kg": 1, "b": .3}``
    population parameters, s.e., r.s.e.    ``fit.estimates``, ``fit.standard_errors``, ...
    standard errors: stochastic approx.    Louis' information, always (never linearised)
    -2LL by importance sampling, AIC, BIC  ``fit.minus2ll``, ``fit.minus2ll_mc_se``, ``fit.aic`` ...
    EBEs task: conditional mode            ``conditional_modes(fit)``
    conditional distribution               ``fit.lesions`` (means, sds), ``conditional_draws(fit)``
    shrinkage                              ``shrinkage(fit)``
    convergence assessment                 ``fit.convergence``, ``assess_convergence(...)``
    =====================================  ======================================================

    Args:
        data: the measurements.
        model: growth model; by default Zhou 2023's with growth before the first dose.
        error: residual error.
        omega: independent random effects, or with all correlations.
        covariates: names of covariates for each parameter of the model.
        references: reference level of text covariates; by default the most frequent one.
        censoring: what a censored row contributes. ``interval`` P(lower <= y <= upper), as Monolix
            does with LIMIT; ``ignore_lower`` P(y <= upper), the M3 method without a lower limit;
            ``as_observed`` the density at the recorded value, which is wrong and only for
            comparison.
        count_baseline: whether rows that equal their own regressor (volume V0 on day T0) count as
            observations. Monolix counts every row; but their residual is 0 by construction, which
            pulls b down by about a sixth and moves the rates.
        start: starting values by label (typical values ``kg`` or ``kg_pop``, ``omega_kg``, ``b``;
            others keep the model's), or an earlier fit of the same structure (a warm start).
        is_near: whether ``start`` is known to be near the maximum, as an earlier fit is: SAEM is
            then left out.
        settings: numbers of iterations and nodes.
        seed: of all random numbers. The same data, options and seed give the same bytes, whatever
            the threads and the order of the rows.
        threads: blocks of lesions that are worked on at once.
        progress: called after every iteration, and within long ones (with an unchanged
            ``iteration``) about twice a second; returning False ends the fit.

    Returns:
        The fit. Look at ``fit.convergence.is_converged`` first.

    Raises:
        GrowthDataError: nothing can be learnt from the data (all censored, baselines only, ...).
        ValueError: an impossible option or starting value.
        FitInterruptedError: the progress callback returned False.
    """
    _check_options(model, error, omega, censoring)
    chosen = settings or FitSettings()
    problem = compile_problem(
        data,
        model=model or TwoPopulation(),
        error=ResidualError(error),
        censoring=censoring,
        count_baseline=count_baseline,
        covariates=covariates,
        references=references,
    )
    structure = Structure(problem.model, problem.error, omega, problem.design)
    run = _Run(problem, structure, chosen, seed, threads, progress)
    with one_blas_thread(), worker_pool(threads) as pool:
        run.pool = pool
        typical = float(np.median(problem.y[~problem.is_censored]))
        point = starting_point(structure, start, typical)
        return run.fit(point, is_warm=is_near or isinstance(start, GrowthFit))


def _check_options(model: object, error: str, omega: str, censoring: str) -> None:
    if not (model is None or isinstance(model, GrowthModel)):
        raise ValueError(
            f"model = {model!r} is not possible; it must be a growth model such as "
            f"growth_model('claret'). Known are {', '.join(MODELS)}"
        )
    one_of("error", error, get_args(ErrorKind))
    one_of("omega", omega, get_args(OmegaKind))
    one_of("censoring", censoring, get_args(Censoring))


def starting_point(
    structure: Structure, start: Mapping[str, float] | GrowthFit | None, typical: float
) -> Population:
    """Population point of a start; ``typical`` is the median measurement.

    Raises:
        ValueError: an unknown label, an impossible value, or a fit of another structure.
    """
    if isinstance(start, GrowthFit):
        if start.labels != structure.labels:
            raise ValueError(
                "a warm start needs a fit of the same model, covariates and error; it has "
                f"{', '.join(start.labels)}, wanted is {', '.join(structure.labels)}"
            )
        return structure.unpack(start.theta)
    given = dict(start or {})
    mu, sd = [], []
    for one in structure.model.parameters:
        value = given.pop(f"{one.name}_pop", given.pop(one.name, one.start))
        one.check(value, "start")
        mu.append(float(one.to_phi(value)))
        sd.append(given.pop(f"omega_{one.name}", one.start_omega))
    error = [
        given.pop(name, value)
        for name, value in zip(structure.error.names, structure.error.start(typical), strict=True)
    ]
    if given:
        raise ValueError(f"start holds unknown labels: {', '.join(given)}")
    if min(*sd, *error) <= 0:
        raise ValueError("start: standard deviations and error parameters must be above 0")
    coefficients = np.zeros(structure.design.mask.shape)
    coefficients[0] = mu
    return Population(coefficients, np.diag(np.square(sd)), np.array(error, dtype=np.float64))


class _Run:
    """One fit on its way."""

    def __init__(
        self,
        problem: Problem,
        structure: Structure,
        settings: FitSettings,
        seed: int,
        threads: int,
        progress: Progress | None,
    ) -> None:
        self.problem, self.structure, self.settings = problem, structure, settings
        self.seed, self.threads, self.progress = seed, threads, progress
        self.pool: ThreadPoolExecutor | None = None
        self.iteration = 0
        self.last: FitProgress | None = None
        self.told_at = time.monotonic()
        self.everyone = np.arange(problem.n_lesions)

    def report(self, stage: Stage, theta: FloatArray, minus2ll: float | None) -> None:
        """Tell the callback of an iteration; end the fit if it says so."""
        self.iteration += 1
        self._note(stage, theta, minus2ll)
        if self.last is not None:
            self._tell(self.last)

    def _note(self, stage: Stage, theta: FloatArray, minus2ll: float | None) -> None:
        if self.progress is None:
            return
        values = self.structure.natural(theta)
        self.last = FitProgress(
            stage,
            self.iteration,
            max(self.iteration, self.settings.n_explore + self.settings.n_smooth + 10),
            minus2ll,
            dict(zip(self.structure.labels, values.tolist(), strict=True)),
        )

    def pulse(self) -> None:
        """Within long work: the last state again, so that it can be ended."""
        if self.last is not None and time.monotonic() - self.told_at > PULSE_SECONDS:
            self._tell(self.last)

    def _tell(self, state: FitProgress) -> None:
        self.told_at = time.monotonic()
        if self.progress is not None and self.progress(state) is False:
            raise FitInterruptedError(state)

    def fit(self, start: Population, *, is_warm: bool) -> GrowthFit:
        """All stages."""
        n = self.problem.n_lesions
        self._note("saem", self.structure.pack(start), None)
        if is_warm:
            theta, near, trace = (
                self.structure.pack(start),
                None,
                np.zeros((0, self.structure.size)),
            )
        else:
            theta, near, trace = self._after_chains(start)
        self.problem.refuse_exact_curves(self.structure.unpack(theta).error)
        first = self._first_round(theta, near)
        theta, near = first.theta, first.moments.mean.T
        del first  # its arrays over lesions are not needed any more
        parts, is_poor = self._proposed(theta, near, SHARPENINGS)
        second, proposal = self._second_round(theta, parts, is_poor)
        self.problem.refuse_exact_curves(self.structure.unpack(second.theta).error)
        self.report("estimated", second.theta, -2.0 * second.moments.total)
        likelihood = self._likelihood(
            self.structure.unpack(second.theta), proposal, self.settings.likelihood_nodes(n)
        )
        self.report("likelihood", second.theta, likelihood.minus2ll)
        unseen = unseen_modes(
            self.problem,
            self.structure.unpack(second.theta),
            proposal,
            Reached(second.moments.loglik, second.moments.n_nodes),
            threads=self.threads,
            pool=self.pool,
            pulse=self.pulse,
        )
        return assemble_fit(
            self.problem,
            self.structure,
            second,
            likelihood,
            proposal,
            trace,
            self.seed,
            n_unseen_modes=len(unseen),
        )

    def _after_chains(self, start: Population) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Theta near the maximum, (p, n) means of each lesion's chains, and the run's trace."""
        settings = self.settings
        chains = make_chains(self.problem, settings.chains(self.problem.n_lesions), self.seed)
        saem = run_saem(
            self.problem,
            self.structure,
            start,
            chains,
            n_warm=settings.n_warm,
            n_explore=settings.n_explore,
            n_smooth=settings.n_smooth,
            n_average=settings.n_average,
            threads=self.threads,
            pool=self.pool,
            on_iteration=lambda k, now: self._after_saem(k, now, chains),
            pulse=self.pulse,
        )
        return saem.theta, self._running(chains)[0], saem.trace

    def _running(self, chains: list[BlockChain]) -> tuple[FloatArray, FloatArray]:
        """(p, n) running means and (p, p, n) covariances of each lesion's first chain."""
        copies = sum(len(one.lesions) for one in chains) // self.problem.n_lesions
        mean = [one.running_mean[:, ::copies] for one in chains]
        spread = [one.running_cov[:, :, ::copies] for one in chains]
        return np.concatenate(mean, axis=-1), np.concatenate(spread, axis=-1)

    def _likelihood(self, point: Population, proposal: Proposal, count: int) -> Likelihood:
        return minus2_loglik(
            self.problem,
            point,
            proposal,
            self._nodes(count, LIKELIHOOD),
            threads=self.threads,
            pool=self.pool,
            pulse=self.pulse,
        )

    def _after_saem(self, iteration: int, now: Population, chains: list[BlockChain]) -> None:
        value = None
        every = self.settings.report_every
        if self.progress is not None and every and iteration % every == 0:
            value = self._rough(now, chains)
        self.report("saem", self.structure.pack(now), value)

    def _rough(self, now: Population, chains: list[BlockChain]) -> float:
        """-2 log-likelihood from 112 nodes per lesion around the chains' running moments."""
        mean, spread = self._running(chains)
        proposal = make_proposal(Parts(np.stack([mean] * 3), np.stack([spread] * 3)), now)
        return self._likelihood(now, proposal, 112).minus2ll

    def _nodes(self, count: int, purpose: int) -> list[tuple[IntArray, Nodes]]:
        nodes = make_nodes(self.problem.n_parameters, count, self.seed, purpose)
        return [(self.everyone, nodes)]

    def _moments(
        self, theta: FloatArray, proposal: Proposal, groups: list[tuple[IntArray, Nodes]]
    ) -> LesionMoments:
        return lesion_moments(
            self.structure,
            self.problem,
            self.structure.unpack(theta),
            proposal,
            groups,
            threads=self.threads,
            pool=self.pool,
            pulse=self.pulse,
        )

    def _newton(
        self,
        theta: FloatArray,
        proposal: Proposal,
        groups: list[tuple[IntArray, Nodes]],
        tolerance: float,
    ) -> NewtonRun:
        return run_newton(
            self.structure,
            theta,
            lambda point: self._moments(point, proposal, groups),
            tolerance=tolerance,
            most_steps=self.settings.most_newton_steps,
            on_step=lambda now, total: self.report("newton", now, -2.0 * total),
        )

    def _first_round(self, theta: FloatArray, near: FloatArray | None) -> NewtonRun:
        """Newton with few nodes, to come near; from afar twice, with proposals made anew."""
        count = self.settings.first_nodes(self.problem.n_lesions)
        for _ in range(2):
            parts, is_poor = self._proposed(theta, near, FIRST_SHARPENINGS)
            self.report("proposals", theta, None)
            proposal = make_proposal(parts, self.structure.unpack(theta))
            run = self._newton(theta, proposal, self._groups(count, is_poor), FIRST_TOLERANCE)
            way = run.theta - theta
            if way @ run.curvature.observed @ way < FAR:
                break
            theta, near = run.theta, run.moments.mean.T
        return run

    def _proposed(
        self, theta: FloatArray, near: FloatArray | None, rounds: int
    ) -> tuple[Parts, BoolArray]:
        """Parts for proposals at ``theta``, and the lesions that were learnt anew.

        All but those depend on ``theta`` alone (see ``sharpening``); ``near`` (p, n) is where their
        modes are looked for.
        """
        point = self.structure.unpack(theta)
        count = self.settings.first_nodes(self.problem.n_lesions)
        nodes = make_nodes(self.problem.n_parameters, count, self.seed, FIRST)
        parts = parts_around_modes(
            self.problem,
            point,
            near,
            threads=self.threads,
            pool=self.pool,
            pulse=self.pulse,
        )
        parts, ess = sharpened(
            self.problem,
            point,
            parts,
            nodes,
            rounds=rounds,
            threads=self.threads,
            pool=self.pool,
            pulse=self.pulse,
        )
        is_poor = worst_lesions(ess, POOR_SHARE * nodes.count)
        if is_poor.any():
            parts = self._learnt_again(point, parts, is_poor, 0)
        found = with_second_modes(
            self.problem,
            point,
            parts,
            threads=self.threads,
            pool=self.pool,
            pulse=self.pulse,
        )
        return found.parts, is_poor | found.is_split

    def _second_round(
        self, theta: FloatArray, parts: Parts, is_poor: BoolArray
    ) -> tuple[NewtonRun, Proposal]:
        """Newton with all nodes; lesions whose weights are uneven are learnt anew."""
        n = self.problem.n_lesions
        count = self.settings.nodes(n)
        point = self.structure.unpack(theta)
        proposal = make_proposal(parts, point)
        run = self._newton(theta, proposal, self._groups(count, is_poor), self.settings.tolerance)
        for attempt in (1, 2):
            is_new = worst_lesions(run.moments.ess, min(POOR_ESS, 0.5 * POOR_SHARE * count))
            if np.count_nonzero(is_new) <= ACCEPTED_SHARE * n:
                break
            parts = self._learnt_again(self.structure.unpack(run.theta), parts, is_new, attempt)
            before, proposal = proposal, make_proposal(parts, point)
            run = self._renewed(run, before, proposal, is_poor, is_new)
            is_poor = is_poor | is_new
            if run.decrement > self.settings.tolerance:
                groups = self._groups(count, is_poor)
                run = self._newton(run.theta, proposal, groups, self.settings.tolerance)
        return run, proposal

    def _learnt_again(
        self, point: Population, parts: Parts, is_new: BoolArray, attempt: int
    ) -> Parts:
        """Parts in which some lesions' come from fresh chains."""
        new = np.flatnonzero(is_new)
        again = learn_again(self.problem, point, new, self.seed + attempt, self.pulse)
        return parts.replaced(new, again)

    def _renewed(
        self,
        run: NewtonRun,
        before: Proposal,
        after: Proposal,
        was_poor: BoolArray,
        is_new: BoolArray,
    ) -> NewtonRun:
        """The same point with the moments of a few lesions from better nodes."""
        count = self.settings.nodes(self.problem.n_lesions)
        old = self._moments(run.theta, before, self._groups(count, was_poor, is_new))
        new = self._moments(run.theta, after, self._groups(count, was_poor | is_new, is_new))
        moments = run.moments.changed(np.flatnonzero(is_new), old, new)
        return stand_at(self.structure, run.theta, moments, run.n_steps)

    def _groups(
        self, count: int, is_poor: BoolArray, is_asked: BoolArray | None = None
    ) -> list[tuple[IntArray, Nodes]]:
        """Four times the nodes for lesions whose weights are uneven."""
        p = self.problem.n_parameters
        wanted = np.ones_like(is_poor) if is_asked is None else is_asked
        groups = [
            (np.flatnonzero(wanted & ~is_poor), 1),
            (np.flatnonzero(wanted & is_poor), 4),
        ]
        return [
            (lesions, make_nodes(p, more * count, self.seed, SECOND))
            for lesions, more in groups
            if len(lesions)
        ]
