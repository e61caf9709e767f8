"""The likelihood of events given sizes, over draws of each patient's curves.

For any link the joint likelihood is that of the sizes times an expectation over what the sizes
leave open of a patient's curves b (lesions' phi and the patient's u):

    log L_i(theta) = log L_i(sizes; theta_L) + log E[p(T_i, d_i | b; theta_S) | sizes_i; theta_L],
    log p(T, d | b) = d (log h0(T) + eta(T)) - int_entry^T h0(s) exp(eta(s)) ds,
    eta(t) = x' g + alpha' L(t; b).

With draws b_m of that conditional distribution, of log weight v_m (log of 1/M for plain draws), the
expectation is sum_m e^(v_m) p_m. Score and information in theta_S = (alpha, g, psi) are Louis':
with w_m = e^(v_m) p_m over their sum,

    score = sum_i sum_m w_m s_m,    information = sum_i (sum_m w_m I_m - Cov_w(s_m)).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.growth.problem import run_blocks
from udfs.joint.arrays import FloatArray, IntArray
from udfs.joint.events import Events
from udfs.joint.hazards import Baseline, Expansion, TimeNodes

PATIENTS_PER_BLOCK = 32
MAX_LOG_HAZARD = 60.0
"""Of the log hazard ratio. Draws beyond it have weight 0 in any case."""


@dataclass(frozen=True)
class LinkDraws:
    """Values of K links in M draws of each of P patients."""

    at_nodes: NDArray[np.floating[Any]]
    """(P, M, Q, K) on the days of the nodes in time."""
    at_end: NDArray[np.floating[Any]]
    """(P, M, K) on the day of the event or of censoring."""
    log_weight: FloatArray
    """(P, M) of the draws, before the event; their exponentials sum to 1 per patient."""
    labels: tuple[str, ...]
    """(K,)"""

    def only(self, labels: tuple[str, ...]) -> LinkDraws:
        """Some of the links."""
        kept = [self.labels.index(one) for one in labels]
        return LinkDraws(
            self.at_nodes[..., kept], self.at_end[..., kept], self.log_weight, tuple(labels)
        )

    def half(self, which: int) -> LinkDraws:
        """Every second draw, from the first (0) or second (1) on, with weights that sum to 1.

        These are the two independent sets of ``draws.draw_curves``.
        """
        weight = self.log_weight[:, which::2]
        weight = weight - np.logaddexp.reduce(weight, axis=1)[:, None]
        return LinkDraws(self.at_nodes[:, which::2], self.at_end[:, which::2], weight, self.labels)


@dataclass(frozen=True)
class EventSums:
    """The event's log-likelihood at a point, to second order; P patients, S parameters."""

    loglik: FloatArray
    """(P,) log E[p(T, d | b) | sizes]."""
    score: FloatArray
    """(P, S)"""
    information: FloatArray
    """(S, S) Louis'."""
    complete: FloatArray
    """(S, S) information if the curves were known."""
    weight: FloatArray
    """(P, M) of the draws, given sizes and event."""
    cumulative: FloatArray
    """(P,) cumulative hazard at the end, its mean given sizes and event."""

    @property
    def total(self) -> float:
        """Log-likelihood of all patients."""
        return float(self.loglik.sum())

    @property
    def effective(self) -> FloatArray:
        """(P,) effective numbers of draws, 1 / sum w^2."""
        return np.asarray(1.0 / (self.weight**2).sum(axis=1), dtype=np.float64)


