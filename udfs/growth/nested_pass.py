"""One pass of the nested importance sums over some patients; see ``nested``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from udfs.growth.dropout import DropOut, Terms
from udfs.growth.importance import effective_nodes, parts_of
from udfs.growth.information import score_map
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.patient_nodes import PatientNodes, TwoLevelPoint
from udfs.growth.proposals import Nodes
from udfs.growth.quadrature import lower_pairs
from udfs.growth.result import GrowthFit
from udfs.growth.tilted_sums import TiltedSums
from udfs.growth.weights import NodeTerms, node_terms

LARGEST_FEATURE = 1e15
"""Of a node that no weight is on: what is multiplied with 0 must stay finite, and its square too
in single precision."""
LOG_LEAST = -1e30


@dataclass(frozen=True)
class GivenPatients:
    """Lesions of a block at each of their patient's K nodes."""

    loglik: FloatArray
    """(n, K) log p(y | u_k)."""
    unmoved: FloatArray
    """(n, f, K) conditional means of the features of phi - u without what is given by u alone:
    deviations from the typical value, their products, derivatives of log p(y | phi) in the log
    error parameters."""
    first: FloatArray
    """(n, f, K) conditional means of these features."""
    sums: TiltedSums
    features: FloatArray
    """(n, f, R) of the lesions' nodes, as if u were at the centre of the patient's nodes."""
    curvature: FloatArray
    """(n, e (e + 1) / 2, R) second derivatives in the log error parameters."""


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
        with_parts: bool = False,
    ) -> None:
        self.dropout = dropout if point.dropout is not None else None
        self.fit, self.point, self.nodes, self.where = fit, point, nodes, where
        self.with_parts = with_parts
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
        u, factor = where.u[patients], where.factor[patients]
        off_centre = (u - where.centre[patients][:, None]).transpose(0, 2, 1)[owner]
        around = typical + where.centre[patients][owner]
        given = self._given(data, order, around, off_centre, factor[owner])
        terms = self._dropout_terms(where.patients[patients], u)
        loglik, w = self._patient_weights(given, first_of, u, where.log_density[patients], terms)
        mean = np.einsum("Pk,Pka->Pa", w, u)
        off = u - mean[:, None]
        of_lesion = w[owner]
        expected = (given.first @ of_lesion[..., None])[..., 0]
        shares = given.sums.node_weights(of_lesion)
        covariance, (mean_r, square) = self._own_moments(given, of_lesion, shares, factor[owner])
        return {
            "lesions": lesions,
            "loglik": loglik.sum(),
            "patient_mean": mean,
            "patient_cov": np.einsum("Pk,Pka,Pkb->Pab", w, off, off, optimize=True),
            "mean_phi": around + mean_r,
            "sd_phi": np.sqrt(np.maximum(square - mean_r**2, 0.0)),
            "between_square": np.einsum("Pk,Pka->a", w, u**2),
            "error_curvature": _symmetric(
                np.einsum("nr,ner->e", shares[:, 0].astype(np.float64), given.curvature),
                self.n_error,
            ),
            **self._gaussian_sums(expected, lesions, typical),
            **self._scores(given, covariance, w, u, lesions, first_of, terms),
            "dropout_information": np.zeros((0, 0)) if terms is None else terms.information(w),
            **(self._parts(data.phi[:, order], shares[:, 0]) if self.with_parts else {}),
        }

    def _parts(self, phi: FloatArray, shares: FloatArray) -> dict[str, Any]:
        """What is known of the lesions' phi given all data of their patient."""
        weight = shares.astype(np.float64)
        weight /= weight.sum(axis=1, keepdims=True)
        sd = self.point.population.sd
        return {"parts": parts_of(phi, weight, sd), "ess": effective_nodes(weight)}

    def _given(
        self,
        data: NodeTerms,
        order: IntArray,
        around: FloatArray,
        off_centre: FloatArray,
        factor: FloatArray,
    ) -> GivenPatients:
        """Conditional moments of every lesion at every node of its patient.

        Args:
            order: (n,) places of the lesions in ``data``.
            around: (n, p) typical phi plus the centre of the patient's nodes.
            off_centre: (n, p, K) nodes of each lesion's patient, less that centre.
            factor: (n, p, p) of these nodes.
        """
        n, p = around.shape
        r = data.phi[:, order].transpose(1, 0, 2) - around[..., None]
        pulled = self.precision @ r
        log_a = data.loglik[order] - np.log(data.density[order])
        log_a -= 0.5 * np.einsum("npr,npr->nr", r, pulled)
        top = np.maximum(log_a.max(axis=1, keepdims=True), LOG_LEAST)
        log_a -= top
        np.maximum(log_a, LOG_LEAST, out=log_a)
        sums = TiltedSums(log_a, factor.transpose(0, 2, 1) @ pulled, self.where.z, self.kind)
        rows, columns = self.pairs
        features = np.empty((n, len(self.matrix), r.shape[2]), dtype=self.kind)
        np.clip(r, -LARGEST_FEATURE, LARGEST_FEATURE, out=features[:, :p], casting="same_kind")
        for place, (k, other) in enumerate(zip(rows, columns, strict=True), start=p):
            np.multiply(features[:, k], features[:, other], out=features[:, place])
        for place, one in enumerate(data.score, start=p + len(rows)):
            features[:, place] = one[order]
        np.clip(features, -LARGEST_FEATURE, LARGEST_FEATURE, out=features)
        loglik, mean = sums.means(features)
        loglik += top + self.log_constant - np.log(r.shape[2])
        loglik -= 0.5 * (off_centre * (self.precision @ off_centre)).sum(axis=1)
        bends = [data.curvature[i][j][order] for i, j in zip(*lower_pairs(self.n_error),
                 strict=True)]  # fmt: skip
        unmoved, first = self._moved(mean, off_centre)
        return GivenPatients(loglik, unmoved, first, sums, features, np.stack(bends, axis=1))

    def _moved(self, mean: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Means of the features of r - u from those of r, (n, f, K); without the constants, and
        with them.

        (r - u)_a (r - u)_b = r_a r_b - u_b r_a - u_a r_b + u_a u_b.
        """
        unmoved, first = mean, mean.copy()
        for place, (k, other) in enumerate(zip(*self.pairs, strict=True), start=self.p):
            a, b = u[:, k], u[:, other]
            unmoved[:, place] -= b * first[:, k] + a * first[:, other]
            first[:, place] = unmoved[:, place] + a * b
        first[:, : self.p] -= u
        return unmoved, first

    def _own_moments(
        self, given: GivenPatients, weight: FloatArray, shares: FloatArray, factor: FloatArray
    ) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """What the nodes say of each lesion, means over its patient's (n, K) weights.

        Given u the features of r - u are (1 - N(u)) times those of r, F, plus a constant, with N
        linear in u. So the mean covariance is that of (1 - N) E[F F'] (1 - N)', which needs the
        means of E[F F'], u_a E[F F'] and u_a u_b E[F F'], less that of (1 - N) E[F] E[F]' (1 - N)'.

        Args:
            shares: (n, h, R) what each node has of each monomial of z = L^-1 u, ``factor`` L.

        Returns:
            (n, f, f) mean covariances, and (n, p) means of r and of its squares.
        """
        p, f = self.p, len(self.matrix)
        rows, columns = lower_pairs(f)
        products = given.features[:, rows] * given.features[:, columns]
        np.clip(products, -(LARGEST_FEATURE**2), LARGEST_FEATURE**2, out=products)
        of_z = (shares @ products.transpose(0, 2, 1)).astype(np.float64)
        found = _symmetric(_by_effects(factor) @ of_z, f)
        rows, columns = lower_pairs(p)
        move = np.zeros((p, f, f))
        for place, (k, other) in enumerate(zip(*self.pairs, strict=True), start=p):
            move[other, place, k] += 1.0
            move[k, place, other] += 1.0
        once = np.einsum("afg,nagh->nfh", move, found[:, 1 : p + 1], optimize=True)
        twice = np.zeros_like(once)
        for place, (k, other) in enumerate(zip(rows, columns, strict=True), start=p + 1):
            product = move[k] @ found[:, place] @ move[other].T
            twice += product if k == other else product + product.transpose(0, 2, 1)
        covariance = found[:, 0] - once - once.transpose(0, 2, 1) + twice
        covariance -= (given.unmoved * weight[:, None]) @ given.unmoved.transpose(0, 2, 1)
        mean = (shares[:, :1] @ given.features[:, :p].transpose(0, 2, 1))[:, 0]
        squares = np.einsum("naa->na", found[:, 0, :p, :p])
        return covariance, (mean.astype(np.float64), squares)

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
        self, expected: FloatArray, lesions: IntArray, typical: FloatArray
    ) -> dict[str, FloatArray]:
        """What the complete information of fixed effects and omega needs."""
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
        covariance: FloatArray,
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
        own = self.matrix @ covariance @ self.matrix.T
        place = np.zeros((len(lesions), self.size, f))
        rows = np.arange(n_effects)
        place[:, rows, parameter] = x[:, column]
        end = n_effects + structure.n_omega
        inner = np.r_[n_effects:end, self.size - self.n_error : self.size]
        place[:, inner, self.p + np.arange(n_inner)] = 1.0
        missing = np.tensordot(place @ own, place, axes=([0, 2], [0, 2]))
        base = self.matrix @ given.first
        base[:, self.p :] += self.constant[self.p :, None]
        total = np.add.reduceat(place @ base, first_of, axis=0)
        total[:, end : self.size - self.n_error] = ((u / self.point.between) ** 2 - 1.0).transpose(
            0, 2, 1
        )
        if terms is not None:
            hazard = terms.score().transpose(0, 2, 1)
            total = np.concatenate([total, hazard], axis=1)
            missing = np.pad(missing, (0, hazard.shape[1]))
        mean = (total @ w[..., None])[..., 0]
        total -= mean[..., None]
        missing += ((total * w[:, None]) @ total.transpose(0, 2, 1)).sum(axis=0)
        return {
            "score": mean.sum(axis=0),
            "missing": missing,
        }


def _by_effects(factor: FloatArray) -> FloatArray:
    """(n, h, h) what takes the ``monomials`` of z to those of u = L z, for (n, p, p) L."""
    n, p, _ = factor.shape
    rows, columns = lower_pairs(p)
    out = np.zeros((n, 1 + p + len(rows), 1 + p + len(rows)))
    out[:, 0, 0] = 1.0
    out[:, 1 : p + 1, 1 : p + 1] = factor
    a, b = factor[:, rows], factor[:, columns]
    # u_a u_b = sum over d, e of L_ad L_be z_d z_e; each pair d > e comes twice.
    product = a[:, :, rows] * b[:, :, columns]
    other = a[:, :, columns] * b[:, :, rows]
    out[:, p + 1 :, p + 1 :] = np.where(rows == columns, product, product + other)
    return out


def _symmetric(packed: FloatArray, size: int) -> FloatArray:
    """(..., size, size) symmetric matrices of their (..., k) entries by ``tril_indices``."""
    rows, columns = lower_pairs(size)
    out = np.empty((*packed.shape[:-1], size, size))
    out[..., rows, columns] = out[..., columns, rows] = packed
    return out
