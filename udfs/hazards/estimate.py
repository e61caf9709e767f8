"""The variance that maximises the integrated likelihood, and the fits on the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from scipy.linalg import eigh
from scipy.special import chdtri

from udfs.hazards.arrays import FloatArray, Pair, unit
from udfs.hazards.data import check_groups
from udfs.hazards.determinant import determinant_for
from udfs.hazards.errors import CollinearTermError, ConstantTermError, SeparatedTermError
from udfs.hazards.index import Ties
from udfs.hazards.objective import LaplaceObjective, Objective, Solution
from udfs.hazards.partial import Partial
from udfs.hazards.prior import Prior
from udfs.hazards.problem import CoxProblem
from udfs.hazards.quadrature import QuadratureObjective
from udfs.hazards.result import Method
from udfs.hazards.search import CLOSE, likelihood_limit, maximise_along
from udfs.hazards.solver import Mode, Snapshot, maximise, snapshot

SMALLEST, LARGEST = float(np.log(1e-6)), float(np.log(400.0))
"""Log variances between which the maximum is looked for."""
TRIED_AT_BOUNDARY = (0.05, 0.5)
"""Variances tried before the likelihood is said to be highest at 0."""
NO_RISE = 1e-7
"""A rise above the likelihood at variance 0 that is too small to be told from rounding."""
CLOSE_ENOUGH_TO_TEST = 1e-3
"""Last step in the log variance where only the likelihood's maximum is asked for: 1e-3 beside it,
the likelihood of 1,000 groups that tell the variance to 5 % is lower by 2e-4."""
MAX_PREDICTION_ERROR = 2e-3
"""Largest difference of a likelihood from the one predicted at the maximum of the parabola: what
the maximum itself is then higher is of the second order, below 1e-4."""
TOO_NEAR = 1e-5
"""Points in the log variance so near that rounding would make the parabola's bend."""
SIMILAR_STEP = 0.03
"""First step in the log variance from that of a model that differs in a term."""
MAX_STANDARD_ERROR = 20.0
"""Standard error of a level's log hazard ratio (of a number's, per standard deviation) beyond which
the likelihood has no maximum that a computer can find."""
SINGULAR = 1e-9
"""Share of a column's information that the other columns leave, below which it is collinear."""


@dataclass(frozen=True)
class Options:
    """How to fit."""

    ties: Ties = "efron"
    method: Method = "laplace"
    """``laplace`` with the exact determinant; ``sparse``, R coxme's default approximation of it; or
    ``aghq``, adaptive Gauss-Hermite quadrature (15 nodes) of the likelihood with the baseline as a
    parameter."""
    determinant: Literal["auto", "exact", "lanczos"] = "auto"
    """For ``laplace``: exact, by Lanczos, or exact unless a block of strata has so many event
    points that it would take seconds."""
    variance: float | None = None
    """Given variance; 0 fits without random effect, None estimates it."""
    interval: bool = True
    """Whether to compute the variance's profile-likelihood interval."""
    confidence: float = 0.95
    """Of that interval."""

    def __post_init__(self) -> None:
        """Raises ValueError for an unknown or impossible option."""
        for name, known in (
            ("method", get_args(Method)),
            ("ties", get_args(Ties)),
            ("determinant", ("auto", "exact", "lanczos")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(known)}"
                )
        if self.variance is not None and not 0 <= self.variance < np.inf:
            raise ValueError(f"variance is {self.variance}; it must be 0 or more")
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence is {self.confidence}; it must be between 0 and 1")