@dataclass(frozen=True)
class EventModel:
    """Events, baseline hazard and links at its nodes: all that the likelihood needs."""

    events: Events
    baseline: Baseline
    nodes: TimeNodes
    links: LinkDraws

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of theta_S: alpha of the links, coefficients of covariates, baseline."""
        return (
            *(f"alpha_{one}" for one in self.links.labels),
            *self.events.covariate_names,
            *self.baseline.labels,
        )

    @property
    def n_links(self) -> int:
        """K."""
        return len(self.links.labels)

    def some(self, patients: IntArray) -> EventModel:
        """Of some patients."""
        links = LinkDraws(
            self.links.at_nodes[patients],
            self.links.at_end[patients],
            self.links.log_weight[patients],
            self.links.labels,
        )
        return EventModel(
            self.events.some(patients), self.baseline, self.nodes.some(patients), links
        )

    def parts(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """alpha, g, psi."""
        a, b = self.n_links, self.n_links + len(self.events.covariate_names)
        return theta[:a], theta[a:b], theta[b:]

    def start(self) -> FloatArray:
        """(S,) no links, no covariates, a likely baseline."""
        psi = self.baseline.start(self.events.entry, self.events.time, self.events.is_event)
        return np.concatenate([np.zeros(len(self.labels) - len(psi)), psi])

    def log_densities(self, theta: FloatArray) -> FloatArray:
        """(P, M) log p(T, d | b)."""
        return np.concatenate([self._terms(part, theta).loglik for part in self._blocks()])

    def cumulative_hazards(self, theta: FloatArray) -> FloatArray:
        """(P, M) cumulative hazard at the end in each draw."""
        return np.concatenate([self._terms(part, theta).cumulative for part in self._blocks()])

    def evaluate(
        self, theta: FloatArray, *, threads: int = 1, pool: ThreadPoolExecutor | None = None
    ) -> EventSums:
        """Log-likelihood, score and information at theta_S."""
        blocks = list(self._blocks())
        done = run_blocks(partial(self._sums_of, blocks, theta), len(blocks), threads, pool)
        information, complete = done[0].information.copy(), done[0].complete.copy()
        for one in done[1:]:
            information += one.information
            complete += one.complete
        return EventSums(
            np.concatenate([one.loglik for one in done]),
            np.concatenate([one.score for one in done]),
            information,
            complete,
            np.concatenate([one.weight for one in done]),
            np.concatenate([one.cumulative for one in done]),
        )

    def scores_of_draws(self, theta: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
        """Runs of patients with (P', M, S) derivatives of log p(T, d | b)."""
        for part in self._blocks():
            yield part, self._terms(part, theta).score()

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, self.events.n, PATIENTS_PER_BLOCK):
            yield slice(start, min(start + PATIENTS_PER_BLOCK, self.events.n))

    def _terms(self, part: slice, theta: FloatArray) -> _Terms:
        alpha, g, psi = self.parts(theta)
        events = self.events.some(part)
        at_nodes = np.asarray(self.links.at_nodes[part], dtype=np.float64)
        at_end = np.asarray(self.links.at_end[part], dtype=np.float64)
        weights = self.baseline.weights(self.nodes.some(part), psi)
        fixed = (events.covariates @ g)[:, None]
        eta = at_nodes @ alpha + fixed[..., None]
        np.minimum(eta, MAX_LOG_HAZARD, out=eta)
        risk = np.exp(eta, out=eta)
        hazard = self.baseline.log_hazard(events.time, psi)
        return _Terms(events, at_nodes, at_end, weights, hazard, risk, at_end @ alpha + fixed)

    def _sums_of(self, blocks: list[slice], theta: FloatArray, number: int) -> EventSums:
        part = blocks[number]
        terms = self._terms(part, theta)
        log_p = terms.loglik + self.links.log_weight[part]
        total = np.logaddexp.reduce(log_p, axis=1)
        w = np.exp(log_p - total[:, None])
        each = terms.score()
        mean = np.einsum("Pm,Pms->Ps", w, each)
        off = (each - mean[:, None]) * np.sqrt(w)[..., None]
        flat = off.reshape(-1, off.shape[2])
        complete = terms.information(w)
        cumulative = np.einsum("Pm,Pm->P", w, terms.cumulative)
        return EventSums(total, mean, complete - flat.T @ flat, complete, w, cumulative)


@dataclass(frozen=True)
class _Terms:
    """One block's pieces of the complete log-likelihood."""

    events: Events
    at_nodes: FloatArray
    at_end: FloatArray
    weights: Expansion
    hazard: Expansion
    risk: FloatArray
    """(P, M, Q) exp(eta)."""
    eta_end: FloatArray
    """(P, M)"""

    @property
    def cumulative(self) -> FloatArray:
        """(P, M) cumulative hazard."""
        return np.asarray((self.risk @ self.weights.value[..., None])[..., 0])

    @property
    def loglik(self) -> FloatArray:
        """(P, M) log p(T, d | b)."""
        d = self.events.is_event.astype(np.float64)[:, None]
        at_event = self.hazard.value[:, None] + self.eta_end
        return np.asarray(d * at_event - self.cumulative)

    def score(self) -> FloatArray:
        """(P, M, S)."""
        d = self.events.is_event.astype(np.float64)[:, None, None]
        heavy = self.risk * self.weights.value[:, None]
        of_links = d * self.at_end - np.einsum("Pmq,Pmqk->Pmk", heavy, self.at_nodes, optimize=True)
        of_covariates = (d - self.cumulative[..., None]) * self.events.covariates[:, None]
        of_baseline = d * self.hazard.first[:, None] - self.risk @ self.weights.first
        return np.concatenate([of_links, of_covariates, of_baseline], axis=2)

    def information(self, w: FloatArray) -> FloatArray:
        """(S, S) expected under the (P, M) weights: minus the second derivatives."""
        k, x = self.at_nodes.shape[3], self.events.covariates
        c, s = x.shape[1], self.weights.first.shape[2]
        out = np.zeros((k + c + s, k + c + s))
        light = w[..., None] * self.risk
        heavy = light * self.weights.value[:, None]
        values = self.at_nodes.reshape(heavy.size, k)
        weighted = values * heavy.reshape(heavy.size, 1)
        out[:k, :k] = weighted.T @ values
        by_patient = weighted.reshape(len(w), heavy.size // len(w), k).sum(axis=1)
        out[:k, k : k + c] = by_patient.T @ x
        at_each = np.einsum("Pmq,Pmqk->Pqk", light, self.at_nodes, optimize=True)
        out[:k, k + c :] = np.einsum("Pqk,Pqs->ks", at_each, self.weights.first, optimize=True)
        node = light.sum(axis=1)
        out[k : k + c, k : k + c] = (x * heavy.sum(axis=(1, 2))[:, None]).T @ x
        slope = np.einsum("Pq,Pqs->Ps", node, self.weights.first, optimize=True)
        out[k : k + c, k + c :] = x.T @ slope
        bend = np.einsum("Pq,Pqst->st", node, self.weights.second, optimize=True)
        bend -= self.hazard.second[self.events.is_event].sum(axis=0)
        out[k + c :, k + c :] = bend
        rows, columns = np.triu_indices(len(out), 1)
        out[columns, rows] = out[rows, columns]
        return out
