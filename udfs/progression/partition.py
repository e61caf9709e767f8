"""k clusters of weighted points: by k-means where they have coordinates, else by k-medoids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from udfs.progression.data import FloatArray, IntArray
from udfs.progression.medoids import k_medoids


@dataclass(frozen=True)
class Partition:
    """u points in k clusters."""

    label: IntArray
    """(u,) 0 to k - 1."""
    centre: FloatArray
    """(k, d) means, or (k,) positions of the medoids."""
    inertia: float
    """Weighted sum over the points of the squared distance to the mean, or of the distance to the
    medoid."""


class Space(Protocol):
    """Distinct points with weights (how many patients share one)."""

    @property
    def weight(self) -> FloatArray:
        """(u,)."""

    def partition(self, weight: FloatArray, k: int, *, starts: int, seed: int) -> Partition:
        """k clusters of the points with weight above 0; the others are assigned to the nearest."""

    def distance(self) -> FloatArray:
        """(u, u) between the points."""


@dataclass(frozen=True)
class Points:
    """Points with coordinates: k-means (Lloyd 1982), k-means++ starts, the best of them."""

    weight: FloatArray
    coordinate: FloatArray
    """(u, d) in one fixed order, whatever that of the patients."""

    def partition(self, weight: FloatArray, k: int, *, starts: int, seed: int) -> Partition:
        from sklearn.cluster import KMeans

        used = weight > 0
        starter = _Starts(self._squared[np.ix_(used, used)], weight[used])
        model = KMeans(n_clusters=k, init=starter, n_init=starts, random_state=seed)
        model.fit(self.coordinate[used], sample_weight=weight[used])
        label = np.asarray(model.predict(self.coordinate), dtype=np.int64)
        centre = np.asarray(model.cluster_centers_)
        apart = ((self.coordinate - centre[label]) ** 2).sum(axis=1)
        return Partition(label, centre, float(weight @ apart))

    def distance(self) -> FloatArray:
        return np.sqrt(self._squared)

    @cached_property
    def _squared(self) -> FloatArray:
        """(u, u) squared distances: samples and starts are of the same points."""
        from scipy.spatial.distance import cdist

        return np.asarray(cdist(self.coordinate, self.coordinate, "sqeuclidean"))


@dataclass(frozen=True)
class _Starts:
    """Greedy k-means++ (Arthur and Vassilvitskii 2007): each centre the best of 2 + log k draws.

    scikit-learn's draws and choices, from distances that are known; it works them out anew at each
    start, a fifth of the time of a clustering of a few hundred points.
    """

    squared: FloatArray
    """(u, u)"""
    weight: FloatArray

    def __call__(self, x: FloatArray, k: int, random_state: np.random.RandomState) -> FloatArray:
        """(k, d) points to start from."""
        trials = 2 + int(np.log(k))
        places = [int(random_state.choice(self.weight.size, p=self.weight / self.weight.sum()))]
        nearest = self.squared[places[0]]
        total = float(nearest @ self.weight)
        while len(places) < k:
            drawn = random_state.uniform(size=trials) * total
            found = np.searchsorted(np.cumsum(self.weight * nearest), drawn)
            candidates = np.minimum(found, self.weight.size - 1)
            left = np.minimum(nearest, self.squared[candidates])
            totals = left @ self.weight
            best = int(totals.argmin())
            total, nearest = float(totals[best]), left[best]
            places.append(int(candidates[best]))
        return np.asarray(x[places])


@dataclass(frozen=True)
class Distances:
    """Points known by their distances only: k-medoids."""

    weight: FloatArray
    matrix: FloatArray
    """(u, u) in one fixed order."""

    def partition(self, weight: FloatArray, k: int, *, starts: int, seed: int) -> Partition:
        rng = np.random.default_rng(seed)
        medoid = k_medoids(self.matrix, weight, k, starts=starts, rng=rng)
        to_medoid = self.matrix[:, medoid]
        label = np.asarray(to_medoid.argmin(axis=1), dtype=np.int64)
        return Partition(label, medoid.astype(np.float64), float(weight @ to_medoid.min(axis=1)))

    def distance(self) -> FloatArray:
        return self.matrix
