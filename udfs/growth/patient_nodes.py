"""Where the nested importance sums look for the effects of patients."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from udfs.growth.dropout import DropOutPoint
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.quadrature import gauss_hermite
from udfs.growth.result import GrowthFit

INFLATION = 1.1
"""Of the standard deviations."""
SMALLEST_SPREAD, LARGEST_SPREAD = 0.05, 1.5
"""Of a patient's standard deviation, as a share of that between patients."""


@dataclass(frozen=True)
class TwoLevelPoint:
    """A point in the parameter space of two levels."""

    population: Population
    """Fixed effects, covariance of the lesions' own effects, residual error."""
    between: FloatArray
    """(p,) standard deviations of the patients' effects."""
    dropout: DropOutPoint | None = None
    """Hazard of drop-out, where it is modelled."""


@dataclass(frozen=True)
class PatientNodes:
    """Nodes of the effects of some patients, and their lesions."""

    patients: IntArray
    """(P,) numbers of the patients, ascending."""
    members: list[IntArray]
    """Lesions (fit order, ascending) of each."""
    u: FloatArray
    """(P, K, p)"""
    log_density: FloatArray
    """(P, K) so that an integral over u is the mean over the nodes of integrand over density."""
    centre: FloatArray
    """(P, p)"""
    factor: FloatArray
    """(P, p, p) L: u = centre + L z."""
    z: FloatArray
    """(m,) points of each axis; K = m^p, the last axis running fastest."""


@dataclass(frozen=True)
class Around:
    """Where each patient's effect is thought to be."""

    centre: FloatArray
    """(P, p)"""
    spread: FloatArray
    """(P, p, p) covariance."""


def members_of(member: IntArray) -> list[IntArray]:
    """Lesions of each patient, for the (n,) patients of the lesions (fit order)."""
    order = np.argsort(member, kind="stable")
    bounds = np.searchsorted(member[order], np.arange(int(member.max()) + 2))
    return [order[a:b] for a, b in pairwise(bounds)]


def approximate_effects(fit: GrowthFit, point: TwoLevelPoint, member: IntArray) -> Around:
    """Each patient's effect as if the lesions' likelihoods were Gaussian.

    The fit's conditional means and covariances say what each lesion's data alone know of phi (its
    likelihood as a Gaussian with precision J); with Omega and Gamma that gives u.

    Args:
        member: (n,) patient of each lesion, fit order.
    """
    problem, p = fit.problem, fit.structure.p
    in_fit_order = np.argsort(np.argsort(problem.order))
    mean, covariance = fit.lesions.mean_phi[in_fit_order], fit.lesions.cov_phi[in_fit_order]
    prior_mean = fit.lesions.typical_phi[in_fit_order]
    prior = np.linalg.inv(fit.population.omega)
    safe = covariance + 1e-8 * np.diag(np.diag(fit.population.omega))
    posterior = np.linalg.inv(safe)
    values, vectors = np.linalg.eigh(posterior - prior)
    j = (vectors * np.maximum(values, 0.0)[:, None]) @ vectors.transpose(0, 2, 1)
    weighted = np.einsum("nab,nb->na", posterior, mean) - prior_mean @ prior
    own = np.linalg.inv(point.population.omega)
    gain = own @ np.linalg.inv(j + own)
    typical = problem.design.mean(point.population.coefficients).T
    pull = np.einsum("nab,nb->na", gain, weighted - np.einsum("nab,nb->na", j, typical))
    n_patients = int(member.max()) + 1
    total = np.zeros((n_patients, p, p))
    np.add.at(total, member, own - gain @ own)
    total += np.diag(1.0 / point.between**2)
    sums = np.zeros((n_patients, p))
    np.add.at(sums, member, pull)
    spread = np.asarray(np.linalg.inv(0.5 * (total + total.transpose(0, 2, 1))), dtype=np.float64)
    return Around(np.einsum("nab,nb->na", spread, sums), spread)


def nodes_around(
    around: Around,
    between: FloatArray,
    members: list[IntArray],
    patients: IntArray,
    per_axis: int,
    rng: np.random.Generator | None = None,
) -> PatientNodes:
    """Adaptive Gauss-Hermite nodes for some patients; covariances are kept within bounds.

    The rule errs in one direction when a patient's effect lies between two nodes and in the other
    when it lies on one. Centred on the effect it errs in the same direction for all patients, and
    that adds up: of 4,308 patients 6 nodes per axis put the hazard's slope 0.8 standard errors
    from where 10 put it, with grids moved at random 0.1.

    Args:
        around: of all patients.
        members: lesions of all patients.
        patients: (P,) those that get nodes.
        per_axis: nodes per parameter; a patient gets its p-th power.
        rng: moves each patient's grid, by up to half the distance of the innermost nodes; None
            leaves it where the effect is.
    """
    spread, p = around.spread[patients], len(between)
    sd = np.sqrt(np.maximum(np.einsum("naa->na", spread), 1e-300))
    change = np.clip(sd, SMALLEST_SPREAD * between, LARGEST_SPREAD * between) / sd
    safe = spread * change[:, :, None] * change[:, None, :]
    safe = safe + np.einsum("na,ab->nab", 1e-4 * np.einsum("naa->na", safe), np.eye(p))
    factor = INFLATION * np.linalg.cholesky(0.5 * (safe + safe.transpose(0, 2, 1)))
    z, log_weight = gauss_hermite(p, per_axis)
    centre = around.centre[patients]
    if rng is not None:
        axis = np.sort(z[:per_axis, -1])
        half = 0.5 * float(np.diff(axis).min())
        moved = rng.uniform(-half, half, (len(around.centre), p))[patients]
        centre = centre + np.einsum("nab,nb->na", factor, moved)
    u = centre[:, None] + np.einsum("nab,kb->nka", factor, z)
    volume = np.log(np.einsum("naa->na", factor)).sum(axis=1)
    log_density = -np.log(len(z)) - log_weight - volume[:, None]
    mine = [members[k] for k in patients]
    return PatientNodes(patients, mine, u, log_density, centre, factor, z[:per_axis, -1])
