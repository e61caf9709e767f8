"""Joint models of one growth fit: each endpoint with each link, or why there are no estimates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flows.steps.joint.parts.reading import Cohort, Curves
from udfs.growth.parameters import FloatArray
from udfs.joint import (
    CurveDraws,
    EventModel,
    Events,
    JointDataError,
    JointFit,
    Lesions,
    LinkDraws,
    LinkTest,
    Longitudinal,
    fit_events,
    lesions_of,
    link_labels,
    link_tests,
    organ_groups,
    prepare_model,
)
from udfs.joint.estimate import EVENTS_PER_LINK
from udfs.joint.hazards import BaselineKind

NONE = "none"
"""The model without a link."""
MIN_EVENTS = 10
MIN_PATIENTS = 20
NEAR_DAYS = 180.0
"""After the last scan; a link that rests on later days rests on extrapolated curves."""
MIN_SPREAD = 1e-6
"""Of a link between patients at the end of their follow-up."""


@dataclass(frozen=True)
class Group:
    """One endpoint's patients with their draws and lesions, in one order."""

    curves: Curves
    cohort: Cohort
    draws: CurveDraws
    lesions: Lesions
    baseline: BaselineKind
    threads: int

    @classmethod
    def of(cls, curves: Curves, cohort: Cohort, baseline: BaselineKind) -> Group:
        """Organs with few patients or events join ``other``."""
        draws, keep = curves.draws.take(cohort.place)
        organ = curves.organ[keep]
        groups, of = organ_groups(organ.tolist(), draws.owner, cohort.events.is_event)
        named = dict(zip(draws.lesion.tolist(), (of[one] for one in organ.tolist()), strict=True))
        lesions = lesions_of(
            curves.longitudinal.fit, draws, named, d0=curves.d0[keep], organs=groups
        )
        return cls(curves, cohort, draws, lesions, baseline, curves.rebuilt.threads)

    @property
    def longitudinal(self) -> Longitudinal:
        """The growth part."""
        return self.curves.longitudinal

    def model(
        self, links: tuple[str, ...], *, events: Events | None = None, is_naive: bool = False
    ) -> EventModel:
        """Links of the draws, or of the curves' conditional means as if these were known."""
        draws = self.draws
        if is_naive:
            draws = replace(
                draws,
                u=draws.u.mean(axis=1, keepdims=True),
                phi=draws.phi.mean(axis=1, keepdims=True),
            )
        return prepare_model(
            self.longitudinal,
            draws,
            self.lesions,
            events or self.cohort.events,
            links=links,
            baseline=self.baseline,
        )

    def without_link(self) -> EventModel:
        """The hazard of baseline and covariates alone."""
        one = self.model(("shared",), is_naive=True)
        empty = LinkDraws(
            one.links.at_nodes[..., :0], one.links.at_end[..., :0], one.links.log_weight, ()
        )
        return replace(one, links=empty)

    def size_at_start(self, group: str) -> float:
        """Median baseline sum of diameters, mm, of patients with lesions in a group of organs."""
        mine = self.lesions.organ == self.lesions.organs.index(group)
        total = np.bincount(self.lesions.patient[mine], weights=self.lesions.d0[mine])
        return float(np.median(total[total > 0]))

    def patients_with(self, group: str) -> NDArray[np.int64]:
        """Places of patients with lesions in a group of organs."""
        mine = self.lesions.organ == self.lesions.organs.index(group)
        return np.unique(self.lesions.patient[mine])


@dataclass(frozen=True)
class Attempt:
    """One joint model, or why it has no estimates."""

    group: Group
    link: str
    verdict_id: str
    verdict: str
    fit: JointFit | None = None
    tests: dict[str, LinkTest] | None = None
    naive: JointFit | None = None

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Of the links' coefficients, without alpha_."""
        if self.link == NONE:
            return ()
        return link_labels((self.link,), self.group.lesions.organs)


def attempts_of(group: Group, links: list[str]) -> list[Attempt]:
    """The model without link, then one model for each link."""
    events = group.cohort.events
    links = [NONE, *links]
    if group.cohort.events.n < MIN_PATIENTS:
        said = f"{events.n} patients can be followed, {MIN_PATIENTS} are needed"
        return [Attempt(group, link, "few_patients", said) for link in links]
    return [_attempt(group, link) for link in links]


