"""Nested importance sums over patients and their lesions; see ``second_level``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from udfs.growth.information import Curvature, complete_gaussian, score_map
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import run_blocks
from udfs.growth.proposals import N_SHIFTS, T4_AT_ZERO, Nodes, sobol, student4_quantile
from udfs.growth.result import GrowthFit
from udfs.growth.weights import NodeTerms, node_terms

INFLATION = 1.2
PATIENTS_PER_BLOCK = 16


@dataclass(frozen=True)
class TwoLevelPoint:
    """A point in the parameter space of two levels."""

    population: Population
    """Fixed effects, covariance of the lesions' own effects, residual error."""
    between: FloatArray
    """(p,) standard deviations of the patients' effects."""


@dataclass(frozen=True)
class PatientNodes:
    """Nodes of the patients' effects, and who belongs to whom."""

    member: IntArray
    """(n,) patient of each lesion, fit order."""
    members: list[IntArray]
    """Lesions (fit order, ascending) of each patient."""
    u: FloatArray
    """(P, K, p)"""
    log_density: FloatArray
    """(P, K)"""


@dataclass(frozen=True)
class PatientSums:
    """What one pass over all patients gives."""

    loglik: float
    ess: FloatArray
    """(P,)"""
    patient_mean: FloatArray
    """(P, p)"""
    patient_sd: FloatArray
    """(P, p)"""
    mean_phi: FloatArray
    """(n, p) fit order."""
    sd_phi: FloatArray
    """(n, p)"""
    score: FloatArray
    """(size,)"""
    missing: FloatArray
    """(size, size) sum over patients of the covariance of the complete score given the data."""
    by_design: FloatArray
    """(c, p) sum of x E[phi - u]'."""
    square: FloatArray
    """(p, p) sum of E[(phi - u)(phi - u)']."""
    between_square: FloatArray
    """(p,) sum over patients of E[u^2]."""
    error_curvature: FloatArray
    """(e, e)"""


def patient_nodes(
    fit: GrowthFit, point: TwoLevelPoint, member: IntArray, count: int, seed: int
) -> PatientNodes:
    """Student nodes around each patient's approximate effect.

    The fit's conditional means and covariances say what each lesion's data alone know of phi (its
    likelihood as a Gaussian with precision J); with Omega and Gamma that gives u.
    """
    problem, p = fit.problem, fit.structure.p
    n_patients = int(member.max()) + 1
    in_fit_order = np.argsort(np.argsort(problem.order))
    mean, covariance = fit.lesions.mean_phi[in_fit_order], fit.lesions.cov_phi[in_fit_order]
    prior_mean = fit.lesions.typical_phi[in_fit_order]
    prior = np.linalg.inv(fit.population.omega)
    safe = covariance + 1e-8 * np.diag(np.diag(fit.population.omega))
    posterior = np.linalg.inv(safe)
    values, vectors = np.linalg.eigh(posterior - prior)
    j = np.einsum("nab,nb,ncb->nac", vectors, np.maximum(values, 0.0), vectors)
    weighted = np.einsum("nab,nb->na", posterior, mean) - prior_mean @ prior
    own = np.linalg.inv(point.population.omega)
    gain = own @ np.linalg.inv(j + own)
    pull = np.einsum("nab,nb->na", gain, weighted - np.einsum("nab,nb->na", j, prior_mean))
    precision = own - gain @ own
    total = np.zeros((n_patients, p, p))
    np.add.at(total, member, precision)
    total += np.diag(1.0 / point.between**2)
    sums = np.zeros((n_patients, p))
    np.add.at(sums, member, pull)
    spread = np.linalg.inv(0.5 * (total + total.transpose(0, 2, 1)))
    centre = np.einsum("nab,nb->na", spread, sums)
    factor = INFLATION * np.linalg.cholesky(spread)
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(51,))))
    uniform = np.mod(sobol(p, count)[:, None] + rng.random((p, N_SHIFTS, 1)), 1.0)
    points = student4_quantile(np.clip(uniform, 1e-12, 1 - 1e-12))
    picked = points[:, np.arange(n_patients) % N_SHIFTS].transpose(1, 2, 0)
    u = centre[:, None] + np.einsum("nab,nkb->nka", factor, picked)
    log_density = p * np.log(T4_AT_ZERO) - 2.5 * np.log1p(0.25 * picked**2).sum(axis=2)
    log_density -= np.log(np.einsum("naa->na", factor)).sum(axis=1)[:, None]
    order = np.argsort(member, kind="stable")
    bounds = np.searchsorted(member[order], np.arange(n_patients + 1))
    members = [order[a:b] for a, b in pairwise(bounds)]
    return PatientNodes(member, members, u, log_density)


