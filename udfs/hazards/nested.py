"""Patients within sites: two nested random effects, integrated by Laplace's approximation.

    hazard_i(t) = h(t) exp(offset_i + x_i'b + v_site + u_group),  u ~ N(0, s2),  v ~ N(0, t2)

what R's coxme writes (1 | site/group). With w_k = u_k + v_site(k) and S its covariance (``prior``)

    IPL(s2, t2) = PPL(b, w) - log |I + S H| / 2,   PPL = loglik(X b + Z w) - w' S^-1 w / 2
    log |I + S H| = log |I + s2 H| + log |I + t2 M' H (I + s2 H)^-1 M|

with (b, w) maximising PPL and H minus the Hessian of the log partial likelihood in w. The last
matrix has one row per site. Sources: Ripatti and Palmgren, Biometrics 2000; Therneau, Grambsch and
Pankratz, JCGS 2003.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import chdtri

from udfs.hazards.arrays import FloatArray, IntArray, Pair, unit
from udfs.hazards.data import CoxData
from udfs.hazards.determinant import Determinant, determinant_for
from udfs.hazards.errors import HazardDataError, NoRepetitionError
from udfs.hazards.estimate import LARGEST, NO_RISE, SMALLEST, Estimate, Options, estimate
from udfs.hazards.groups import GroupHessian
from udfs.hazards.prior import Prior
from udfs.hazards.problem import CoxProblem, prepare
from udfs.hazards.result import Frailty
from udfs.hazards.search import CLOSE, likelihood_limit, maximise_along
from udfs.hazards.solver import (
    Mode,
    PenalisedHessian,
    Snapshot,
    coefficient_covariance,
    conjugate_gradients,
    maximise,
    snapshot,
)
from udfs.threads import single_blas_thread

FIRST_RADIUS, LAST_RADIUS = 0.5, 1e-5
"""Of the search in the two log variances."""
MIN_START = 0.01
"""Variance to start from where the model with that effect alone has none."""
SOLVE = 1e-9
"""Residual of the solves for the determinant, relative to their right side."""


@dataclass(frozen=True)
class NestedFit:
    """A fit with p coefficients and effects of J sites and K groups within them."""

    columns: tuple[tuple[str, str], ...]
    """(p,) term and label of each coefficient."""
    references: tuple[str, ...]
    """(p,) the level that each is compared with; empty for numbers."""
    coefficient: FloatArray
    """(p,) log hazard ratios."""
    covariance: FloatArray
    """(p, p) from the exact information, the variances taken as known."""
    site_variance: float
    """t2; 0 at the boundary."""
    site_variance_lower: float
    """Profile-likelihood limits; NaN where not asked for or the variances were given."""
    site_variance_upper: float
    variance: float
    """s2 of the groups within sites; 0 at the boundary."""
    variance_lower: float
    variance_upper: float
    variance_alone: float
    """s2 without effects of sites."""
    loglik_null: float
    """Log partial likelihood at coefficients 0 without random effects."""
    loglik_fixed: float
    """Its maximum without random effects."""
    loglik_group: float
    """Its maximum with the groups' effects alone integrated out, these being independent."""
    loglik_site: float
    """Its maximum with the sites' effects alone integrated out."""
    loglik_integrated: float
    """Its maximum with both integrated out."""
    loglik_penalized: float
    """Log partial likelihood at coefficients and random effects less the penalty."""
    site: Frailty
    """(J,) the sites' effects v, their modes and standard deviations given the data."""
    group: NDArray[Any]
    """(K,) labels of the groups ever at risk, sorted."""
    group_effect: FloatArray
    """(K,) their effects u beside that of the site."""
    n_rows: int
    n_events: int
    n_evaluations: int
    """Pairs of variances at which the model was fitted."""
    is_converged: bool

    @property
    def standard_error(self) -> FloatArray:
        """(p,) of the coefficients."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def is_boundary(self) -> bool:
        """Whether the likelihood is highest with one of the variances, or both, at 0."""
        return self.site_variance == 0 or self.variance == 0


@single_blas_thread
def fit_nested(
    data: CoxData,
    site: ArrayLike,
    options: Options | None = None,
    variances: tuple[float, float] | None = None,
) -> NestedFit:
    """Fit a Cox model with Gaussian effects of sites and of groups within them.

    Args:
        data: rows with groups, from ``cox_data``.
        site: (n,) label of each row's site; all rows of a group have one.
        options: ``ties``, ``determinant``, ``interval`` and ``confidence`` count.
        variances: of sites and of groups, both above 0, to be taken as given.

    Raises:
        TermError: as ``fit_cox``.
        NoRepetitionError: one site, or sites of one group each.
        HazardDataError: the data has no groups, or a group is in two sites.
    """
    chosen = options or Options()
    if data.group is None:
        raise HazardDataError("nested random effects are of groups within sites; there is no group")
    problem = prepare(data, chosen.ties)
    labels, members = _sites(problem, np.asarray(site))
    alone = replace(chosen, method="laplace", variance=None, interval=False)
    by_group = estimate(problem, alone)
    by_site = estimate(prepare(replace(data, group=np.asarray(site)), chosen.ties), alone)
    determinant = determinant_for(problem, chosen.determinant)
    surface = Surface(problem, members, determinant, by_group.fixed)
    if variances is not None:
        at, is_found = variances, True
    else:
        at, is_found = _highest(surface, by_group, by_site)
    peak = _logs(at)
    top = surface.value(*peak)
    limits = [(np.nan, np.nan)] * 2
    if variances is None and chosen.interval:
        drop = float(chdtri(1, 1 - chosen.confidence)) / 2
        rises = (top - by_group.loglik > drop, top - by_site.loglik > drop)
        limits = [
            _limits(surface, peak, drop, which, rises[which], at[which] == 0) for which in (0, 1)
        ]
    mode, prior = surface.modes[peak], surface.prior(*peak)
    arrow = snapshot(problem, mode.partial).arrow(prior)
    covariance, _ = coefficient_covariance(problem, mode.partial, prior, arrow)
    scale = problem.columns.scale
    effect = prior.site_effect(mode.u)
    return NestedFit(
        columns=problem.design.columns,
        references=tuple(t.reference for t in problem.design.terms for _ in t.labels),
        coefficient=mode.b / scale,
        covariance=covariance / np.outer(scale, scale),
        site_variance=at[0],
        site_variance_lower=limits[0][0],
        site_variance_upper=limits[0][1],
        variance=at[1],
        variance_lower=limits[1][0],
        variance_upper=limits[1][1],
        variance_alone=by_group.variance,
        loglik_null=by_group.null.loglik,
        loglik_fixed=by_group.fixed.loglik_penalized,
        loglik_group=by_group.loglik,
        loglik_site=by_site.loglik,
        loglik_integrated=top if 0 not in at else max(by_group.loglik, by_site.loglik),
        loglik_penalized=mode.loglik_penalized,
        site=Frailty(labels, effect, _site_deviation(problem, mode, prior)),
        group=problem.group_labels[problem.active_groups],
        group_effect=mode.u - prior.by_group(effect),
        n_rows=data.n_rows,
        n_events=int(data.event.sum()),
        n_evaluations=len(surface.values),
        is_converged=is_found and mode.is_converged,
    )


@dataclass
class Surface:
    """The integrated log-likelihood over the log variances of sites and of groups."""

    problem: CoxProblem
    site: IntArray
    """(K,) site of each group ever at risk."""
    determinant: Determinant
    fixed: Mode
    """The fit without random effects, where the first search begins."""
    values: dict[tuple[float, float], float] = field(default_factory=dict)
    modes: dict[tuple[float, float], Mode] = field(default_factory=dict)
    _taken: Snapshot | None = None
    _latest: Pair | None = None

    def prior(self, log_site: float, log_group: float) -> Prior:
        """The effects' distribution there."""
        return Prior(float(np.exp(log_group)), float(np.exp(log_site)), self.site)

    def value(self, log_site: float, log_group: float) -> float:
        """The integrated log-likelihood there."""
        key = (log_site, log_group)
        if key not in self.values:
            prior = self.prior(*key)
            if self._taken is None or self._latest is None:
                self._taken = snapshot(self.problem, self.fixed.partial)
                self._latest = (self.fixed.b, np.zeros(self.problem.n_groups))
                first = maximise(self.problem, prior, *self._latest, self._taken)
                self._taken, self._latest = (
                    snapshot(self.problem, first.partial),
                    (first.b, first.u),
                )
            mode = maximise(self.problem, prior, *self._latest, self._taken)
            self._latest = mode.b, mode.u
            log_det = self.determinant.value(mode.partial, prior.variance)
            log_det += _sites_log_det(self.problem.group_hessian(mode.partial), prior)
            self.values[key] = mode.loglik_penalized - log_det / 2
            self.modes[key] = mode
        return self.values[key]


