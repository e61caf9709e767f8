"""Where importance sampling looks: per lesion a heavy-tailed t and, for safety, the population.

q_i = 0.8 t4(m_i, L_i) + 0.2 N(typical phi_i, omega). t4 is a product of Student densities with 4
degrees of freedom in the coordinates L_i^-1 (phi - m_i); m_i and L_i L_i' / 1.44 are the mean and
covariance of phi given the lesion's data. Each part has its own contiguous run of points of a
low-discrepancy sequence. Lesions share a few randomly shifted copies of the points, so that the
errors of neighbouring lesions differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from udfs.growth.chains import factors_of
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.population import Population
from udfs.growth.problem import Problem

PRIOR_SHARE = 0.2
INFLATION = 1.2
"""Of the standard deviations: 1.44 in the covariance."""
N_SHIFTS = 64
T4_LOG_SCALE = float(np.log(0.375))
"""log density of Student's t with 4 degrees of freedom at 0."""


@dataclass(frozen=True)
class Nodes:
    """Standardised points, common to all lesions but for the shift."""

    t: FloatArray
    """(p, shifts, R_t) Student coordinates."""
    t_density: FloatArray
    """(shifts, R_t) their density, the part of |L| left out."""
    normal: FloatArray
    """(p, shifts, R_n) standard normal coordinates."""
    normal_log_density: FloatArray
    """(shifts, R_n) -z'z / 2."""

    @property
    def count(self) -> int:
        """Nodes per lesion."""
        return self.t.shape[2] + self.normal.shape[2]

    @property
    def prior_share(self) -> float:
        """Share of the nodes that come from the population."""
        return self.normal.shape[2] / self.count


@dataclass(frozen=True)
class Proposal:
    """The importance distribution of every lesion, in fit order."""

    mean: FloatArray
    """(p, n)"""
    factor: FloatArray
    """(p, p, n) L, lower triangular."""
    log_volume: FloatArray
    """(n,) log |L|."""
    population: Population
    """The point whose population density is the second part."""


def make_nodes(p: int, count: int, seed: int) -> Nodes:
    """``count`` points per lesion for p parameters; the same for the same arguments."""
    n_normal = max(1, round(PRIOR_SHARE * count))
    sequence = np.random.SeedSequence(seed, spawn_key=(1, count))
    rng = np.random.Generator(np.random.SFC64(sequence))
    uniform_t = _sequence(p, count - n_normal, rng.random((p, N_SHIFTS)))
    uniform_n = _sequence(p, n_normal, rng.random((p, N_SHIFTS)))
    t = student4_quantile(uniform_t)
    normal = ndtri(uniform_n)
    log_density = p * T4_LOG_SCALE - 2.5 * np.log1p(0.25 * t * t).sum(axis=0)
    return Nodes(t, np.exp(log_density), normal, -0.5 * (normal * normal).sum(axis=0))


def _sequence(p: int, count: int, shifts: FloatArray) -> FloatArray:
    """(p, shifts, count) points in (0, 1): the generalised golden-ratio sequence, shifted.

    alpha_k = phi_p^-k with phi_p the positive root of x^(p + 1) = x + 1.
    """
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (p + 1))
    alpha = root ** -np.arange(1.0, p + 1)
    points = np.mod(alpha[:, None] * (np.arange(count) + 0.5), 1.0)
    shifted = np.mod(points[:, None, :] + shifts[:, :, None], 1.0)
    smallest = 1e-12
    return np.minimum(np.maximum(shifted, smallest), 1.0 - smallest)


def student4_quantile(u: FloatArray) -> FloatArray:
    """Quantiles of Student's t with 4 degrees of freedom, in closed form (Shaw 2006)."""
    root = np.sqrt(4.0 * u * (1.0 - u))
    q = np.cos(np.arccos(np.minimum(root, 1.0)) / 3.0) / root
    return np.sign(u - 0.5) * 2.0 * np.sqrt(np.maximum(q - 1.0, 0.0))


def make_proposal(mean: FloatArray, covariance: FloatArray, population: Population) -> Proposal:
    """Proposal from (p, n) means and (p, p, n) covariances of phi given the data.

    Variances are kept between 1e-4 and 4 times the population's.
    """
    p = len(mean)
    sd = population.sd
    inside = covariance.copy()
    for k in range(p):
        now = np.sqrt(np.maximum(covariance[k, k], 1e-300))
        wanted = np.clip(now, 1e-2 * sd[k], 2.0 * sd[k])
        change = wanted / now
        inside[k] *= change
        inside[:, k] *= change
    factor = INFLATION * factors_of(inside)
    log_volume = np.log(factor[np.arange(p), np.arange(p)]).sum(axis=0)
    return Proposal(mean, factor, log_volume, population)


def draw_nodes(
    problem: Problem, proposal: Proposal, nodes: Nodes, lesions: IntArray
) -> tuple[FloatArray, FloatArray]:
    """(p, n, R) phi at the nodes of some lesions, and (n, R) log q there."""
    p = problem.n_parameters
    shift = lesions % N_SHIFTS
    mean, factor = proposal.mean[:, lesions, None], proposal.factor[:, :, lesions, None]
    typical = problem.design.mean(proposal.population.coefficients)[:, lesions, None]
    root = np.linalg.cholesky(proposal.population.omega)
    n_t = nodes.t.shape[2]
    phi = np.empty((p, len(lesions), nodes.count))
    t, normal = nodes.t[:, shift], nodes.normal[:, shift]
    for k in range(p):
        phi[k, :, :n_t] = mean[k]
        phi[k, :, n_t:] = typical[k]
        for other in range(k + 1):
            phi[k, :, :n_t] += factor[k, other] * t[other]
            if root[k, other] != 0.0:
                phi[k, :, n_t:] += root[k, other] * normal[other]
    density = np.empty((len(lesions), nodes.count))
    scale = np.exp(-proposal.log_volume[lesions, None])
    density[:, :n_t] = nodes.t_density[shift] * scale
    density[:, n_t:] = scale * _t_density(phi[:, :, n_t:] - mean, factor)
    density *= 1.0 - nodes.prior_share
    log_normal = np.empty_like(density)
    log_normal[:, :n_t] = _half_square(phi[:, :, :n_t] - typical, root)
    log_normal[:, n_t:] = nodes.normal_log_density[shift]
    constant = -0.5 * p * np.log(2.0 * np.pi) - np.log(np.diag(root)).sum()
    density += nodes.prior_share * np.exp(log_normal + constant)
    return phi, np.log(density, out=density)


def _t_density(off: FloatArray, factor: FloatArray) -> FloatArray:
    """Product of Student densities of L^-1 off, |L| left out; (p, n, R) and (p, p, n, 1)."""
    solved: list[FloatArray] = []
    product = np.ones(off.shape[1:])
    for k in range(len(off)):
        value = off[k]
        for other in range(k):
            value = value - factor[k, other] * solved[other]
        value = value / factor[k, k]
        solved.append(value)
        product *= 1.0 + 0.25 * value * value
    return np.exp(len(off) * T4_LOG_SCALE) / (product * product * np.sqrt(product))


def _half_square(off: FloatArray, root: FloatArray) -> FloatArray:
    """-z'z / 2 with z = root^-1 off; (p, n, R)."""
    solved: list[FloatArray] = []
    total = np.zeros(off.shape[1:])
    for k in range(len(off)):
        value = off[k]
        for other in range(k):
            if root[k, other] != 0.0:
                value = value - root[k, other] * solved[other]
        value = value / root[k, k]
        solved.append(value)
        total += value * value
    return -0.5 * total