def nested_sums(
    fit: GrowthFit,
    point: TwoLevelPoint,
    nodes: Nodes,
    where: PatientNodes,
    threads: int,
    pool: ThreadPoolExecutor | None,
) -> PatientSums:
    """One pass over all patients."""
    n_patients = len(where.members)
    blocks = [
        np.arange(k, min(k + PATIENTS_PER_BLOCK, n_patients))
        for k in range(0, n_patients, PATIENTS_PER_BLOCK)
    ]
    done = run_blocks(
        lambda k: _BlockPass(fit, point, nodes, where).run(blocks[k]), len(blocks), threads, pool
    )
    n, p = fit.problem.n_lesions, fit.structure.p
    mean_phi, sd_phi = np.empty((n, p)), np.empty((n, p))
    for one in done:
        mean_phi[one.lesions], sd_phi[one.lesions] = one.mean_phi, one.sd_phi
    total = done[0].sums
    for one in done[1:]:
        total = [a + b for a, b in zip(total, one.sums, strict=True)]
    loglik, score, missing, by_design, square, between_square, error_curvature = total
    return PatientSums(
        loglik=float(loglik),
        ess=np.concatenate([one.ess for one in done]),
        patient_mean=np.concatenate([one.patient_mean for one in done]),
        patient_sd=np.concatenate([one.patient_sd for one in done]),
        mean_phi=mean_phi,
        sd_phi=sd_phi,
        score=score,
        missing=missing,
        by_design=by_design,
        square=square,
        between_square=between_square,
        error_curvature=error_curvature,
    )


@dataclass(frozen=True)
class _BlockResult:
    lesions: IntArray
    mean_phi: FloatArray
    sd_phi: FloatArray
    ess: FloatArray
    patient_mean: FloatArray
    patient_sd: FloatArray
    sums: list[FloatArray]


@dataclass(frozen=True)
class _LesionGivenPatient:
    """One lesion at each of its patient's K nodes."""

    loglik: FloatArray
    """(K,) log p(y | u_k)."""
    first: FloatArray
    """(K, f) conditional means of the features h of phi - u."""
    second: FloatArray
    """(K, f, f) their conditional covariances."""
    phi_mean: FloatArray
    """(K, p)"""
    phi_square: FloatArray
    """(K, p) conditional means of phi and phi^2."""
    curvature: FloatArray
    """(K, e, e)"""


