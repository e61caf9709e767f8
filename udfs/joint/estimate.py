"""Estimates of a joint model of lesions' growth and survival.

Given theta_L, the longitudinal parameters of the two-level growth fit, the likelihood of theta_S
(links, covariates, baseline hazard) is exact but for the number of draws: see ``likelihood``. It
is maximised by Newton's method. Standard errors are

    V = A^-1 + A^-1 B V_L B' A^-1,   B = sum_i Cov_w(s_S, s_L),

A being Louis' information, V_L the covariance of theta_L, s_S and s_L the scores of a draw, w the
weights given sizes and event: the second term is what theta_L's own error adds (Murphy and Topel
1985, J Bus Econ Stat 3:370; their cross term is 0, because s_S has mean 0 given the sizes). The
sandwich over patients stands beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from udfs.growth.patient_nodes import TwoLevelPoint
from udfs.growth.problem import worker_pool
from udfs.growth.result import GrowthFit
from udfs.growth.second_level import TwoLevelFit
from udfs.growth.two_level_theta import error_part, two_level_natural, two_level_point
from udfs.joint.arrays import FloatArray, IntArray
from udfs.joint.draws import N_DRAWS, CurveDraws, draw_curves, longitudinal_scores
from udfs.joint.errors import JointDataError
from udfs.joint.events import Events
from udfs.joint.hazards import BaselineKind, TimeNodes, baseline_of
from udfs.joint.lesions import Lesions
from udfs.joint.likelihood import PATIENTS_PER_BLOCK, EventModel, LinkDraws
from udfs.joint.links import link_labels, link_values
from udfs.joint.newton import Maximum, direction, maximise
from udfs.threads import one_blas_thread

FEW_DRAWS = 20.0
"""Effective draws of a patient below which the patient's part of the likelihood is rough."""
EVENTS_PER_LINK = 10
MIN_PATIENTS, MIN_EVENTS = 30, 20
"""Of a group of organs: patients with a lesion there, and events among them."""
OTHER_ORGAN = "other"


@dataclass(frozen=True)
class LinkTest:
    """Likelihood-ratio test of some of the links, by refitting without them."""

    dropped: tuple[str, ...]
    """Labels of the coefficients set to 0."""
    chi2: float
    df: int
    p_value: float
    mc_error: float
    """Of ``chi2``: half the difference between two halves of the draws."""


@dataclass(frozen=True)
class JointFit:
    """Estimates; S parameters, P patients, M draws."""

    labels: tuple[str, ...]
    """alpha_<link> (log hazard ratio per unit of the link), covariates, baseline hazard."""
    theta: FloatArray
    """(S,)"""
    covariance: FloatArray
    """(S, S) with the error of the longitudinal parameters."""
    covariance_given_growth: FloatArray
    """(S, S) as if they were known."""
    covariance_sandwich: FloatArray
    """(S, S) by patient, as if they were known."""
    loglik: float
    """sum_i log p(T_i, d_i | sizes_i), with the bias of a log of a mean removed."""
    loglik_mc_error: float
    mc_error: FloatArray
    """(S,) of ``theta``: half the difference between two halves of the draws."""
    effective: FloatArray
    """(P,) effective number of draws given the event, of M."""
    n_draws: int
    n_patients: int
    n_events: int
    n_steps: int
    decrement: float
    is_converged: bool
    model: EventModel
    maximum: Maximum

    @property
    def standard_errors(self) -> FloatArray:
        """(S,) NaN where the information is not positive."""
        variance = np.diag(self.covariance)
        return np.sqrt(np.where(variance > 0, variance, np.nan))

    @property
    def aic(self) -> float:
        """Of the event's part: comparable between links of the same events and draws."""
        return -2.0 * self.loglik + 2.0 * len(self.labels)

    @property
    def n_poor(self) -> int:
        """Patients with fewer than 20 effective draws."""
        return int((self.effective < FEW_DRAWS).sum())

    def estimate(self, label: str) -> float:
        """One estimate by label.

        Raises:
            KeyError: no such label.
        """
        if label not in self.labels:
            raise KeyError(f"no estimate is called {label!r}; there are {', '.join(self.labels)}")
        return float(self.theta[self.labels.index(label)])


