"""Draws of a patient's curves given all that was measured of the patient.

Given the patient's effect u the lesions are independent: a draw takes a node u_k of the patient
with its weight in the nested importance sum, then for each lesion a node phi_s with weight

    p(y | phi_s) N(phi_s; mean + u_k, Omega) / q(phi_s).

Means over such draws are those of the nested sums (``udfs.growth.second_level``), but for the error
of the drawing. Random numbers hang on the ids of patient and lesion, not on what else there is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from udfs.growth.nested import PATIENTS_PER_BLOCK
from udfs.growth.patient_nodes import (
    Around,
    PatientNodes,
    TwoLevelPoint,
    approximate_effects,
    members_of,
    nodes_around,
)
from udfs.growth.problem import run_blocks
from udfs.growth.proposals import Nodes, make_nodes, nodes_at_least
from udfs.growth.quadrature import tensor_grid
from udfs.growth.result import GrowthFit
from udfs.growth.tilted_sums import TiltedSums
from udfs.growth.weights import NodeTerms, node_terms
from udfs.joint.arrays import FloatArray, IntArray

PATIENT_PURPOSE, LESION_PURPOSE, NODE_PURPOSE = 71, 72, 73
LOG_LEAST = -1e30
N_NODES, PER_AXIS, FIRST_PER_AXIS = 448, 5, 4


def generator_of(seed: int, purpose: int, identifier: object) -> np.random.Generator:
    """A generator that hangs on an id, not on its place among others."""
    digest = blake2b(str(identifier).encode(), digest_size=8).digest()
    return np.random.Generator(
        np.random.SFC64(np.random.SeedSequence([seed, purpose, int.from_bytes(digest, "big")]))
    )


@dataclass(frozen=True)
class PatientDraws:
    """M draws of P patients and their n fitted lesions."""

    u: FloatArray
    """(P, M, p) patients' effects, patients ascending by id."""
    phi: FloatArray
    """(n, M, p) fit order, Gaussian scale."""
    error_score: FloatArray
    """(n, M, e) derivative of log p(y | phi) in the log error parameters."""
    loglik: FloatArray
    """(P,) log-likelihood of each patient's sizes."""


def patient_draws(
    fit: GrowthFit,
    point: TwoLevelPoint,
    n_draws: int,
    *,
    n_nodes: int = N_NODES,
    per_axis: int = PER_AXIS,
    seed: int = 20230607,
    threads: int = 1,
    pool: ThreadPoolExecutor | None = None,
) -> PatientDraws:
    """Draws at a point of the two-level model.

    Args:
        fit: the fit without patients' effects of data that hold ``patient``.
        point: fixed effects, Omega, Gamma and residual error.
        n_draws: M per patient.
        n_nodes: per lesion, rounded up to 7 * 2^k.
        per_axis: nodes per parameter of a patient's effect.
        seed: of nodes and draws.
    """
    patient = fit.problem.data.patient
    if patient is None:
        raise ValueError("draws of patients need the patient of each lesion")
    ids, member = np.unique(patient[fit.problem.order], return_inverse=True)
    members, everyone = members_of(member), np.arange(len(ids))
    nodes = make_nodes(fit.structure.p, nodes_at_least(n_nodes), seed, NODE_PURPOSE)
    starts = range(0, len(ids), PATIENTS_PER_BLOCK)

    def passes(around: Around, count: int) -> DrawPass:
        where = nodes_around(around, point.between, members, everyone, count)
        return DrawPass(fit, point, nodes, where)

    first = passes(approximate_effects(fit, point, member), min(per_axis, FIRST_PER_AXIS))
    found = run_blocks(partial(_locate, first, starts), len(starts), threads, pool)
    around = Around(np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found]))
    last = passes(around, per_axis)
    done = run_blocks(partial(_draw, last, starts, ids, n_draws, seed), len(starts), threads, pool)
    n, e = fit.problem.n_lesions, len(fit.structure.error.names)
    phi, error_score = np.empty((n, n_draws, fit.structure.p)), np.empty((n, n_draws, e))
    for one in done:
        phi[one.lesions], error_score[one.lesions] = one.phi, one.error_score
    return PatientDraws(
        np.concatenate([one.u for one in done]),
        phi,
        error_score,
        np.concatenate([one.loglik for one in done]),
    )


@dataclass(frozen=True)
class _Drawn:
    lesions: IntArray
    u: FloatArray
    phi: FloatArray
    error_score: FloatArray
    loglik: FloatArray


@dataclass(frozen=True)
class _Laid:
    """A block of patients with all that their draws need."""

    lesions: IntArray
    """(n,) fit order, patient by patient."""
    first_of: IntArray
    """(P + 1,) where each patient's lesions begin, and the end."""
    data: NodeTerms
    order: IntArray
    """(n,) places in ``data``."""
    log_a: FloatArray
    """(n, R) log weights of the lesions' nodes at the centre of the patient's."""
    slopes: FloatArray
    """(n, p, R) their slopes along the axes of the patient's nodes."""
    loglik: FloatArray
    """(P,)"""
    w: FloatArray
    """(P, K) weights of the patients' nodes."""


