"""How unlike lesions are in their features: cosine distances, and what sums them up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.radiomics.clusters import in_order_of_appearance
from udfs.radiomics.variation import FloatArray, IntArray

SCALINGS = ("z-score", "robust", "min-max", "none")
VARIANTS = ("one_minus_cosine", "half_one_minus_cosine", "angular")
LARGEST = {"one_minus_cosine": 2.0, "half_one_minus_cosine": 1.0, "angular": 1.0}
"""The greatest distance of each variant; of any variant the least is 0."""


@dataclass(frozen=True)
class Heterogeneity:
    """A patient's heterogeneity."""

    n_lesions: int
    average: float
    """Mean distance over the pairs i < j: average tumoral heterogeneity; NaN below two lesions."""
    maximum: float
    """Greatest distance: maximal tumoral divergence; NaN below two lesions."""


def scale_features(values: ArrayLike, scaling: str = "z-score") -> FloatArray:
    """(n, f) features brought to one scale, each over all n lesions.

    z-score: minus the mean, over the standard deviation (divisor n - 1); robust: minus the median,
    over the interquartile range; min-max: onto 0 to 1; none: as they are. A feature whose spread is
    0 becomes 0 everywhere (min-max and the first two).

    Raises:
        ValueError: an unknown scaling.
    """
    x = np.asarray(values, dtype=np.float64)
    if scaling not in SCALINGS:
        raise ValueError(f"scaling is {scaling!r}, not one of {', '.join(SCALINGS)}")
    if scaling == "none" or x.shape[0] == 0:
        return x.copy()
    if scaling == "z-score":
        centre = x.mean(axis=0)
        spread = x.std(axis=0, ddof=1) if x.shape[0] > 1 else np.zeros(x.shape[1])
    elif scaling == "robust":
        low, centre, high = np.quantile(x, (0.25, 0.5, 0.75), axis=0)
        spread = high - low
    else:
        centre, spread = x.min(axis=0), np.ptp(x, axis=0)
    # A column of equal values has a mean that differs from them by rounding.
    varies = (np.ptp(x, axis=0) > 0) & (spread > 0)
    return np.divide(x - centre, spread, out=np.zeros_like(x), where=varies)


def cosine_distances(values: ArrayLike, variant: str = "one_minus_cosine") -> FloatArray:
    """(m,) distances of the pairs i < j of n lesions, in the order (0, 1), (0, 2), ..., (1, 2).

    one_minus_cosine: 1 - cos, from 0 (same direction) over 1 (right angle) to 2 (opposite): 1 is
    not its greatest value, but for features that are never negative; half_one_minus_cosine: half of
    it, 0 to 1; angular: the angle over pi, 0 to 1, the only one of the three that is a metric.

    Hand-worked: (1, 0), (1, 1), (-1, 0): cos = 1 / sqrt(2), -1, -1 / sqrt(2), so 1 - cos = 0.293, 2
    and 1.707.

    Args:
        values: (n, f) lesions and features, scaled.
        variant: see above.

    Returns:
        m = n (n - 1) / 2 distances; NaN where a lesion's features are all 0 or one is NaN.

    Raises:
        ValueError: an unknown variant.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant is {variant!r}, not one of {', '.join(VARIANTS)}")
    x = np.asarray(values, dtype=np.float64)
    length = np.sqrt((x**2).sum(axis=1, keepdims=True))
    unit = np.divide(x, length, out=np.full_like(x, np.nan), where=length > 0)
    first, second = np.triu_indices(x.shape[0], 1)
    # Halves of the difference and of the sum: exact for lesions that are alike or opposite, where
    # the cosine itself has no digits left.
    # Not a matrix product: its last digits would depend on the number of threads.
    cosine = np.einsum("if,jf->ij", unit, unit)[first, second]
    near = np.flatnonzero(np.abs(cosine) > 0.9)
    apart = _squared(unit[first[near]] - unit[second[near]]) / 2
    joined = _squared(unit[first[near]] + unit[second[near]]) / 2
    distance = 1 - cosine
    distance[near] = np.where(apart < 1, apart, 2 - joined)
    distance = np.clip(distance, 0.0, 2.0)
    if variant == "half_one_minus_cosine":
        return distance / 2
    if variant == "angular":
        return np.asarray(2 * np.arcsin(np.sqrt(distance / 2)) / np.pi)
    return distance


def pair_rows(n: int) -> tuple[IntArray, IntArray]:
    """Rows i < j of the pairs, in the order of ``cosine_distances``."""
    first, second = np.triu_indices(n, 1)
    return first.astype(np.int64), second.astype(np.int64)


def heterogeneity(distance: ArrayLike, n_lesions: int) -> Heterogeneity:
    """Average tumoral heterogeneity and maximal tumoral divergence (Henry 2022).

    Hand-worked: distances 0.2, 0.4, 0.9 of three lesions: 0.5 and 0.9.

    Args:
        distance: (m,) distances of the pairs i < j.
        n_lesions: n.

    Raises:
        ValueError: m is not n (n - 1) / 2.
    """
    d = np.asarray(distance, dtype=np.float64)
    if d.shape != (n_lesions * (n_lesions - 1) // 2,):
        raise ValueError(f"{d.shape} distances for {n_lesions} lesions")
    if d.size == 0:
        return Heterogeneity(n_lesions, np.nan, np.nan)
    return Heterogeneity(n_lesions, float(d.mean()), float(d.max()))


@dataclass(frozen=True)
class LesionClusters:
    """Clusters of n lesions of one patient."""

    cluster: IntArray
    """(n,) from 1, in the order of the leaves."""
    place: IntArray
    """(n,) place among the leaves of the tree, from 0: the order of the heat map."""


def cluster_lesions(
    distance: ArrayLike, n_lesions: int, *, cut: float, linkage: str = "average"
) -> LesionClusters:
    """Hierarchical clusters of one patient's lesions on their distances, by scipy.

    Args:
        distance: (m,) distances of the pairs i < j, no NaN.
        n_lesions: n.
        cut: clusters that join at a distance up to this are one.
        linkage: average, complete or single.

    Raises:
        ValueError: m is not n (n - 1) / 2, or a distance is NaN.
    """
    d = np.asarray(distance, dtype=np.float64)
    if d.shape != (n_lesions * (n_lesions - 1) // 2,) or np.isnan(d).any():
        raise ValueError(f"{d.shape} distances for {n_lesions} lesions, or a NaN")
    if n_lesions < 2:
        return LesionClusters(np.ones(n_lesions, np.int64), np.zeros(n_lesions, np.int64))
    from scipy.cluster.hierarchy import fcluster, leaves_list
    from scipy.cluster.hierarchy import linkage as link

    tree = link(d, linkage)
    leaves = leaves_list(tree)
    place = np.empty(n_lesions, dtype=np.int64)
    place[leaves] = np.arange(n_lesions)
    found = fcluster(tree, cut, criterion="distance")
    return LesionClusters(in_order_of_appearance(found[leaves])[place], place)


def _squared(x: FloatArray) -> FloatArray:
    return np.asarray((x**2).sum(axis=1))