class _BlockPass:
    """Works through some patients at one point."""

    def __init__(
        self, fit: GrowthFit, point: TwoLevelPoint, nodes: Nodes, where: PatientNodes
    ) -> None:
        self.fit, self.point, self.nodes, self.where = fit, point, nodes, where
        self.problem, self.structure = fit.problem, fit.structure
        self.p = fit.structure.p
        self.pairs = fit.structure.lower
        self.precision = np.linalg.inv(point.population.omega)
        self.log_constant = -0.5 * (
            self.p * np.log(2 * np.pi) + np.linalg.slogdet(point.population.omega)[1]
        )
        self.matrix, self.constant = score_map(fit.structure, point.population)
        self.n_error = len(fit.structure.error.names)
        self.f = len(self.matrix)
        self.n_effects = fit.structure.n_effects
        self.size = fit.structure.size + self.p

    def run(self, patients: IntArray) -> _BlockResult:
        """All lesions of some patients."""
        lesions = np.sort(np.concatenate([self.where.members[k] for k in patients]))
        data = node_terms(
            self.problem,
            self.point.population.error,
            self.fit.proposal,
            self.nodes,
            lesions,
            with_derivatives=True,
        )
        typical = self.problem.design.mean(self.point.population.coefficients, lesions)
        p, c, e = self.p, self.problem.design.values.shape[1], self.n_error
        mean_phi, sd_phi = np.empty((len(lesions), p)), np.empty((len(lesions), p))
        ess = np.empty(len(patients))
        patient_mean, patient_sd = np.empty((len(patients), p)), np.empty((len(patients), p))
        sums: list[FloatArray] = [
            np.zeros(()),
            np.zeros(self.size),
            np.zeros((self.size, self.size)),
            np.zeros((c, p)),
            np.zeros((p, p)),
            np.zeros(p),
            np.zeros((e, e)),
        ]
        for place, patient in enumerate(patients):
            members = self.where.members[patient]
            at = np.searchsorted(lesions, members)
            u = self.where.u[patient]
            log_w = -self.where.log_density[patient]
            log_w = log_w - 0.5 * ((u / self.point.between) ** 2).sum(axis=1)
            log_w = log_w - np.log(self.point.between).sum() - 0.5 * p * np.log(2 * np.pi)
            given = [self._lesion(data, int(k), typical[:, k], u) for k in at]
            for one in given:
                log_w = log_w + one.loglik
            top = log_w.max()
            w = np.exp(log_w - top)
            sums[0] = sums[0] + top + np.log(w.mean())
            w /= w.sum()
            ess[place] = 1.0 / (w * w).sum()
            patient_mean[place] = w @ u
            patient_sd[place] = np.sqrt(np.maximum(w @ u**2 - patient_mean[place] ** 2, 0.0))
            self._add(sums, w, u, given, lesions[at], typical[:, at].T)
            for k, one in zip(at, given, strict=True):
                mean_phi[k] = w @ one.phi_mean
                sd_phi[k] = np.sqrt(np.maximum(w @ one.phi_square - mean_phi[k] ** 2, 0.0))
        return _BlockResult(lesions, mean_phi, sd_phi, ess, patient_mean, patient_sd, sums)

    def _lesion(
        self, data: NodeTerms, k: int, typical: FloatArray, u: FloatArray
    ) -> _LesionGivenPatient:
        """Conditional moments of one lesion at every node of its patient."""
        r = data.phi[:, k] - typical[:, None]
        log_a = data.loglik[k] - np.log(data.density[k])
        pulled = self.precision @ r
        log_a = log_a - 0.5 * (r * pulled).sum(axis=0)
        exponent = u @ pulled + log_a
        top = exponent.max()
        weight = np.exp(exponent - top)
        total = np.maximum(weight.sum(axis=1), 1e-300)
        shift = 0.5 * np.einsum("ka,ab,kb->k", u, self.precision, u)
        loglik = top + np.log(total / r.shape[1]) - shift + self.log_constant
        weight /= total[:, None]
        rows, columns = self.pairs
        features = np.concatenate([r, r[rows] * r[columns], [one[k] for one in data.score]])
        f = len(features)
        a, b = np.tril_indices(f)
        first = weight @ features.T
        products = weight @ (features[a] * features[b]).T
        second = np.empty((len(u), f, f))
        second[:, a, b] = products
        second[:, b, a] = products
        second -= first[:, :, None] * first[:, None, :]
        turn, constant = self._turn(u)
        curvature = np.empty((len(u), self.n_error, self.n_error))
        for i in range(self.n_error):
            for j in range(i + 1):
                value = weight @ data.curvature[i][j][k]
                curvature[:, i, j] = curvature[:, j, i] = value
        mean = first[:, : self.p]
        variance = np.einsum("kaa->ka", second[:, : self.p, : self.p])
        return _LesionGivenPatient(
            loglik=loglik,
            first=np.einsum("kgf,kf->kg", turn, first) + constant,
            second=turn @ second @ turn.transpose(0, 2, 1),
            phi_mean=mean + typical,
            phi_square=variance + (mean + typical) ** 2,
            curvature=curvature,
        )

    def _turn(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(K, f, f) and (K, f): features of phi - mean -> features of phi - mean - u."""
        turn = np.repeat(np.eye(self.f)[None], len(u), axis=0)
        constant = np.zeros((len(u), self.f))
        constant[:, : self.p] = -u
        for place, (k, other) in enumerate(zip(*self.pairs, strict=True)):
            turn[:, self.p + place, k] -= u[:, other]
            turn[:, self.p + place, other] -= u[:, k]
            constant[:, self.p + place] = u[:, k] * u[:, other]
        return turn, constant

    def _score_matrix(self, lesion: int) -> tuple[FloatArray, FloatArray]:
        """(size, f) and (size,): score in theta = matrix @ features + constant, of one lesion."""
        column, parameter = self.structure.effect_places
        x = self.problem.design.values[lesion]
        matrix, constant = np.zeros((self.size, self.f)), np.zeros(self.size)
        matrix[: self.n_effects] = self.matrix[parameter] * x[column][:, None]
        n_omega = self.structure.n_omega
        inner = slice(self.p, self.p + n_omega)
        matrix[self.n_effects : self.n_effects + n_omega] = self.matrix[inner]
        constant[self.n_effects : self.n_effects + n_omega] = self.constant[inner]
        matrix[self.size - self.n_error :] = self.matrix[self.f - self.n_error :]
        return matrix, constant

    def _add(
        self,
        sums: list[FloatArray],
        w: FloatArray,
        u: FloatArray,
        given: list[_LesionGivenPatient],
        lesions: IntArray,
        typicals: FloatArray,
    ) -> None:
        """One patient's part of the sums."""
        between = slice(self.n_effects + self.structure.n_omega, self.size - self.n_error)
        total = np.zeros((len(u), self.size))
        total[:, between] = (u / self.point.between) ** 2 - 1.0
        rows, columns = self.pairs
        for one, lesion, typical in zip(given, lesions, typicals, strict=True):
            matrix, constant = self._score_matrix(int(lesion))
            total += one.first @ matrix.T + constant
            sums[2] += matrix @ np.einsum("k,kfg->fg", w, one.second) @ matrix.T
            expected = w @ one.first
            off, products = expected[: self.p], np.zeros((self.p, self.p))
            products[rows, columns] = products[columns, rows] = expected[
                self.p : self.p + len(rows)
            ]
            sums[3] += np.outer(self.problem.design.values[lesion], off + typical)
            cross = np.outer(typical, off)
            sums[4] += products + cross + cross.T + np.outer(typical, typical)
            sums[6] += np.einsum("k,kef->ef", w, one.curvature)
        mean = w @ total
        sums[1] += mean
        sums[2] += (total * w[:, None]).T @ total - np.outer(mean, mean)
        sums[5] += w @ u**2


def nested_curvature(
    fit: GrowthFit, point: TwoLevelPoint, theta: FloatArray, sums: PatientSums
) -> Curvature:
    """Score and information of the two-level theta."""
    structure, p = fit.structure, fit.structure.p
    start = structure.n_effects + structure.n_omega
    inner = np.concatenate([theta[:start], theta[start + p :]])
    gaussian = complete_gaussian(
        structure, inner, fit.problem.design.values, sums.by_design, sums.square
    )
    complete = np.zeros((len(theta), len(theta)))
    complete[:start, :start] = gaussian
    places = np.arange(start, start + p)
    complete[places, places] = 2.0 * sums.between_square / point.between**2
    complete[start + p :, start + p :] = -sums.error_curvature
    observed = complete - sums.missing
    return Curvature(sums.score, observed, complete, np.zeros_like(complete))