class DrawPass:
    """Works through patients at one point, with fixed nodes of patients and lesions."""

    def __init__(
        self, fit: GrowthFit, point: TwoLevelPoint, nodes: Nodes, where: PatientNodes
    ) -> None:
        self.fit, self.point, self.nodes, self.where = fit, point, nodes, where
        self.p = fit.structure.p
        self.precision = np.linalg.inv(point.population.omega)
        self.grid = tensor_grid(where.z, self.p)

    def locate(self, patients: slice) -> tuple[FloatArray, FloatArray]:
        """(P, p) conditional means and (P, p, p) covariances of the effects."""
        laid, u = self._lay(patients), self.where.u[patients]
        mean = np.einsum("Pk,Pka->Pa", laid.w, u)
        off = u - mean[:, None]
        return mean, np.einsum("Pk,Pka,Pkb->Pab", laid.w, off, off, optimize=True)

    def draw(self, patients: slice, ids: NDArray[np.generic], n_draws: int, seed: int) -> _Drawn:
        """Of some patients; ``ids`` of all."""
        laid, u = self._lay(patients), self.where.u[patients]
        n, n_error = len(laid.lesions), len(self.fit.structure.error.names)
        effects = np.empty((len(u), n_draws, self.p))
        phi, error_score = np.empty((n, n_draws, self.p)), np.empty((n, n_draws, n_error))
        for k, number in enumerate(self.where.patients[patients].tolist()):
            rows = slice(int(laid.first_of[k]), int(laid.first_of[k + 1]))
            offset = generator_of(seed, PATIENT_PURPOSE, ids[number]).random()
            cumulative = np.cumsum(laid.w[k])
            height = (np.arange(n_draws) + offset) / n_draws * cumulative[-1]
            node = np.minimum(np.searchsorted(cumulative, height), len(self.grid) - 1)
            used, which = np.unique(node, return_inverse=True)
            effects[k] = u[k, used][which]
            picked = self._nodes_of_lesions(laid, rows, self.grid[used], which, n_draws, seed)
            place = laid.order[rows, None]
            phi[rows] = laid.data.phi[:, place, picked].transpose(1, 2, 0)
            for e, one in enumerate(laid.data.score):
                error_score[rows, :, e] = one[place, picked]
        return _Drawn(laid.lesions, effects, phi, error_score, laid.loglik)

    def _nodes_of_lesions(
        self,
        laid: _Laid,
        rows: slice,
        at: FloatArray,
        which: IntArray,
        n_draws: int,
        seed: int,
    ) -> IntArray:
        """(J, M) nodes of a patient's lesions: ``which`` of the (k, p) points each draw has."""
        weight = laid.log_a[rows, None] + at @ laid.slopes[rows]
        weight -= weight.max(axis=2, keepdims=True)
        below = np.cumsum(np.exp(weight, out=weight), axis=2)
        below /= below[..., -1:]
        count, problem = below.shape[2], self.fit.problem
        picked = np.empty((len(below), n_draws), dtype=np.int64)
        for j, lesion in enumerate(laid.lesions[rows].tolist()):
            rng = generator_of(seed, LESION_PURPOSE, problem.data.lesion[problem.order[lesion]])
            height = (rng.permutation(n_draws) + rng.random(n_draws)) / n_draws
            stacked = (below[j] + np.arange(len(at))[:, None]).ravel()
            picked[j] = np.searchsorted(stacked, height + which) - which * count
        return np.clip(picked, 0, count - 1)

    def _lay(self, patients: slice) -> _Laid:
        where, problem, point = self.where, self.fit.problem, self.point
        members = where.members[patients]
        lesions = np.concatenate(members)
        ascending = np.sort(lesions)
        data = node_terms(
            problem,
            point.population.error,
            self.fit.proposal,
            self.nodes,
            ascending,
            with_derivatives=True,
        )
        order = np.searchsorted(ascending, lesions)
        first_of = np.cumsum([0, *(len(one) for one in members)])
        owner = np.repeat(np.arange(len(members)), np.diff(first_of))
        u, centre = where.u[patients], where.centre[patients]
        typical = problem.design.mean(point.population.coefficients, lesions).T
        r = data.phi[:, order].transpose(1, 0, 2) - (typical + centre[owner])[..., None]
        pulled = self.precision @ r
        log_a = data.loglik[order] - np.log(data.density[order])
        log_a -= 0.5 * np.einsum("npr,npr->nr", r, pulled)
        top = np.maximum(log_a.max(axis=1, keepdims=True), LOG_LEAST)
        log_a = np.maximum(log_a - top, LOG_LEAST)
        slopes = where.factor[patients].transpose(0, 2, 1)[owner] @ pulled
        any_feature = np.zeros((len(lesions), 1, log_a.shape[1]))
        given = TiltedSums(log_a, slopes, where.z, np.float64).means(any_feature)[0] + top
        off = u - centre[:, None]
        pull = 0.5 * np.einsum("Pka,ab,Pkb->Pk", off, self.precision, off, optimize=True)
        constant = -0.5 * np.linalg.slogdet(2.0 * np.pi * point.population.omega)[1]
        given += constant - np.log(self.nodes.count) - pull[owner]
        log_w = np.add.reduceat(given, first_of[:-1], axis=0) - where.log_density[patients]
        log_w -= 0.5 * ((u / point.between) ** 2).sum(axis=2)
        log_w -= np.log(point.between).sum() + 0.5 * self.p * np.log(2.0 * np.pi)
        total = np.logaddexp.reduce(log_w, axis=1)
        w = np.exp(log_w - total[:, None])
        loglik = total - np.log(w.shape[1])
        return _Laid(lesions, first_of, data, order, log_a, slopes, loglik, w)


def _locate(work: DrawPass, starts: range, number: int) -> tuple[FloatArray, FloatArray]:
    start = starts[number]
    return work.locate(slice(start, start + PATIENTS_PER_BLOCK))


def _draw(
    work: DrawPass,
    starts: range,
    ids: NDArray[np.generic],
    n_draws: int,
    seed: int,
    number: int,
) -> _Drawn:
    start = starts[number]
    return work.draw(slice(start, start + PATIENTS_PER_BLOCK), ids, n_draws, seed)
