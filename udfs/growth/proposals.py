"""Where importance sampling looks: per lesion a mixture of heavy-tailed bells and the population.

q_i = (1 - alpha) / K sum_k t4(m_ik, L_ik) + alpha N(typical phi_i, omega), alpha = 1/7. t4 is a
product of Student densities with 4 degrees of freedom in the coordinates L^-1 (phi - m). The K
bells share out what is known of phi given the lesion's data along its longest axis (lower, middle
and upper part), which follows bent and lopsided posteriors: the spread of the weights is half that
of a single bell. Each part has its own contiguous run of points of a Sobol sequence.
Lesions share randomly shifted copies of the points, the more the fewer points there are, each used
in all 2^p p! mirrored and permuted ways: without that their errors would add up instead of
cancelling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import permutations, product

import numpy as np
from scipy.special import ndtri

from udfs.growth.chains import factors_of
from udfs.growth.parameters import BoolArray, FloatArray, IntArray
from udfs.growth.population import Population, root_of
from udfs.growth.problem import Problem

INFLATION = 1.15
"""Of the bells' standard deviations."""
FEWEST_SHIFTS, MOST_SHIFTS, SHIFTED_POINTS = 64, 2048, 1 << 17
"""Shifted copies of a bell's points: as many as make so many points together. Lesions that share a
copy share its error whichever way it is mirrored, as the bells are symmetric: with 64 copies for
all counts, those of 19,180 lesions' log-likelihoods with 224 nodes added up to 46, of which 6 were
the lesions' own."""
N_BELLS = 3
CUT = 0.43
"""Standard deviations from the mean at which the parts are cut: thirds of a normal."""
RAMP = 0.3
"""Half the width over which membership goes from one part to the next, in standard deviations: a
little change of the nodes then changes the parts a little."""
SMALLEST_PART = 0.05
"""A part with less weight is replaced by the whole; from twice as much on it stands by itself."""
SURE_GAP, SURE_COSINE = 0.2, 0.1
"""Share by which the longest axis is longer than the next, and cosine with the direction that
decides its sign, from which parts along it are trusted. Below, they go over into the whole: so that
all of a proposal is a continuous function of what is known of the lesion."""
T4_AT_ZERO = 0.375
"""Student's density with 4 degrees of freedom at 0."""


@dataclass(frozen=True)
class Nodes:
    """Standardised points, common to all lesions but for the shift."""

    bells: FloatArray
    """(K, p, S, R_k) Student coordinates; S shifted copies."""
    normal: FloatArray
    """(p, S, R_n) standard normal coordinates."""

    @property
    def count(self) -> int:
        """Nodes per lesion."""
        return self.bells.shape[0] * self.bells.shape[3] + self.normal.shape[2]

    @cached_property
    def bells_by_shift(self) -> FloatArray:
        """(K, S, p, R_k)."""
        return np.ascontiguousarray(self.bells.transpose(0, 2, 1, 3))

    @cached_property
    def normal_by_shift(self) -> FloatArray:
        """(S, p, R_n)."""
        return np.ascontiguousarray(self.normal.transpose(1, 0, 2))

    @property
    def prior_share(self) -> float:
        """Share of the nodes that come from the population."""
        return self.normal.shape[2] / self.count


@dataclass(frozen=True)
class Proposal:
    """The importance distribution of every lesion, in fit order."""

    mean: FloatArray
    """(K, p, n)"""
    factor: FloatArray
    """(K, p, p, n) L, lower triangular."""
    density_scale: FloatArray
    """(K, n) density of each bell at its centre."""
    population: Population
    """The point whose population density is the last part."""

    def replaced(self, lesions: IntArray, other: Proposal) -> Proposal:
        """With the bells of some lesions (k,) replaced by those of ``other``, which has k."""
        mean, factor = self.mean.copy(), self.factor.copy()
        scale = self.density_scale.copy()
        mean[..., lesions], factor[..., lesions] = other.mean, other.factor
        scale[:, lesions] = other.density_scale
        return Proposal(mean, factor, scale, self.population)


@dataclass(frozen=True)
class Parts:
    """What is known of phi given the data, in K parts along the longest axis; fit order."""

    mean: FloatArray
    """(K, p, n)"""
    covariance: FloatArray
    """(K, p, p, n)"""

    def replaced(self, lesions: IntArray, other: Parts) -> Parts:
        """With the parts of some lesions (k,) replaced by ``other``, which has k lesions."""
        mean, covariance = self.mean.copy(), self.covariance.copy()
        mean[..., lesions] = other.mean
        covariance[..., lesions] = other.covariance
        return Parts(mean, covariance)

    def some(self, lesions: IntArray | BoolArray) -> Parts:
        """The parts of some lesions."""
        return Parts(self.mean[..., lesions], self.covariance[..., lesions])