@dataclass
class Profile:
    """The integrated log-likelihood as a function of the log variance; keeps the best solution."""

    objective: Objective
    best: Solution | None = None
    latest: Solution | None = None
    values: dict[float, float] = field(default_factory=dict)

    def value(self, log_variance: float) -> float:
        """The integrated log-likelihood there."""
        if log_variance not in self.values:
            solution = self.objective.solve(float(np.exp(log_variance)))
            self.values[log_variance] = solution.loglik_integrated
            self.latest = solution
            if self.best is None or solution.loglik_integrated > self.best.loglik_integrated:
                self.best = solution
        return self.values[log_variance]

    def curvature(self, log_variance: float) -> float:
        """Minus the second derivative at the maximum, from the values nearest to it that are far
        enough for their differences to mean something."""
        far = [x for x in self.values if abs(x - log_variance) > 0.02]
        near = sorted(far, key=lambda x: abs(x - log_variance))[:1]
        if not near:
            return 1.0
        drop = self.values[log_variance] - self.values[near[0]]
        return max(2 * drop / (near[0] - log_variance) ** 2, 1e-3)


@dataclass(frozen=True)
class Estimate:
    """A fitted model, before standard errors."""

    null: Partial
    """At coefficients 0 without random effect."""
    fixed: Mode
    """The fit without random effect."""
    taken: Snapshot
    """The coefficients' information without random effect, at coefficients 0."""
    profile: Profile | None
    """None without random effect."""
    best: Solution | None
    """None without random effect, and where the likelihood is highest at variance 0."""
    is_converged: bool

    @property
    def loglik(self) -> float:
        """The integrated log-likelihood at its maximum."""
        return self.fixed.loglik_penalized if self.best is None else self.best.loglik_integrated

    @property
    def variance(self) -> float:
        """s2; 0 without random effect and at the boundary."""
        return 0.0 if self.best is None else self.best.variance


@dataclass(frozen=True)
class WithoutEffect:
    """The fit without random effect, and where it began."""

    null: Partial
    taken: Snapshot
    fixed: Mode


def fixed_effects(problem: CoxProblem) -> WithoutEffect:
    """The coefficients that maximise the partial likelihood without random effect.

    Raises:
        TermError: columns that are constant or collinear among the rows at risk.
    """
    start = np.zeros(problem.n_columns)
    null = problem.partial(start)
    taken = snapshot(problem, null, with_groups=False)
    check_collinear(problem, null, taken.bb)
    return WithoutEffect(null, taken, maximise(problem, Prior(1.0), start, np.zeros(0), taken))


def estimate(
    problem: CoxProblem, options: Options, near: float | None = None, close: float = CLOSE
) -> Estimate:
    """Coefficients, random effects and variance.

    Args:
        problem: the data.
        options: how to fit.
        near: a variance that the estimate is thought to be near, such as that of a similar model.
        close: last step of the search in the log variance.

    Raises:
        TermError: collinear columns; with a random effect also columns that separate the events.
        NoRepetitionError: groups without repetition.
    """
    without = fixed_effects(problem)
    null, taken, fixed = without.null, without.taken, without.fixed
    if len(problem.group_labels) == 0 or options.variance == 0:
        return Estimate(null, fixed, taken, None, None, fixed.is_converged)
    check_groups(len(problem.group_labels), problem.data.n_rows)
    check_separated(problem, fixed)
    profile = Profile(_objective(problem, options, fixed))
    if options.variance is not None:
        profile.value(float(np.log(options.variance)))
        assert profile.best is not None
        converged = fixed.is_converged and profile.best.is_converged
        return Estimate(null, fixed, taken, profile, profile.best, converged)
    best, converged = _maximise_variance(profile, fixed, near, close)
    if best is None or best.loglik_integrated < fixed.loglik_penalized + NO_RISE:
        return Estimate(null, fixed, taken, profile, None, fixed.is_converged)
    return Estimate(null, fixed, taken, profile, best, converged and best.is_converged)


@dataclass(frozen=True)
class Near:
    """The likelihood's maximum of a model like another one."""

    loglik: float
    """Integrated."""
    variance: float
    curvature: float | None
    """Minus the second derivative by the log variance; None where it was not needed."""


