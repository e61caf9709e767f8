"""One pass of the nested importance sums over some patients; see ``nested``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from udfs.growth.dropout import DropOut, Terms
from udfs.growth.information import score_map
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.patient_nodes import PatientNodes, TwoLevelPoint
from udfs.growth.proposals import Nodes
from udfs.growth.result import GrowthFit
from udfs.growth.tilted_sums import tilted_sums
from udfs.growth.weights import NodeTerms, node_terms

LARGEST_FEATURE = 1e30
ELEMENTS_AT_ONCE = 300_000
"""Of the largest working array."""


@dataclass(frozen=True)
class GivenPatients:
    """Lesions of a block at each of their patient's K nodes."""

    loglik: FloatArray
    """(n, K) log p(y | u_k)."""
    first: FloatArray
    """(n, K, f) conditional means of the features of phi - u: deviations from the typical value,
    their products, derivatives of log p(y | phi) in the log error parameters."""
    covariance: FloatArray
    """(n, K, f (f + 1) / 2) conditional covariances of the features of phi, by ``tril_indices``."""
    phi_square: FloatArray
    """(n, K, p) conditional means of phi^2."""
    curvature: FloatArray
    """(n, K, e (e + 1) / 2)"""


class PatientPass:
    """Works through patients at one point."""

    def __init__(
        self,
        fit: GrowthFit,
        point: TwoLevelPoint,
        nodes: Nodes,
        where: PatientNodes,
        dropout: DropOut | None,
        *,
        is_rough: bool,
    ) -> None:
        self.dropout = dropout if point.dropout is not None else None
        self.fit, self.point, self.nodes, self.where = fit, point, nodes, where
        self.structure, self.p = fit.structure, fit.structure.p
        self.pairs = fit.structure.lower
        self.precision = np.linalg.inv(point.population.omega)
        self.log_constant = -0.5 * (
            self.p * np.log(2 * np.pi) + np.linalg.slogdet(point.population.omega)[1]
        )
        self.matrix, self.constant = score_map(fit.structure, point.population)
        self.n_error = len(fit.structure.error.names)
        self.size = fit.structure.size + self.p
        """Of theta without drop-out."""
        self.kind = np.float32 if is_rough else np.float64

    def run(self, patients: slice) -> dict[str, Any]:
        """All lesions of some patients of the group."""
        where, problem = self.where, self.fit.problem
        members = where.members[patients]
        lesions = np.concatenate(members)
        ascending = np.sort(lesions)
        data = node_terms(
            problem,
            self.point.population.error,
            self.fit.proposal,
            self.nodes,
            ascending,
            with_derivatives=True,
        )
        order = np.searchsorted(ascending, lesions)
        sizes = [len(one) for one in members]
        owner = np.repeat(np.arange(len(members)), sizes)
        first_of = np.cumsum([0, *sizes[:-1]])
        typical = problem.design.mean(self.point.population.coefficients, lesions).T
        u = where.u[patients]
        centre, factor = where.centre[patients][owner], where.factor[patients][owner]
        given = self._given(data, order, typical, u[owner], centre, factor)
        terms = self._dropout_terms(where.patients[patients], u)
        loglik, w = self._patient_weights(given, first_of, u, where.log_density[patients], terms)
        mean = np.einsum("Pk,Pka->Pa", w, u)
        off = u - mean[:, None]
        of_lesion = w[owner]
        mean_phi = np.einsum("nk,nka->na", of_lesion, given.first[..., : self.p] + u[owner])
        mean_phi += typical
        square = np.einsum("nk,nka->na", of_lesion, given.phi_square)
        return {
            "lesions": lesions,
            "loglik": loglik.sum(),
            "patient_mean": mean,
            "patient_cov": np.einsum("Pk,Pka,Pkb->Pab", w, off, off, optimize=True),
            "mean_phi": mean_phi,
            "sd_phi": np.sqrt(np.maximum(square - mean_phi**2, 0.0)),
            "between_square": np.einsum("Pk,Pka->a", w, u**2),
            "error_curvature": _symmetric(
                np.einsum("nk,nke->e", of_lesion, given.curvature), self.n_error
            ),
            **self._gaussian_sums(given, of_lesion, lesions, typical),
            **self._scores(given, owner, w, u, lesions, first_of, terms),
            "dropout_information": np.zeros((0, 0)) if terms is None else terms.information(w),
        }

    def _given(
        self,
        data: NodeTerms,
        order: IntArray,
        typical: FloatArray,
        u: FloatArray,
        centre: FloatArray,
        factor: FloatArray,
    ) -> GivenPatients:
        """Conditional moments of every lesion at every node of its patient.

        Args:
            order: (n,) places of the lesions in ``data``.
            typical: (n, p) typical phi.
            u: (n, K, p) nodes of each lesion's patient.
            centre: (n, p) of these nodes.
            factor: (n, p, p) of these nodes.
        """
        n, count, _ = u.shape
        p, f, e = self.p, len(self.matrix), self.n_error
        a, b = np.tril_indices(f)
        c, d = np.tril_indices(e)
        moments = np.empty((n, count, f + len(a) + len(c)))
        loglik = np.empty((n, count))
        step = max(1, ELEMENTS_AT_ONCE // (moments.shape[2] * len(self.where.z) * self.nodes.count))
        for start in range(0, n, step):
            part = slice(start, start + step)
            some = order[part]
            r = data.phi[:, some].transpose(1, 0, 2) - typical[part, :, None]
            pulled = self.precision @ r
            log_a = data.loglik[some] - np.log(data.density[some])
            log_a -= 0.5 * np.einsum("npr,npr->nr", r, pulled)
            log_a += np.einsum("np,npr->nr", centre[part], pulled)
            slopes = factor[part].transpose(0, 2, 1) @ pulled
            rows, columns = self.pairs
            features = np.concatenate(
                [r, r[:, rows] * r[:, columns], *(one[some][:, None] for one in data.score)], axis=1
            )
            bends = [data.curvature[i][j][some][:, None] for i, j in zip(c, d, strict=True)]
            wanted = np.concatenate([features, features[:, a] * features[:, b], *bends], axis=1)
            # Where a weight is 0 what it is multiplied with must stay finite.
            np.clip(wanted, -LARGEST_FEATURE, LARGEST_FEATURE, out=wanted)
            top = np.maximum(log_a.max(axis=1, keepdims=True), -LARGEST_FEATURE)
            log_a -= top
            np.maximum(log_a, -LARGEST_FEATURE, out=log_a)
            log_total, moments[part] = tilted_sums(log_a, slopes, self.where.z, wanted, self.kind)
            loglik[part] = top + log_total - np.log(r.shape[2])
        first, covariance = moments[..., :f].copy(), moments[..., f : f + len(a)]
        loglik += self.log_constant - 0.5 * np.einsum(
            "nka,ab,nkb->nk", u, self.precision, u, optimize=True
        )
        # The features begin with r, the covariances with those of the first feature.
        squares = np.flatnonzero((a == b) & (a < p))
        covariance -= first[..., a] * first[..., b]
        phi_square = covariance[..., squares] + np.square(first[..., :p] + typical[:, None])
        self._move(first, u)
        return GivenPatients(loglik, first, covariance, phi_square, moments[..., f + len(a) :])

    def _move(self, first: FloatArray, u: FloatArray) -> None:
        """In place: means of the features of r -> of the features of r - u.

        (r - u)_a (r - u)_b = r_a r_b - u_b r_a - u_a r_b + u_a u_b.
        """
        for place, (k, other) in enumerate(zip(*self.pairs, strict=True), start=self.p):
            a, b = u[..., k], u[..., other]
            first[..., place] -= b * first[..., k] + a * first[..., other] - a * b
        first[..., : self.p] -= u

    def _own_covariance(
        self, covariance: FloatArray, owner: IntArray, w: FloatArray, u: FloatArray
    ) -> FloatArray:
        """(n, f, f) means over the patients' nodes of the covariances of the features of r - u.

        Given u these features are (1 - N(u)) times those of r, plus a constant, with N linear in u:
        the mean of (1 - N) V (1 - N)' needs those of V, u_a V and u_a u_b V.
        """
        p, f = self.p, len(self.matrix)
        rows, columns = np.tril_indices(p)
        powers = np.concatenate(
            [np.ones((*u.shape[:2], 1)), u, u[..., rows] * u[..., columns]], axis=2
        )
        weights = (w[..., None] * powers).transpose(0, 2, 1)[owner]
        found = _symmetric(weights @ covariance, f)
        move = np.zeros((p, f, f))
        for place, (k, other) in enumerate(zip(*self.pairs, strict=True), start=p):
            move[other, place, k] += 1.0
            move[k, place, other] += 1.0
        once = np.einsum("afg,nagh->nfh", move, found[:, 1 : p + 1], optimize=True)
        twice = np.zeros_like(once)
        for place, (k, other) in enumerate(zip(rows, columns, strict=True), start=p + 1):
            product = move[k] @ found[:, place] @ move[other].T
            twice += product if k == other else product + product.transpose(0, 2, 1)
        return found[:, 0] - once - once.transpose(0, 2, 1) + twice

    def _dropout_terms(self, patients: IntArray, u: FloatArray) -> Terms | None:
        if self.dropout is None or self.point.dropout is None:
            return None
        return self.dropout.terms(patients, u, self.point.dropout)

    def _patient_weights(
        self,
        given: GivenPatients,
        first_of: IntArray,
        u: FloatArray,
        log_density: FloatArray,
        terms: Terms | None,
    ) -> tuple[FloatArray, FloatArray]:
        """(P,) log-likelihoods and (P, K) weights of the patients' nodes."""
        log_w = np.add.reduceat(given.loglik, first_of, axis=0) - log_density
        if terms is not None:
            log_w += terms.loglik
        log_w -= 0.5 * ((u / self.point.between) ** 2).sum(axis=2)
        log_w -= np.log(self.point.between).sum() + 0.5 * self.p * np.log(2 * np.pi)
        top = log_w.max(axis=1, keepdims=True)
        w = np.exp(log_w - top)
        total = w.sum(axis=1, keepdims=True)
        return (top + np.log(total / w.shape[1]))[:, 0], w / total

    def _gaussian_sums(
        self, given: GivenPatients, weight: FloatArray, lesions: IntArray, typical: FloatArray
    ) -> dict[str, FloatArray]:
        """What the complete information of fixed effects and omega needs."""
        expected = np.einsum("nk,nkf->nf", weight, given.first)
        off, n_omega = expected[:, : self.p], len(self.pairs[0])
        products = np.zeros((self.p, self.p))
        sums = expected[:, self.p : self.p + n_omega].sum(axis=0)
        products[self.pairs] = sums
        products.T[self.pairs] = sums
        cross = typical.T @ off
        return {
            "by_design": self.fit.problem.design.values[lesions].T @ (off + typical),
            "square": products + cross + cross.T + typical.T @ typical,
        }

    def _scores(
        self,
        given: GivenPatients,
        owner: IntArray,
        w: FloatArray,
        u: FloatArray,
        lesions: IntArray,
        first_of: IntArray,
        terms: Terms | None,
    ) -> dict[str, FloatArray]:
        """Score, and its variance given the data (Louis)."""
        structure, f = self.structure, len(self.matrix)
        x = self.fit.problem.design.values[lesions]
        column, parameter = structure.effect_places
        n_effects, n_inner = structure.n_effects, f - self.p
        own = self.matrix @ self._own_covariance(given.covariance, owner, w, u) @ self.matrix.T
        place = np.zeros((len(lesions), self.size, f))
        rows = np.arange(n_effects)
        place[:, rows, parameter] = x[:, column]
        end = n_effects + structure.n_omega
        inner = np.r_[n_effects:end, self.size - self.n_error : self.size]
        place[:, inner, self.p + np.arange(n_inner)] = 1.0
        missing = np.tensordot(place @ own, place, axes=([0, 2], [0, 2]))
        base = given.first @ self.matrix.T
        base[..., self.p :] += self.constant[self.p :]
        total = np.add.reduceat(base @ place.transpose(0, 2, 1), first_of, axis=0)
        total[..., end : self.size - self.n_error] = (u / self.point.between) ** 2 - 1.0
        if terms is not None:
            hazard = terms.score()
            total = np.concatenate([total, hazard], axis=2)
            missing = np.pad(missing, (0, hazard.shape[2]))
        mean = np.einsum("Pk,Pks->Ps", w, total)
        off = (total - mean[:, None]).reshape(-1, total.shape[2])
        missing += (off * w.reshape(-1, 1)).T @ off
        return {
            "score": mean.sum(axis=0),
            "missing": missing,
        }


def _symmetric(packed: FloatArray, size: int) -> FloatArray:
    """(..., size, size) symmetric matrices of their (..., k) entries by ``tril_indices``."""
    rows, columns = np.tril_indices(size)
    out = np.empty((*packed.shape[:-1], size, size))
    out[..., rows, columns] = out[..., columns, rows] = packed
    return out
