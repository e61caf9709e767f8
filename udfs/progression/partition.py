"""k clusters of weighted points: by k-means where they have coordinates, else by k-medoids."""

from __future__ import annotations

from dataclasses import dataclass
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
        model = KMeans(n_clusters=k, n_init=starts, random_state=seed)
        model.fit(self.coordinate[used], sample_weight=weight[used])
        label = np.asarray(model.predict(self.coordinate), dtype=np.int64)
        centre = np.asarray(model.cluster_centers_)
        apart = ((self.coordinate - centre[label]) ** 2).sum(axis=1)
        return Partition(label, centre, float(weight @ apart))

    def distance(self) -> FloatArray:
        from scipy.spatial.distance import cdist

        return np.asarray(cdist(self.coordinate, self.coordinate))


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