def _attempt(group: Group, link: str) -> Attempt:
    events = group.cohort.events
    plain = Attempt(group, link, "", "")
    needed = max(MIN_EVENTS, EVENTS_PER_LINK * len(plain.labels))
    if events.n_events < needed:
        said = (
            f"{events.n_events} of {events.n} patients have the event, {needed} are needed "
            f"({EVENTS_PER_LINK} for each coefficient of a link)"
        )
        return replace(plain, verdict_id="few_events", verdict=said)
    try:
        return _estimated(plain)
    except (JointDataError, np.linalg.LinAlgError) as error:
        return replace(plain, verdict_id="not_identified", verdict=f"no estimates: {error}")


def _estimated(plain: Attempt) -> Attempt:
    group = plain.group
    if plain.link == NONE:
        fit = fit_events(group.without_link(), threads=group.threads)
        return _judged(plain, fit, None, None)
    model = group.model((plain.link,))
    flat = [
        name
        for name, spread in zip(plain.labels, _spread(model), strict=True)
        if spread < MIN_SPREAD
    ]
    if flat:
        said = f"{', '.join(flat)} is the same for every patient"
        return replace(plain, verdict_id="no_spread", verdict=said)
    fit = fit_events(model, group.longitudinal, group.draws, threads=group.threads)
    links = model.links.labels
    wanted = {"all": links} | ({one: (one,) for one in links} if len(links) > 1 else {})
    tests = link_tests(fit, wanted, threads=group.threads) if fit.is_converged else None
    naive = fit_events(group.model((plain.link,), is_naive=True), threads=group.threads)
    return _judged(plain, fit, tests, naive)


def _judged(
    plain: Attempt, fit: JointFit, tests: dict[str, LinkTest] | None, naive: JointFit | None
) -> Attempt:
    errors = fit.standard_errors
    if not np.isfinite(errors).all() or not np.isfinite(fit.theta).all():
        bad = [one for one, error in zip(fit.labels, errors, strict=True) if not error > 0]
        said = f"the events do not identify {', '.join(bad)}"
        return replace(plain, verdict_id="not_identified", verdict=said)
    if not fit.is_converged:
        said = (
            f"not converged: {max(fit.decrement, 0.0) ** 0.5:.2g} standard errors from the maximum "
            f"after {fit.n_steps} steps"
        )
        return replace(plain, verdict_id="not_converged", verdict=said)
    said = f"estimated from {fit.n_events} events of {fit.n_patients} patients"
    if plain.link != NONE and fit.n_poor:
        said += f"; {fit.n_poor} patients have fewer than 20 effective draws: raise joint.draws"
    return replace(plain, verdict_id="estimated", verdict=said, fit=fit, tests=tests, naive=naive)


def _spread(model: EventModel) -> FloatArray:
    """(K,) standard deviation between patients of the links' means at the end."""
    return np.asarray(model.links.at_end.mean(axis=1, dtype=np.float64).std(axis=0))


def best_of(attempts: list[Attempt]) -> Attempt | None:
    """The model with a link of smallest AIC; None where none is estimated."""
    usable = [one for one in attempts if one.fit is not None and one.link != NONE]
    return min(usable, key=lambda one: one.fit.aic if one.fit else np.inf, default=None)


def near_fit(best: Attempt) -> JointFit | None:
    """The best model followed to 180 days after the last scan; None where it has no estimates."""
    events, group = best.group.cohort.events, best.group
    last = np.maximum(group.cohort.last_scan + NEAR_DAYS, events.entry + 1.0)
    cut = events.cut_at(last)
    if cut.n_events < MIN_EVENTS or len(best.labels) * EVENTS_PER_LINK > cut.n_events:
        return None
    try:
        found = fit_events(group.model((best.link,), events=cut), threads=group.threads)
    except (JointDataError, np.linalg.LinAlgError):
        return None
    return found if found.is_converged else None


def far_event_share(group: Group) -> float:
    """Share of the events that come later than 180 days after the last scan."""
    events = group.cohort.events
    is_far = events.time > group.cohort.last_scan + NEAR_DAYS
    return float((is_far & events.is_event).sum() / max(events.n_events, 1))