def maximum_near(
    problem: CoxProblem,
    options: Options,
    variance: float,
    start: Pair,
    curvature: float | None = None,
) -> Near:
    """The integrated log-likelihood at its maximum, found from a similar model's fit: what a
    likelihood-ratio test needs, in a third of the time of ``estimate``.

    Args:
        problem: the data.
        options: how to fit.
        variance: the similar model's, above 0.
        start: (p,) its coefficients, in the solver's units, and (K,) its random effects, of the
            groups ever at risk.
        curvature: that of such a model. With it two likelihoods say where the peak is; the third,
            there, must be what they predict.
    """
    if options.method != "aghq" and options.variance is None:
        profile = Profile(_laplace(problem, options, start, problem.partial(*start)))
        x = float(np.log(variance))
        if curvature is not None:
            peak, predicted = _predicted_maximum(profile, x, curvature)
            is_near = abs(peak - x) < 5 * SIMILAR_STEP
            if is_near and abs(profile.value(peak) - predicted) < MAX_PREDICTION_ERROR:
                points = (x, x + SIMILAR_STEP, peak)
                at, value = _vertex({point: profile.value(point) for point in points})
                return Near(value, float(np.exp(at)), curvature)
        at, converged = maximise_along(
            profile.value, x, SIMILAR_STEP, SMALLEST, LARGEST, CLOSE_ENOUGH_TO_TEST
        )
        if converged:
            return Near(profile.value(at), float(np.exp(at)), profile.curvature(at))
    found = estimate(problem, options, variance, CLOSE_ENOUGH_TO_TEST)
    return Near(found.loglik, found.variance, None)


def _predicted_maximum(profile: Profile, x: float, curvature: float) -> tuple[float, float]:
    """Where the parabola of this curvature through two points peaks, and how high."""
    here, there = profile.value(x), profile.value(x + SIMILAR_STEP)
    slope = (there - here) / SIMILAR_STEP + curvature * SIMILAR_STEP / 2
    return x + slope / curvature, here + slope**2 / (2 * curvature)


def _vertex(values: Mapping[float, float]) -> tuple[float, float]:
    """Where the parabola through three points peaks, and how high; the highest of them where two
    are so near that it is there, or they do not bend downwards."""
    best = max(values, key=values.__getitem__)
    x = np.array(list(values)) - best
    if len(x) < 3 or np.diff(np.sort(x)).min() < TOO_NEAR:
        return best, values[best]
    bend, slope, _ = np.polyfit(x, np.array(list(values.values())) - values[best], 2)
    if not bend < 0:
        return best, values[best]
    return best - slope / (2 * bend), values[best] - slope**2 / (4 * bend)


def variance_interval(found: Estimate, confidence: float) -> tuple[float, float]:
    """Profile-likelihood limits of the variance; the lower is 0 where 0 is not excluded, the upper
    infinite where no variance up to 400 is."""
    assert found.profile is not None
    profile, top = found.profile, found.loglik
    drop = float(chdtri(1, 1 - confidence)) / 2
    if found.best is None:
        high = likelihood_limit(profile.value, top, SMALLEST, drop, float(np.log(0.2)), LARGEST)
        return 0.0, np.inf if high is None else float(np.exp(high))
    peak = max(profile.values, key=profile.values.__getitem__)
    width = float(np.clip(np.sqrt(2 * drop / profile.curvature(peak)), 0.01, 3.0))
    low = None
    if top - found.fixed.loglik_penalized > drop:
        guess = max(peak - width, SMALLEST)
        low = likelihood_limit(profile.value, top, peak, drop, guess, SMALLEST)
    guess = min(peak + width, LARGEST)
    high = likelihood_limit(profile.value, top, peak, drop, guess, LARGEST)
    return (
        0.0 if low is None else float(np.exp(low)),
        np.inf if high is None else float(np.exp(high)),
    )