def nodes_at_least(count: int) -> int:
    """Smallest possible number of nodes per lesion that is not below ``count``: 7 * 2^k."""
    size = 7
    while size < count:
        size *= 2
    return size


def make_nodes(p: int, count: int, seed: int, purpose: int = 0) -> Nodes:
    """``nodes_at_least(count)`` points for p parameters; the same for the same arguments,
    independent for different purposes.

    Each of the three bells gets 2/7 of them, the population 1/7: powers of two, for which a Sobol
    sequence is balanced.
    """
    count = nodes_at_least(count)
    sequence = np.random.SeedSequence(seed, spawn_key=(1, purpose, count))
    rng = np.random.Generator(np.random.SFC64(sequence))
    n_bell = count * 2 // 7
    copies = min(max(SHIFTED_POINTS // n_bell, FEWEST_SHIFTS), MOST_SHIFTS)
    bells = [
        student4_quantile(_shifted(p, n_bell, rng.random((p, copies)))) for _ in range(N_BELLS)
    ]
    return Nodes(np.stack(bells), ndtri(_shifted(p, n_bell // 2, rng.random((p, copies)))))


def _shifted(p: int, count: int, shifts: FloatArray) -> FloatArray:
    """(p, S, count) points in (0, 1): a Sobol sequence, each copy moved by a random shift."""
    points = np.mod(sobol(p, count)[:, None, :] + shifts[:, :, None], 1.0)
    smallest = 1e-12
    return np.minimum(np.maximum(points, smallest), 1.0 - smallest)


SOBOL = (
    (1, 0, (1,)),
    (2, 1, (1, 3)),
    (3, 1, (1, 3, 1)),
    (3, 2, (1, 1, 1)),
    (4, 1, (1, 1, 3, 3)),
    (4, 4, (1, 3, 5, 13)),
    (5, 2, (1, 1, 5, 5, 17)),
)
"""Degree, coefficients and initial numbers of Joe & Kuo 2008, dimensions 2 to 8."""


def sobol(dimensions: int, count: int) -> FloatArray:
    """(dimensions, count) first points of the Sobol sequence, the origin included, in any order.

    ``count`` is a power of two, ``dimensions`` at most 8.
    """
    bits = 30
    index = np.arange(count, dtype=np.int64)
    out = np.empty((dimensions, count))
    for dimension in range(dimensions):
        numbers = _direction_numbers(dimension, bits)
        value = np.zeros(count, dtype=np.int64)
        for bit in range(max(1, int(count - 1).bit_length())):
            value ^= np.where((index >> bit) & 1, numbers[bit], 0)
        out[dimension] = value / float(1 << bits)
    return out


def _direction_numbers(dimension: int, bits: int) -> list[int]:
    if dimension == 0:
        return [1 << (bits - 1 - k) for k in range(bits)]
    degree, coefficients, initial = SOBOL[dimension - 1]
    numbers = [one << (bits - 1 - k) for k, one in enumerate(initial)]
    for k in range(degree, bits):
        new = numbers[k - degree] ^ (numbers[k - degree] >> degree)
        for j in range(1, degree):
            if (coefficients >> (degree - 1 - j)) & 1:
                new ^= numbers[k - j]
        numbers.append(new)
    return numbers


def student4_quantile(u: FloatArray) -> FloatArray:
    """Quantiles of Student's t with 4 degrees of freedom, in closed form (Shaw 2006)."""
    root = np.sqrt(4.0 * u * (1.0 - u))
    q = np.cos(np.arccos(np.minimum(root, 1.0)) / 3.0) / root
    return np.sign(u - 0.5) * 2.0 * np.sqrt(np.maximum(q - 1.0, 0.0))


def make_proposal(parts: Parts, population: Population) -> Proposal:
    """Bells around the parts, their variances kept between 4e-4 and 4 times the population's."""
    sd = population.sd
    factor = np.empty_like(parts.covariance)
    for bell, covariance in enumerate(parts.covariance):
        inside = covariance.copy()
        for k in range(len(sd)):
            now = np.sqrt(np.maximum(inside[k, k], 1e-300))
            change = np.clip(now, 0.02 * sd[k], 2.0 * sd[k]) / now
            inside[k] *= change
            inside[:, k] *= change
        factor[bell] = factors_of(inside)
        factor[bell] *= INFLATION
    volume = np.prod([factor[:, k, k] for k in range(len(sd))], axis=0)
    return Proposal(parts.mean, factor, T4_AT_ZERO ** len(sd) / volume, population)


def longest_axis(covariance: FloatArray, sd: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Direction v for which v'phi varies most, phi in units of ``sd``; (p, p, n) in.

    Returns:
        (p, n) v, scaled so that v'(phi - mean) has variance 1, the first parameter against the
        others; and (n,) how sure of it we are, 0 to 1: 0 where two directions vary alike, or where
        v's sign is a matter of chance. (Growth stands in for what did not shrink: hardly a lesion
        is at right angles to the direction that decides the sign.)
    """
    scaled = (covariance / sd[:, None, None] / sd[None, :, None]).transpose(2, 0, 1)
    values, vectors = np.linalg.eigh(scaled)
    longest, length = vectors[:, :, -1], np.maximum(values[:, -1], 1e-12)
    next_length = values[:, -2] if len(sd) > 1 else np.zeros(len(length))
    along = (2.0 * longest[:, 0] - longest.sum(axis=1)) / np.sqrt(len(sd))
    sureness = np.clip((1.0 - next_length / length) / SURE_GAP, 0.0, 1.0)
    sureness *= np.clip(np.abs(along) / SURE_COSINE, 0.0, 1.0)
    axis = longest * (np.where(along >= 0.0, 1.0, -1.0) / np.sqrt(length))[:, None]
    return np.ascontiguousarray(axis.T / sd[:, None]), sureness


def memberships(position: FloatArray) -> FloatArray:
    """(K, ...) shares, 1 in all, of the lower, middle and upper part in standardised positions on
    the longest axis."""
    share = np.empty((N_BELLS, *position.shape))
    np.clip(0.5 - (position + CUT) / (2.0 * RAMP), 0.0, 1.0, out=share[0])
    np.clip(0.5 + (position - CUT) / (2.0 * RAMP), 0.0, 1.0, out=share[2])
    np.subtract(1.0, share[0] + share[2], out=share[1])
    return share


def parts_from_sums(
    weight: FloatArray,
    first: FloatArray,
    second: FloatArray,
    centre: FloatArray,
    sureness: FloatArray,
) -> Parts:
    """Means and covariances from weighted sums of deviations from a centre.

    Args:
        weight: (K, n) sums of weights, 1 in all per lesion.
        first: (K, p, n) sums of weight times deviation.
        second: (K, p, p, n) sums of weight times products of deviations.
        centre: (p, n)
        sureness: (n,) of the axis; where it is 0 each part is the whole.
    """
    total = np.maximum(weight.sum(axis=0), 1e-300)
    whole_mean = first.sum(axis=0) / total
    whole = second.sum(axis=0) / total - whole_mean[:, None] * whole_mean[None]
    own = sureness * np.clip(weight / (SMALLEST_PART * total) - 1.0, 0.0, 1.0)
    safe = np.maximum(weight, 1e-300)
    mean = first / safe[:, None]
    covariance = second / safe[:, None, None] - mean[:, :, None] * mean[:, None]
    mean = whole_mean + own[:, None] * (mean - whole_mean)
    covariance = whole + own[:, None, None] * (covariance - whole)
    return Parts(mean + centre, covariance + 0.05 * whole)


def joined_parts(parts: Sequence[Parts], lesions: IntArray) -> Parts:
    """Parts one after the other, put to the places ``lesions`` (a permutation)."""
    bells, p, n = len(parts[0].mean), parts[0].mean.shape[1], len(lesions)
    mean, covariance = np.empty((bells, p, n)), np.empty((bells, p, p, n))
    start = 0
    for one in parts:
        places = lesions[start : start + one.mean.shape[2]]
        mean[..., places], covariance[..., places] = one.mean, one.covariance
        start += len(places)
    return Parts(mean, covariance)


@dataclass(frozen=True)
class Bells:
    """The K bells of some lesions' proposals, then the population as the last one."""

    factor: FloatArray
    """(n, K + 1, p, p) L, lower triangular."""
    centre: FloatArray
    """(n, K + 1, p)"""
    inverse: FloatArray
    """(n, K + 1, p, p) of L; halved for the bells: Student's density with 4 degrees of freedom is
    (1 + (z / 2)^2)^(-5/2) times that at 0."""
    scale: FloatArray
    """(n, K) density of each bell at its centre, times its share of the nodes."""
    normal_scale: float
    """The same of the population."""


def proposal_bells(
    problem: Problem, proposal: Proposal, lesions: IntArray, prior_share: float = 1 / 7
) -> Bells:
    """The proposals of some lesions, lesion by lesion."""
    p, bells = problem.n_parameters, len(proposal.mean)
    typical = problem.design.mean(proposal.population.coefficients, lesions)
    root = root_of(proposal.population.omega)
    factor = np.empty((len(lesions), bells + 1, p, p))
    factor[:, :bells] = proposal.factor[..., lesions].transpose(3, 0, 1, 2)
    factor[:, bells] = root
    inverse = np.empty_like(factor)
    inverse[:, :bells] = 0.5 * _lower_inverse(proposal.factor[..., lesions]).transpose(3, 0, 1, 2)
    inverse[:, bells] = _lower_inverse(root[:, :, None])[:, :, 0]
    centre = np.concatenate([proposal.mean[:, :, lesions], typical[None]]).transpose(2, 0, 1)
    share = (1.0 - prior_share) / bells
    return Bells(
        factor,
        np.ascontiguousarray(centre),
        inverse,
        np.ascontiguousarray(share * proposal.density_scale[:, lesions].T),
        float(prior_share * (2.0 * np.pi) ** (-0.5 * p) / np.prod(np.diag(root))),
    )


def shift_of(nodes: Nodes, lesions: IntArray) -> tuple[IntArray, FloatArray]:
    """(n,) copy of the points that each lesion has, and (n, p, p) how it is mirrored."""
    p, copies = nodes.normal.shape[:2]
    mirrors = _mirrors(p)
    return lesions % copies, mirrors[(lesions // copies) % len(mirrors)]


def node_places(nodes: Nodes, bells: Bells, lesions: IntArray) -> FloatArray:
    """(p, n, R) phi at the nodes of some lesions."""
    n, _, p = bells.centre.shape
    shift, turn = shift_of(nodes, lesions)
    turned = bells.factor @ turn[:, None]
    phi = np.empty((p, n, nodes.count))
    by_lesion = phi.transpose(1, 0, 2)
    start = 0
    for k, points in enumerate((*nodes.bells_by_shift, nodes.normal_by_shift)):
        stop = start + points.shape[2]
        part = by_lesion[:, :, start:stop]
        np.matmul(turned[:, k], points[shift], out=part)
        part += bells.centre[:, k, :, None]
        start = stop
    return phi


def bells_density(bells: Bells, phi: FloatArray) -> FloatArray:
    """(n, R) density q of some lesions at (p, n, R) points."""
    n, parts, p = bells.centre.shape
    offset = (bells.inverse @ bells.centre[..., None]).reshape(n, -1, 1)
    z = bells.inverse.reshape(n, -1, p) @ phi.transpose(1, 0, 2)
    z -= offset
    z *= z
    count = (parts - 1) * p
    of_bells = z[:, :count].reshape(n, parts - 1, p, -1)
    of_bells += 1.0
    density = z[:, count]
    for k in range(1, p):
        density += z[:, count + k]
    density *= -0.5
    np.exp(density, out=density)
    density *= bells.normal_scale
    for bell in range(parts - 1):
        product = of_bells[:, bell, 0]
        for k in range(1, p):
            product *= of_bells[:, bell, k]
        root_of_product = np.sqrt(product)
        product *= product
        product *= root_of_product
        np.divide(bells.scale[:, bell, None], product, out=product)
        density += product
    return np.ascontiguousarray(density)


@lru_cache(maxsize=8)
def _mirrors(p: int) -> FloatArray:
    """(2^p p!, p, p) signed permutation matrices: symmetries of both node distributions."""
    return np.array(
        [
            np.diag(signs) @ np.eye(p)[list(order)]
            for order in permutations(range(p))
            for signs in product((1.0, -1.0), repeat=p)
        ]
    )


def _lower_inverse(factor: FloatArray) -> FloatArray:
    """Inverse of (..., p, p, n) lower triangular matrices."""
    inverse = np.zeros_like(factor)
    for k in range(factor.shape[-2]):
        inverse[..., k, k, :] = 1.0 / factor[..., k, k, :]
        for other in range(k):
            part = sum(factor[..., k, j, :] * inverse[..., j, other, :] for j in range(other, k))
            inverse[..., k, other, :] = -part * inverse[..., k, k, :]
    return inverse
