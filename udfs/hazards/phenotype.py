"""Organs by how readily their lesions respond and how readily they progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from udfs.hazards.arrays import BoolArray, FloatArray
from udfs.hazards.errors import NoPhenotypeError
from udfs.hazards.inference import level_weights
from udfs.hazards.result import CoxFit

Comparator = Literal["reference", "mean"]
QUADRANTS = ("high-high", "high-low", "low-high", "low-low")
"""Hazard of response first, then of progression."""
DRAWS = 20_000


@dataclass(frozen=True)
class OrganEffects:
    """Log hazard ratios of K organs against one of them, in one model."""

    organ: tuple[str, ...]
    """(K,) the reference first."""
    log_hr: FloatArray
    """(K,) 0 for the reference."""
    covariance: FloatArray
    """(K, K) 0 for the reference."""


@dataclass(frozen=True)
class Phenotypes:
    """Probabilities of m organs' quadrants against one comparator."""

    comparator: Comparator
    organ: tuple[str, ...]
    """(m,) sorted; without the reference where it is the comparator."""
    probability: FloatArray
    """(m, 4) of each of ``QUADRANTS``; sums to 1."""
    is_assigned: BoolArray
    """(m, 4) the most probable quadrant, if it is probable enough."""
    response_log_hr: FloatArray
    """(m,) against the comparator."""
    progression_log_hr: FloatArray
    response_error: FloatArray
    """(m,) standard errors of the two."""
    progression_error: FloatArray
    error_correlation: FloatArray
    """(m,) of the two, as estimates."""


def organ_effects(fit: CoxFit, term: str = "organ") -> OrganEffects:
    """The levels of a factor of a fit.

    Raises:
        ValueError: the fit has no such factor.
    """
    organ, weights = level_weights(fit, term)
    return OrganEffects(organ, weights @ fit.coefficient, weights @ fit.covariance @ weights.T)


def organ_phenotypes(
    response: OrganEffects,
    progression: OrganEffects,
    *,
    comparator: Comparator,
    seed: int,
    cross_covariance: FloatArray | None = None,
    n_draws: int = DRAWS,
    least_probability: float = 0.0,
) -> Phenotypes:
    """Which quadrant each organ is in, response hazard by progression hazard, and how surely.

    Both models' log hazard ratios are drawn jointly, n_draws times, from their normal distribution;
    an organ's hazard is high in a draw where it is above the comparator's. The comparator is the
    reference organ (whose own error all organs then share, and which has no quadrant), or the mean
    log hazard of the organs in both models (Zhou et al., Nat Commun 2023, Fig. 3c draws the first).

    Args:
        response: of the response model.
        progression: of the progression model; the same reference.
        comparator: "reference" or "mean".
        seed: of the draws.
        cross_covariance: (K_response, K_progression) between the two models' estimates, such as
            from ``patient_bootstrap``; by default 0. Where few patients make it larger than the
            models' own covariances allow, canonical correlations beyond 1 are taken as 1.
        n_draws: their number; a probability's Monte-Carlo error is at most 1/2 over its root.
        least_probability: below which an organ is not assigned to its most probable quadrant.

    Raises:
        NoPhenotypeError: the models have other references or no organ in common.
        ValueError: the comparator is unknown.
    """
    if comparator not in get_args(Comparator):
        raise ValueError(f"comparator is {comparator!r}; it is 'reference' or 'mean'")
    reference = response.organ[0]
    if progression.organ[0] != reference:
        raise NoPhenotypeError(
            f"organs are compared with {reference!r} for response but with "
            f"{progression.organ[0]!r} for progression; fit both with one reference"
        )
    shared = sorted(set(response.organ) & set(progression.organ))
    shown = [o for o in shared if comparator == "mean" or o != reference]
    if not shown:
        raise NoPhenotypeError("the two models have no organ in common but the reference")
    r = _comparison(response, shared, shown, comparator)
    p = _comparison(progression, shared, shown, comparator)
    zero = np.zeros((len(response.organ), len(progression.organ)))
    cross = zero if cross_covariance is None else np.asarray(cross_covariance, dtype=float)
    if cross.shape != zero.shape:
        raise ValueError(f"cross_covariance has shape {cross.shape}, not {zero.shape}")
    mean = np.concatenate([r @ response.log_hr, p @ progression.log_hr])
    within = r @ response.covariance @ r.T, p @ progression.covariance @ p.T
    between = _feasible(r @ cross @ p.T, *within)
    covariance = np.block([[within[0], between], [between.T, within[1]]])
    high = mean + _normal_draws(covariance, n_draws, seed) > 0
    m = len(shown)
    quadrant = 2 * ~high[:, :m] + ~high[:, m:]
    probability = np.stack([(quadrant == k).mean(axis=0) for k in range(4)], axis=1)
    best = probability.argmax(axis=1)
    assigned = np.zeros((m, 4), dtype=bool)
    assigned[np.arange(m), best] = probability.max(axis=1) >= least_probability
    errors = np.sqrt(np.diag(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.clip(np.diag(between) / (errors[:m] * errors[m:]), -1.0, 1.0)
    return Phenotypes(
        comparator,
        tuple(shown),
        probability,
        assigned,
        mean[:m],
        mean[m:],
        errors[:m],
        errors[m:],
        correlation,
    )


def _comparison(
    effects: OrganEffects, shared: list[str], shown: list[str], comparator: Comparator
) -> FloatArray:
    """(m, K) weights of each organ shown against the comparator."""
    place = {organ: k for k, organ in enumerate(effects.organ)}
    weights = np.zeros((len(shown), len(effects.organ)))
    for i, organ in enumerate(shown):
        weights[i, place[organ]] = 1.0
    if comparator == "mean":
        weights[:, [place[organ] for organ in shared]] -= 1.0 / len(shared)
    return weights


def _feasible(between: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """(m, m) ``between``, with canonical correlations of at most 1, so that the joint covariance of
    the two models is one; unchanged where it is already."""
    (root, inverse), (other_root, other_inverse) = _roots(first), _roots(second)
    left, correlation, right = np.linalg.svd(inverse @ between @ other_inverse)
    if correlation.max(initial=0.0) <= 1:
        return between
    return np.asarray(root @ (left * np.minimum(correlation, 1.0)) @ right @ other_root)


def _roots(covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Symmetric square root and its pseudo-inverse."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root = np.sqrt(np.maximum(values, 0.0))
    is_some = values > 1e-10 * values.max(initial=0.0)
    inverse = np.where(is_some, 1 / np.where(is_some, root, 1.0), 0.0)
    return (vectors * root) @ vectors.T, (vectors * inverse) @ vectors.T


def _normal_draws(covariance: FloatArray, n_draws: int, seed: int) -> FloatArray:
    """(n_draws, d) of mean 0; each organ's draws do not depend on what the linear algebra library
    makes of equal eigenvalues, since the root is the symmetric one."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return np.random.default_rng(seed).standard_normal((n_draws, len(root))) @ root