def check_collinear(problem: CoxProblem, null: Partial, information: FloatArray) -> None:
    """Refuse columns whose coefficients the rows at risk together cannot tell apart.

    Raises:
        ValueError: names the column and those it depends on.
    """
    names = [_column_name(*column) for column in problem.design.columns]
    p = len(names)
    expected = null.expected
    for j in range(p):
        column = problem.columns.times(unit(p, j))
        if information[j, j] <= SINGULAR * float(expected @ column**2):
            raise ConstantTermError(
                f"{names[j]} is the same in all rows at risk together (such as a column that is "
                "constant within each stratum); it says nothing about the hazard: leave it out",
                *problem.design.columns[j],
            )
    inverse = 1.0 / np.sqrt(np.diag(information))
    scaled = information * np.outer(inverse, inverse)
    for j in range(1, p):
        weights = np.linalg.solve(scaled[:j, :j], scaled[:j, j])
        if 1.0 - float(weights @ scaled[:j, j]) < SINGULAR:
            others = [names[i] for i in range(j) if abs(weights[i]) > 1e-6]
            raise CollinearTermError(
                f"{names[j]} follows from {', '.join(others)}: collinear terms have no separate "
                "hazard ratios; leave one of them out",
                *problem.design.columns[j],
            )


def check_separated(problem: CoxProblem, fixed: Mode) -> None:
    """Refuse columns in which the likelihood rises without end. A random effect adds no maximum:
    the events stay on one side of the column within every group.

    Raises:
        SeparatedTermError: names the column with the largest standard error.
    """
    if not problem.n_columns:
        return
    information = snapshot(problem, fixed.partial, with_groups=False).bb
    values, vectors = eigh(information)
    flat = values < MAX_STANDARD_ERROR**-2
    if not flat.any():
        return
    variance = (vectors**2) @ (1.0 / np.maximum(values, np.finfo(float).tiny))
    j = int(np.argmax(variance))
    term, label = problem.design.columns[j]
    raise SeparatedTermError(
        f"{_column_name(term, label)} has no finite hazard ratio: the events fall on one side of "
        f"it, and its coefficient diverges to {'+' if fixed.b[j] > 0 else '-'}infinity; merge it "
        "or leave it out",
        term,
        label,
    )


def _objective(problem: CoxProblem, options: Options, fixed: Mode) -> Objective:
    if options.method == "aghq":
        return QuadratureObjective(problem, fixed)
    start = (fixed.b, np.zeros(problem.n_groups))
    return _laplace(problem, options, start, fixed.partial)


def _laplace(problem: CoxProblem, options: Options, start: Pair, at: Partial) -> LaplaceObjective:
    kind = "sparse" if options.method == "sparse" else options.determinant
    return LaplaceObjective(problem, determinant_for(problem, kind), start, at)


def _maximise_variance(
    profile: Profile, fixed: Mode, near: float | None, close: float
) -> tuple[Solution | None, bool]:
    """The solution at the best variance, None for 0; False if the search ended at a limit."""
    problem = profile.objective.problem
    residual = problem.by_group(problem.index.event_weight - fixed.partial.expected)
    hessian = problem.group_hessian(fixed.partial)
    excess = float(residual @ residual) - float(hessian.diagonal.sum())
    if excess <= 0:
        # The likelihood falls as the variance leaves 0; unless it rises later, 0 is the maximum.
        tried = {v: profile.value(float(np.log(v))) for v in TRIED_AT_BOUNDARY}
        start = max(tried, key=tried.__getitem__)
        if tried[start] <= fixed.loglik_penalized:
            return None, True
        near = start
    if near is None:
        # Poisson counts with log-normal rates: Var O = E + E^2 (exp(s2) - 1).
        near = float(np.clip(np.log1p(excess / float(hessian.d @ hessian.d)), 1e-3, 3.0))
    start = float(np.log(near))
    profile.value(start)
    assert profile.best is not None
    # EM's own step has the right sign; it is too short by about the share of what is known.
    step = float(np.log(profile.best.second_moment / profile.best.variance))
    step = float(np.clip(3 * step, -1.0, 1.0))
    step = step if abs(step) > 0.05 else 0.05 * (1.0 if step >= 0 else -1.0)
    at, converged = maximise_along(profile.value, start, step, SMALLEST, LARGEST, close)
    latest = profile.latest
    is_latest = latest is not None and abs(np.log(latest.variance) - at) < 1e-12
    return latest if is_latest else profile.best, converged


def _column_name(term: str, label: str) -> str:
    return f"column {label!r}" if term == label else f"term {term!r}, column {label!r}"
