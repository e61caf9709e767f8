"""Progression and death that target lesions do not show, as part of a two-level fit.

A patient whose non-target lesions progress, in whom new lesions appear, or who dies leaves the
trial, and his target lesions are measured no longer. Where such patients are also those whose
target lesions grow fast, the measurements alone give too small a kg. The joint model (a shared
random effect: Wu and Carroll 1988, Biometrics 44:175; Henderson, Diggle and Dobson 2000,
Biostatistics 1:465) adds for each patient

    h_i(t) = rate(t) exp(alpha' u_i)

with u_i the patient's effects on log kg, log kd, logit F and rate(t) constant between cuts. Given
u_i, the event says nothing more of the measurements. Other ends of follow-up (progression of target
lesions, which the measurements show; withdrawal; end of study) count as censored.

Patients of whom nothing was measured after baseline, because they progressed or died before, count
with their event alone: without them the fastest would be missing.

It can only be as right as the hazard's form: how the unmeasured part of a course depends on growth
is not seen in the data. ``fit_second_level`` without a follow-up is the model without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.growth.check_data import GrowthDataError
from udfs.growth.parameters import BoolArray, FloatArray
from udfs.growth.quadrature import gauss_hermite

MOST_PIECES = 6
EVENTS_PER_PIECE = 20
FEWEST_EVENTS = 20
"""With fewer events the hazard is not estimated."""
LARGEST_LOG_RISK = 30.0
NODES_PER_AXIS = 7
"""For patients without lesions."""
LOG_2_PI = float(np.log(2.0 * np.pi))


def cuts_at_events(days: FloatArray) -> FloatArray:
    """(k + 1,) cuts at quantiles of event times ``days``: 0, ..., infinity. At most MOST_PIECES
    pieces, with EVENTS_PER_PIECE events in each or more."""
    pieces = int(np.clip(len(days) // EVENTS_PER_PIECE, 1, MOST_PIECES))
    share = np.arange(1, pieces) / pieces
    inner = np.unique(np.quantile(days, share, method="inverted_cdf"))
    return np.concatenate([[0.0], inner[inner < days.max()], [np.inf]])


@dataclass(frozen=True)
class FollowUp:
    """Until when each patient was free of progression apart from target lesions."""

    patient: NDArray[np.generic]
    """(n,) ids, each once. Of others in the growth data the follow-up is unknown; those who are not
    in the growth data have no measured lesion."""
    time_days: FloatArray
    """(n,) days from the first dose, above 0."""
    is_event: BoolArray
    """(n,) True for non-target progression, a new lesion or death; False where censored."""

    @classmethod
    def from_arrays(cls, patient: ArrayLike, time_days: ArrayLike, is_event: ArrayLike) -> FollowUp:
        """Checked; patients with a time of 0 or less are dropped: they were never at risk.

        Raises:
            GrowthDataError: lengths differ, a patient comes twice, a time is not a number.
        """
        ids, days = np.asarray(patient), np.asarray(time_days, dtype=np.float64)
        event = np.asarray(is_event, dtype=bool)
        if not len(ids) == len(days) == len(event):
            raise GrowthDataError(
                f"follow-up has {len(ids)} patients, {len(days)} times and {len(event)} events"
            )
        if not np.isfinite(days).all():
            place = int(np.flatnonzero(~np.isfinite(days))[0])
            raise GrowthDataError(f"follow-up of patient {ids[place]} is {days[place]} days")
        values, counts = np.unique(ids, return_counts=True)
        if (counts > 1).any():
            raise GrowthDataError(f"follow-up holds patient {values[counts > 1][0]} twice")
        known = days > 0
        return cls(ids[known], days[known], event[known])


@dataclass(frozen=True)
class DropOutPoint:
    """Parameters of the hazard."""

    alpha: FloatArray
    """(p,) log hazard ratio per unit of a patient's effect (on log kg, log kd, logit F)."""
    log_rate: FloatArray
    """(k,) log hazard per day within each piece, of a patient without effects."""