@dataclass(frozen=True)
class Longitudinal:
    """The growth part that a joint model stands on."""

    fit: GrowthFit
    point: TwoLevelPoint
    covariance: FloatArray | None
    """(L, L) of the two-level theta without drop-out; None where it is taken as known."""

    @classmethod
    def of(cls, fit: GrowthFit, second: TwoLevelFit) -> Longitudinal:
        """Of a two-level fit.

        The conditional distribution of curves is that given sizes: drop-out, where it is in the
        fit, is left out of the draws, because death would be used twice.
        """
        point = two_level_point(fit, second.theta)
        size, end = len(second.theta), error_part(fit).stop
        slopes = np.empty((size, size))
        for k in range(size):
            shift = np.zeros(size)
            shift[k] = 1e-5
            up = two_level_natural(fit, second.theta + shift)
            slopes[:, k] = (up - two_level_natural(fit, second.theta - shift)) / 2e-5
        back = np.linalg.inv(slopes)
        covariance = (back @ second.covariance @ back.T)[:end, :end]
        bare = TwoLevelPoint(point.population, point.between)
        return cls(fit, bare, covariance)


def organ_groups(
    organ: Sequence[str], owner: IntArray, is_event: NDArray[np.bool_]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Groups of organs with patients and events enough for a coefficient of their own.

    Args:
        organ: (n,) of the lesions.
        owner: (n,) places of their patients.
        is_event: (P,)

    Returns:
        The groups, most patients first ("other" last), and each organ's group. An organ in which
        fewer than 30 patients have a lesion, or 20 of these an event, goes to "other"; so does all
        if only one organ is left.
    """
    names = np.asarray(organ).astype(str)
    kept, count = [], {}
    for name in np.unique(names).tolist():
        patients = np.unique(owner[names == name])
        count[name] = len(patients)
        if len(patients) >= MIN_PATIENTS and is_event[patients].sum() >= MIN_EVENTS:
            kept.append(name)
    kept.sort(key=lambda name: (name == OTHER_ORGAN, -count[name], name))
    group = {name: name if name in kept else OTHER_ORGAN for name in count}
    if OTHER_ORGAN in group.values() and OTHER_ORGAN not in kept:
        kept.append(OTHER_ORGAN)
    return tuple(kept), group


def prepare_model(
    longitudinal: Longitudinal,
    draws: CurveDraws,
    lesions: Lesions,
    events: Events,
    *,
    links: Sequence[str],
    baseline: BaselineKind,
) -> EventModel:
    """Links of the draws at the nodes of the baseline hazard's integral.

    Args:
        lesions: those of ``draws``, in that order.
        events: of its patients, in that order.
    """
    hazard = baseline_of(baseline, events.time, events.is_event)
    nodes = hazard.nodes(events.entry, events.time)
    centre = float(longitudinal.point.population.coefficients[0, 0])
    return EventModel(events, hazard, nodes, links_of(links, lesions, draws, nodes, events, centre))


def links_of(
    links: Sequence[str],
    lesions: Lesions,
    draws: CurveDraws,
    nodes: TimeNodes,
    events: Events,
    log_kg_centre: float,
) -> LinkDraws:
    """Links at nodes and ends, single precision, patients by blocks."""
    labels = link_labels(links, lesions.organs)
    p, m, q = events.n, draws.n_draws, nodes.days.shape[1]
    at_nodes = np.empty((p, m, q, len(labels)), dtype=np.float32)
    at_end = np.empty((p, m, len(labels)), dtype=np.float32)
    for start in range(0, p, PATIENTS_PER_BLOCK):
        part = slice(start, min(start + PATIENTS_PER_BLOCK, p))
        mine, rows = lesions.some(part)
        days = np.concatenate([nodes.days[part], events.time[part, None]], axis=1)
        values = link_values(
            links, mine, draws.phi[rows], draws.u[part], days, log_kg_centre=log_kg_centre
        )
        at_nodes[part], at_end[part] = values[:, :, :-1], values[:, :, -1]
    weight = np.full((p, m), -np.log(m))
    return LinkDraws(at_nodes, at_end, weight, labels)


def fit_events(
    model: EventModel,
    longitudinal: Longitudinal | None = None,
    draws: CurveDraws | None = None,
    *,
    start: FloatArray | None = None,
    threads: int = 1,
    pool: ThreadPoolExecutor | None = None,
) -> JointFit:
    """Maximise the likelihood of the events.

    Args:
        longitudinal, draws: for the part of the standard errors that the longitudinal parameters'
            own error makes; without them they are taken as known.

    Raises:
        JointDataError: no event.
    """
    if model.events.n_events == 0:
        raise JointDataError("no patient has the event: no hazard can be estimated")
    found = maximise(model, start, threads=threads, pool=pool)
    bread = np.asarray(np.linalg.pinv(found.sums.information, hermitian=True), dtype=np.float64)
    score = found.sums.score
    covariance = bread
    if longitudinal is not None and draws is not None and longitudinal.covariance is not None:
        cross = _cross_information(model, found, longitudinal, draws)
        covariance = bread + bread @ cross @ longitudinal.covariance @ cross.T @ bread
    loglik_error, theta_error = _monte_carlo_errors(model, found)
    is_regular = bool(np.linalg.eigvalsh(found.sums.information)[0] > 0)
    return JointFit(
        labels=model.labels,
        theta=found.theta,
        covariance=covariance,
        covariance_given_growth=bread,
        covariance_sandwich=bread @ (score.T @ score) @ bread,
        loglik=found.sums.total + _log_bias(found.sums.effective, model),
        loglik_mc_error=loglik_error,
        mc_error=theta_error,
        effective=found.sums.effective,
        n_draws=model.links.log_weight.shape[1],
        n_patients=model.events.n,
        n_events=model.events.n_events,
        n_steps=found.n_steps,
        decrement=found.decrement,
        is_converged=found.is_converged and is_regular,
        model=model,
        maximum=found,
    )


def _monte_carlo_errors(model: EventModel, found: Maximum) -> tuple[float, FloatArray]:
    """Of the log-likelihood and of theta: half the difference between the two sets of draws.

    NaN where each patient has one draw, as for curves that are known.
    """
    if model.links.log_weight.shape[1] < 2:
        return float("nan"), np.full(len(found.theta), np.nan)
    totals, steps = [], []
    for which in (0, 1):
        half = _half(model, which)
        sums = half.evaluate(found.theta)
        score = sums.score.sum(axis=0)
        totals.append(sums.total + _log_bias(sums.effective, half))
        steps.append(direction(found.sums.information, found.sums.complete, score))
    return 0.5 * abs(totals[0] - totals[1]), 0.5 * np.abs(steps[0] - steps[1])


def fit_joint(
    longitudinal: Longitudinal,
    patients: ArrayLike,
    events: Events,
    organ: Mapping[object, str],
    *,
    links: Sequence[str] = ("organ",),
    baseline: BaselineKind = "piecewise",
    n_draws: int = N_DRAWS,
    seed: int = 20230607,
    threads: int = 1,
) -> JointFit:
    """Draw the curves given sizes, and fit the hazard.

    Args:
        longitudinal: growth part.
        patients: (P,) ids of the events, in any order; results are in ascending order.
        events: of these.
        organ: group of organs of each lesion, by id.
        links: some of ``links.LINKS``.
        baseline: piecewise (constant) or weibull.
        n_draws: M.

    Raises:
        JointDataError: see ``draw_curves``, ``link_values`` and ``fit_events``.
    """
    ids = np.asarray(patients)
    ordered = events.some(np.argsort(ids, kind="stable"))
    with one_blas_thread(), worker_pool(threads) as pool:
        draws = draw_curves(
            longitudinal.fit,
            longitudinal.point,
            ids,
            n_draws=n_draws,
            seed=seed,
            threads=threads,
            pool=pool,
        )
        lesions = lesions_of(longitudinal.fit, draws, organ)
        model = prepare_model(longitudinal, draws, lesions, ordered, links=links, baseline=baseline)
        return fit_events(model, longitudinal, draws, threads=threads, pool=pool)


def lesions_of(
    fit: GrowthFit,
    draws: CurveDraws,
    organ: Mapping[object, str],
    *,
    d0: ArrayLike | None = None,
    organs: tuple[str, ...] = (),
) -> Lesions:
    """The lesions of draws.

    Args:
        organ: by lesion id.
        d0: (n,) baseline diameters in mm in the order of ``draws``; by default those of spheres.
        organs: the groups in the order of the hazard's coefficients; by default those that occur.
    """
    data = fit.problem.data
    place = np.searchsorted(data.lesion, draws.lesion)
    names = [organ[one] for one in draws.lesion.tolist()]
    return Lesions.of(
        draws.owner,
        data.v0[place],
        data.t0[place],
        names,
        n_patients=len(draws.patient),
        organs=organs or tuple(sorted(set(names))),
        d0=d0,
        is_flat=fit.problem.model.pretreatment == "flat",
    )


def link_tests(
    fit: JointFit, groups: Mapping[str, Sequence[str]] | None = None, *, threads: int = 1
) -> dict[str, LinkTest]:
    """Likelihood-ratio tests by refitting on the same draws.

    Args:
        groups: labels of links (without alpha_) to leave out together, by name; by default each
            one by itself, and "all".

    The ratio counts the same draws twice, so that its Monte Carlo error is far below that of either
    likelihood.
    """
    links = fit.model.links.labels
    wanted = {one: (one,) for one in links} | {"all": links}
    out = {}
    for name, dropped in (groups or wanted).items():
        kept = tuple(one for one in links if one not in dropped)
        small = _only(fit.model, kept)
        at = [place for place, label in enumerate(fit.labels) if label in small.labels]
        found = maximise(small, fit.theta[at], threads=threads)
        loglik = found.sums.total + _log_bias(found.sums.effective, small)
        gain = 2.0 * (fit.loglik - loglik)
        halves = 2.0 * (
            _totals_of_halves(fit.model, fit.theta) - _totals_of_halves(small, found.theta)
        )
        df = len(links) - len(kept)
        error = 0.5 * float(abs(halves[0] - halves[1]))
        out[name] = LinkTest(tuple(dropped), gain, df, float(chdtrc(df, max(gain, 0.0))), error)
    return out


def _totals_of_halves(model: EventModel, theta: FloatArray) -> FloatArray:
    """(2,) log-likelihoods by each of the two sets of draws, with their bias removed."""
    log_p, totals = model.log_densities(theta), np.empty(2)
    for which in (0, 1):
        half = _half(model, which)
        own = log_p[:, which::2] + half.links.log_weight
        total = np.logaddexp.reduce(own, axis=1)
        effective = 1.0 / np.exp(2.0 * (own - total[:, None])).sum(axis=1)
        totals[which] = total.sum() + _log_bias(effective, half)
    return totals


def _only(model: EventModel, links: tuple[str, ...]) -> EventModel:
    return EventModel(model.events, model.baseline, model.nodes, model.links.only(links))


def _half(model: EventModel, which: int) -> EventModel:
    return EventModel(model.events, model.baseline, model.nodes, model.links.half(which))


def _log_bias(effective: FloatArray, model: EventModel) -> float:
    """What a log of a mean of M draws lacks: about half the squared relative error of the mean.

    1/2 sum_i (1 / ESS_i - 1 / ESS_i before the event).
    """
    before = 1.0 / np.exp(2.0 * model.links.log_weight).sum(axis=1)
    return float(0.5 * (1.0 / effective - 1.0 / before).sum())


def _cross_information(
    model: EventModel, found: Maximum, longitudinal: Longitudinal, draws: CurveDraws
) -> FloatArray:
    """(S, L) B: what the score of theta_S gains per unit of theta_L."""
    total: FloatArray = np.zeros(())
    for part, of_event in model.scores_of_draws(found.theta):
        of_growth = longitudinal_scores(longitudinal.fit, longitudinal.point, draws, part)
        w = found.sums.weight[part]
        off = of_event - np.einsum("Pm,Pms->Ps", w, of_event)[:, None]
        weighted = (off * w[..., None]).reshape(-1, off.shape[2])
        total = total + weighted.T @ of_growth.reshape(-1, of_growth.shape[2])
    return total