def _sites(problem: CoxProblem, site: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
    """Labels of the sites with a group ever at risk, and each such group's site among them."""
    rows = site[problem.rows]
    first = rows[problem.group_starts]
    moved = np.flatnonzero(rows != first[problem.row_group])
    if len(moved):
        label = problem.group_labels[problem.active_groups][problem.row_group[moved[0]]]
        raise HazardDataError(f"group {label!r} is in several sites; a group belongs to one site")
    labels, members = np.unique(first, return_inverse=True)
    if len(labels) == 1:
        raise NoRepetitionError(
            "all groups are of one site: the variance of sites needs several; leave sites out"
        )
    if len(labels) == len(first):
        raise NoRepetitionError(
            "each site has one group: the variance of sites cannot be told from that of groups; "
            "leave sites out"
        )
    return labels, members.astype(np.intp)


def _sites_log_det(hessian: GroupHessian, prior: Prior) -> float:
    """log |I + t2 M' H (I + s2 H)^-1 M|."""
    n = len(prior.sizes)
    s2, none = prior.variance, np.zeros(0)
    diagonal = 1.0 + s2 * hessian.diagonal

    def times(v: Pair) -> Pair:
        return none, v[1] + s2 * hessian.times(v[1])

    def precondition(v: Pair) -> Pair:
        return none, v[1] / diagonal

    inside = np.empty((n, n))
    for j in range(n):
        _, y = conjugate_gradients(times, precondition, (none, (prior.site == j) * 1.0), SOLVE)
        inside[:, j] = prior.by_site(hessian.times(y))
    sign, value = np.linalg.slogdet(np.eye(n) + prior.site_variance * (inside + inside.T) / 2)
    return float(value) if sign > 0 else -np.inf


def _logs(at: tuple[float, float]) -> tuple[float, float]:
    """The log variances, kept between the limits of the search."""
    logs = np.log(np.clip(at, np.exp(SMALLEST), np.exp(LARGEST)))
    return float(logs[0]), float(logs[1])


def _highest(
    surface: Surface, by_group: Estimate, by_site: Estimate
) -> tuple[tuple[float, float], bool]:
    """The variances of the highest likelihood, 0 where a model without one effect is as high, and
    whether the search ended there."""
    start = max(by_site.variance, MIN_START), max(by_group.variance, MIN_START)
    found = minimize(
        lambda x: -surface.value(float(x[0]), float(x[1])),
        np.log(start),
        method="COBYQA",
        bounds=[(SMALLEST, LARGEST)] * 2,
        options={"initial_tr_radius": FIRST_RADIUS, "final_tr_radius": LAST_RADIUS},
    )
    best = max(surface.values, key=surface.values.__getitem__)
    edge = max(by_group, by_site, key=lambda one: one.loglik)
    if edge.loglik > surface.values[best] - NO_RISE:
        at = (0.0, edge.variance) if edge is by_group else (edge.variance, 0.0)
        return at, edge.is_converged
    return (float(np.exp(best[0])), float(np.exp(best[1]))), found.success and max(best) < LARGEST


def _limits(
    surface: Surface,
    peak: tuple[float, float],
    drop: float,
    which: int,
    excludes_zero: bool,
    is_zero: bool,
) -> tuple[float, float]:
    """Profile-likelihood limits of one variance, the other estimated anew at each of its values."""
    near, top = {peak[which]: peak[1 - which]}, surface.value(*peak)

    def profile(x: float) -> float:
        nearest = min(near, key=lambda known: abs(known - x))

        def value(other: float) -> float:
            return surface.value(x, other) if which == 0 else surface.value(other, x)

        if near[nearest] <= SMALLEST + 1.0:
            return max(value(near[nearest]), value(SMALLEST))
        near[x], _ = maximise_along(value, near[nearest], 0.1, SMALLEST, LARGEST, CLOSE * 100)
        return value(near[x])

    x = peak[which]
    low = None
    if excludes_zero:
        low = likelihood_limit(profile, top, x, drop, max(x - 1.0, SMALLEST), SMALLEST)
    guess = float(np.log(0.2)) if is_zero else min(x + 1.0, LARGEST)
    high = likelihood_limit(profile, top, x, drop, guess, LARGEST)
    return (
        0.0 if low is None else float(np.exp(low)),
        np.inf if high is None else float(np.exp(high)),
    )


def _site_deviation(problem: CoxProblem, mode: Mode, prior: Prior) -> FloatArray:
    """(J,) standard deviation of the sites' effects given the data: what is left of each when the
    groups' effects are known, and what these and the coefficients leave open."""
    hessian = PenalisedHessian(problem, mode.partial, prior)
    arrow = snapshot(problem, mode.partial).arrow(prior)
    known = 1.0 / (1.0 / prior.site_variance + prior.sizes / prior.variance)
    left = np.empty(len(known))
    for j in range(len(known)):
        weight = prior.by_group(unit(len(known), j) * prior.shares)
        right = (np.zeros(problem.n_columns), weight)
        left[j] = weight @ conjugate_gradients(hessian.times, arrow.solve, right, SOLVE)[1]
    return np.sqrt(known + left)