@dataclass(frozen=True)
class DropOut:
    """Time at risk and events in k pieces of time: P patients with lesions, then Q without."""

    exposure: FloatArray
    """(P + Q, k) days at risk; 0 for patients of unknown follow-up."""
    events: FloatArray
    """(P + Q, k) 0 or 1."""
    cuts: FloatArray
    """(k + 1,) days; the first is 0, the last infinite."""
    n_measured: int
    """P."""

    @property
    def n_pieces(self) -> int:
        """k."""
        return len(self.cuts) - 1

    @property
    def n_events(self) -> int:
        """Events of all patients."""
        return int(self.events.sum())

    @classmethod
    def prepare(cls, follow_up: FollowUp, ids: NDArray[np.generic]) -> DropOut | None:
        """Of patients ``ids`` (ascending), then those without lesions; cuts at quantiles of the
        event times. None with few events."""
        place = np.searchsorted(ids, follow_up.patient)
        is_measured = ids[np.minimum(place, len(ids) - 1)] == follow_up.patient
        place[~is_measured] = len(ids) + np.arange(int((~is_measured).sum()))
        time = np.zeros(len(ids) + int((~is_measured).sum()))
        is_event = np.zeros(len(time), dtype=bool)
        time[place], is_event[place] = follow_up.time_days, follow_up.is_event
        n_events = int(is_event.sum())
        if n_events < FEWEST_EVENTS:
            return None
        found_days = time[is_event]
        cuts = cuts_at_events(found_days)
        # A time on a cut belongs to the piece that ends there, so that each piece holds an event.
        events = np.zeros((len(time), len(cuts) - 1))
        events[np.flatnonzero(is_event), np.searchsorted(cuts[1:], found_days)] = 1.0
        parts = [np.clip(time, a, b) - a for a, b in pairwise(cuts)]
        return cls(np.stack(parts, axis=1), events, cuts, len(ids))

    def start(self, p: int) -> DropOutPoint:
        """No association, and the rates that maximise the likelihood then."""
        return DropOutPoint(
            np.zeros(p), np.log(self.events.sum(axis=0) / self.exposure.sum(axis=0))
        )

    def loglik_without(self) -> float:
        """Log-likelihood of the events at ``start``."""
        events = self.events.sum(axis=0)
        return float((events * (self.start(1).log_rate - 1.0)).sum())

    def terms(self, patients: slice | NDArray[np.int64], u: FloatArray, at: DropOutPoint) -> Terms:
        """At nodes u (P, K, p) of some patients."""
        risk = np.exp(np.clip(u @ at.alpha, -LARGEST_LOG_RISK, LARGEST_LOG_RISK))
        events = self.events[patients]
        expected = risk[..., None] * (self.exposure[patients] * np.exp(at.log_rate))[:, None]
        total = events.sum(axis=1)[:, None]
        loglik = (events @ at.log_rate)[:, None] + total * (u @ at.alpha) - expected.sum(axis=2)
        return Terms(loglik, events, expected, u)

    def unmeasured(self, between: FloatArray, at: DropOutPoint) -> Unmeasured | None:
        """What the Q patients without lesions add; None where there are none.

        Their integral over u is by Gauss-Hermite quadrature in u / gamma.

        Args:
            between: (p,) gamma.
        """
        patients = slice(self.n_measured, None)
        n = len(self.exposure) - self.n_measured
        if n == 0:
            return None
        z, log_weight = gauss_hermite(len(between), NODES_PER_AXIS)
        u = np.broadcast_to(between * z, (n, *z.shape))
        terms = self.terms(patients, u, at)
        log_w = terms.loglik + log_weight - 0.5 * ((z**2).sum(axis=1) + len(between) * LOG_2_PI)
        top = log_w.max(axis=1, keepdims=True)
        w = np.exp(log_w - top)
        total = w.sum(axis=1, keepdims=True)
        w = w / total
        of_gamma = np.broadcast_to(z**2 - 1.0, u.shape)
        score = np.concatenate([of_gamma, terms.score()], axis=2)
        mean = np.einsum("Pn,Pns->Ps", w, score)
        off = score - mean[:, None]
        return Unmeasured(
            loglik=float((top + np.log(total)).sum()),
            score=mean.sum(axis=0),
            missing=np.einsum("Pn,Pns,Pnt->st", w, off, off, optimize=True),
            between_square=np.einsum("Pn,Pna->a", w, u**2),
            information=terms.information(w),
        )


@dataclass(frozen=True)
class Unmeasured:
    """Sums over patients without lesions."""

    loglik: float
    score: FloatArray
    """(p + p + k,) in log gamma, alpha, log rates."""
    missing: FloatArray
    """(p + p + k, p + p + k) sum of the covariances of the complete score given the event."""
    between_square: FloatArray
    """(p,) sum of E[u^2]."""
    information: FloatArray
    """(p + k, p + k) complete information of the drop-out's parameters."""


@dataclass(frozen=True)
class Terms:
    """The hazard's part of the complete log-likelihood at the nodes of P patients."""

    loglik: FloatArray
    """(P, K)"""
    events: FloatArray
    """(P, k)"""
    expected: FloatArray
    """(P, K, k) cumulative hazard of each piece."""
    u: FloatArray
    """(P, K, p)"""

    def score(self) -> FloatArray:
        """(P, K, p + k) in alpha and log rates."""
        left = self.events[:, None] - self.expected
        return np.concatenate([left.sum(axis=2)[..., None] * self.u, left], axis=2)

    def information(self, weight: FloatArray) -> FloatArray:
        """(p + k, p + k) expected under the (P, K) weights."""
        p, k = self.u.shape[2], self.expected.shape[2]
        out = np.zeros((p + k, p + k))
        heavy = weight[..., None] * self.expected
        total = heavy.sum(axis=2)
        out[:p, :p] = np.einsum("Pn,Pna,Pnb->ab", total, self.u, self.u, optimize=True)
        out[:p, p:] = np.einsum("Pna,Pnk->ak", self.u, heavy, optimize=True)
        out[p:, :p] = out[:p, p:].T
        places = np.arange(p, p + k)
        out[places, places] = heavy.sum(axis=(0, 1))
        return out
