"""Would the same clusters be found in other patients: the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.progression.data import FloatArray, IntArray
from udfs.progression.partition import Partition, Space


@dataclass(frozen=True)
class Stability:
    """Of one partition over b bootstrap samples."""

    ari: FloatArray
    """(b,) adjusted Rand index between the labels found in all patients and in the sample, both
    of all patients."""
    jaccard: FloatArray
    """(k,) mean over the samples of each cluster's largest Jaccard similarity with a cluster of the
    sample (Hennig, Comput Stat Data Anal 2007): 0.75 and more is stable, below 0.6 is not."""

    @property
    def mean_ari(self) -> float:
        """NaN without samples."""
        return float(self.ari.mean()) if self.ari.size else float("nan")


def contingency(a: IntArray, b: IntArray, weight: FloatArray) -> FloatArray:
    """(k_a, k_b) weight of the points with each pair of labels."""
    k_a, k_b = int(a.max(initial=-1)) + 1, int(b.max(initial=-1)) + 1
    table = np.bincount(a * k_b + b, weights=weight, minlength=k_a * k_b)
    return np.asarray(table.reshape(k_a, k_b), dtype=np.float64)


def adjusted_rand_index(a: IntArray, b: IntArray, weight: FloatArray) -> float:
    """Agreement of two partitions beyond chance: 1 alike, 0 as by chance (Hubert and Arabie 1985).

    With n_ij patients in cluster i of one and j of the other: (S - E) / (M - E) with S the sum of
    n_ij (n_ij - 1) / 2, M the mean of the same sums of both partitions' sizes, E their product over
    n (n - 1) / 2. scikit-learn's takes no weights.

    Args:
        a, b: (u,) labels from 0 on of the distinct points.
        weight: (u,) patients at each.
    """
    table = contingency(a, b, weight)

    def pairs(counts: FloatArray) -> float:
        return float((counts * (counts - 1)).sum() / 2)

    rows, columns = pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    n = float(weight.sum())
    expected = rows * columns / (n * (n - 1) / 2) if n > 1 else 0.0
    most = (rows + columns) / 2
    if most == expected:
        return 1.0
    return (pairs(table) - expected) / (most - expected)


def bootstrap_stability(
    space: Space, found: Partition, k: int, *, samples: int, starts: int, seed: int
) -> Stability:
    """Clusters bootstrap samples of the patients and compares the labels that follow.

    Each sample is as many patients, drawn with replacement; its centres label all patients. A
    sample with fewer distinct points than clusters has as many clusters as points.

    Args:
        space: the points.
        found: the partition of all patients.
        k: its clusters.
        samples: bootstrap samples.
        starts: of each clustering.
        seed: of the samples and the starts.
    """
    rng = np.random.default_rng(seed)
    n = int(space.weight.sum())
    share = space.weight / n
    ari, jaccard = np.full(samples, np.nan), np.zeros(k)
    for b in range(samples):
        weight = rng.multinomial(n, share).astype(np.float64)
        at_most = min(k, int((weight > 0).sum()))
        other = space.partition(weight, at_most, starts=starts, seed=int(rng.integers(2**31)))
        ari[b] = adjusted_rand_index(found.label, other.label, space.weight)
        both = contingency(found.label, other.label, space.weight)
        union = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
        alike = np.divide(both, union, out=np.zeros_like(both), where=union > 0).max(axis=1)
        jaccard[: alike.size] += alike
    # Divided at the end: fifty times 1/50, added up, is more than 1 in binary.
    return Stability(ari, jaccard / max(samples, 1))
