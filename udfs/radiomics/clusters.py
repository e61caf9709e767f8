"""Features that say the same, and which of them speaks for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.radiomics.variation import BoolArray, FloatArray, IntArray

LINKAGES = ("average", "complete", "single")


@dataclass(frozen=True)
class FeatureClusters:
    """Clusters of f features."""

    correlation: FloatArray
    """(f, f) absolute correlation, 1 on the diagonal."""
    cluster: IntArray
    """(f,) from 1, numbered in the order of the leaves of the tree."""
    place: IntArray
    """(f,) place of the feature among the leaves of the tree, from 0: the order of the heat map."""


@dataclass(frozen=True)
class Representatives:
    """Which features speak for their clusters."""

    is_selected: BoolArray
    """(f,)"""
    reason: tuple[str, ...]
    """(f,) by which rule it was selected; '' where it was not."""


def absolute_correlation(values: ArrayLike) -> FloatArray:
    """(f, f) absolute Pearson correlation of the columns of (n, f) values.

    Raises:
        ValueError: fewer than two rows, a NaN, or a column that does not vary.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] < 2 or np.isnan(x).any():
        raise ValueError(f"{x.shape} values, or a NaN: (n, f) with n of 2 or more are needed")
    if (np.ptp(x, axis=0) == 0).any():
        raise ValueError(f"columns {np.flatnonzero(np.ptp(x, axis=0) == 0).tolist()} do not vary")
    # Squares of very large or small deviations have no place among floating-point numbers.
    z = x / np.abs(x).max(axis=0)
    z -= z.mean(axis=0)
    z /= np.abs(z).max(axis=0)
    z /= np.sqrt((z**2).sum(axis=0))
    # Not a matrix product: its last digits would depend on the number of threads.
    r = np.clip(np.abs(np.einsum("ni,nj->ij", z, z)), 0.0, 1.0)
    np.fill_diagonal(r, 1.0)
    return (r + r.T) / 2


def cluster_features(
    values: ArrayLike, *, cut: float, n_clusters: int = 0, linkage: str = "average"
) -> FeatureClusters:
    """Hierarchical clusters of features on the distance 1 - abs(r), by scipy.

    Args:
        values: (n, f) lesions and features.
        cut: features whose clusters join at a distance up to this are one cluster.
        n_clusters: cut into so many clusters instead; 0 for ``cut``.
        linkage: average, complete or single.

    Raises:
        ValueError: see ``absolute_correlation``; or an unknown linkage.
    """
    if linkage not in LINKAGES:
        raise ValueError(f"linkage is {linkage!r}, not one of {', '.join(LINKAGES)}")
    from scipy.cluster.hierarchy import fcluster, leaves_list
    from scipy.cluster.hierarchy import linkage as link
    from scipy.spatial.distance import squareform

    r = absolute_correlation(values)
    f = r.shape[0]
    if f == 1:
        return FeatureClusters(r, np.ones(1, np.int64), np.zeros(1, np.int64))
    distance = 1 - r
    np.fill_diagonal(distance, 0.0)
    tree = link(squareform(distance, checks=False), linkage)
    found = (
        fcluster(tree, n_clusters, criterion="maxclust")
        if n_clusters
        else fcluster(tree, cut, criterion="distance")
    )
    leaves = leaves_list(tree)
    place = np.empty(f, dtype=np.int64)
    place[leaves] = np.arange(f)
    return FeatureClusters(r, in_order_of_appearance(found[leaves])[place], place)


def choose_representatives(
    names: Sequence[str], cluster: ArrayLike, understandable: Sequence[str]
) -> Representatives:
    """One feature for each cluster: the most understandable one, else the first by name.

    Henry 2022 keeps "only the most understandable one (e.g., tumor volume rather than gray level
    non-uniformity index), or the first one by lexicographic sorting". Here the understandable ones
    are a list, the best first; a feature is the one of the list that its name is or ends in after
    an underscore, letter case aside (original_shape_VoxelVolume is VoxelVolume).

    Args:
        names: (f,) features.
        cluster: (f,) cluster of each.
        understandable: short names, the best first.
    """
    labels = np.asarray(cluster)
    rank = [_rank(name, understandable) for name in names]
    selected = np.zeros(len(names), dtype=bool)
    reason = [""] * len(names)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label).tolist()
        best = min(members, key=lambda i: (rank[i], names[i]))
        selected[best] = True
        if len(members) == 1:
            reason[best] = "alone in its cluster"
        elif rank[best] < len(understandable):
            reason[best] = "most understandable of its cluster"
        else:
            reason[best] = "first by name of its cluster"
    return Representatives(selected, tuple(reason))


def _rank(name: str, understandable: Sequence[str]) -> int:
    folded = name.casefold()
    for place, short in enumerate(understandable):
        wanted = short.casefold()
        if folded == wanted or folded.endswith(f"_{wanted}"):
            return place
    return len(understandable)


def in_order_of_appearance(labels: ArrayLike) -> IntArray:
    """Labels renumbered from 1 in the order in which they appear."""
    values = np.asarray(labels)
    _, first, place = np.unique(values, return_index=True, return_inverse=True)
    order = np.empty(first.size, dtype=np.int64)
    order[np.argsort(first)] = np.arange(1, first.size + 1)
    return order[place]
