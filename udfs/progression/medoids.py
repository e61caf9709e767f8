"""k-medoids: PAM on samples, then on all points (scikit-learn has none)."""

from __future__ import annotations

import numpy as np

from udfs.progression.data import FloatArray, IntArray

SAMPLE = 400
"""Points of a sample that starts are searched on, and 20 more per cluster."""
SWAP_ALL = 4000
"""Up to so many points swaps are tried with every point; beyond, clusters renew their medoid."""
GAIN = 1e-9
"""A swap must lower the sum of distances by this share of it."""


def k_medoids(
    distance: FloatArray, weight: FloatArray, k: int, *, starts: int, rng: np.random.Generator
) -> IntArray:
    """Medoids of k clusters: points of which the weighted sum of distances to the nearest is least.

    Each start takes a random sample of the points, builds medoids greedily (PAM's BUILD) and swaps
    one against another point as long as the sum falls (FastPAM's swaps: Schubert and Rousseeuw,
    Inf Syst 2021). The best start, judged on all points, goes on on all of them: clusters renew
    their medoids until these stay, then swaps.

    Args:
        distance: (u, u) symmetric, 0 on the diagonal.
        weight: (u,) not negative; points of weight 0 do not count and are no medoids.
        k: clusters, at most the points with a weight.
        starts: samples tried; one is enough where the points are no more than a sample.
        rng: draws the samples.

    Returns:
        (k,) positions of the medoids, ascending.

    Raises:
        ValueError: fewer points with a weight than clusters.
    """
    used = np.flatnonzero(weight > 0)
    if used.size < k:
        raise ValueError(f"{used.size} points cannot be {k} clusters")
    size = SAMPLE + 20 * k
    best: IntArray | None = None
    lowest = np.inf
    for _ in range(starts if used.size > size else 1):
        share = weight[used] / weight[used].sum()
        rows = used
        if used.size > size:
            rows = np.sort(rng.choice(used, size=size, replace=False, p=share))
        part = distance[np.ix_(rows, rows)]
        found = rows[_swap(part, weight[rows], _build(part, weight[rows], k))]
        found = _renew(distance, weight, found, used)
        cost = float(weight[used] @ distance[np.ix_(used, found)].min(axis=1))
        if cost < lowest * (1 - GAIN):
            best, lowest = found, cost
    assert best is not None
    if size < used.size <= SWAP_ALL and starts > 1:
        part = distance if used.size == weight.size else distance[np.ix_(used, used)]
        best = used[_swap(part, weight[used], np.searchsorted(used, best))]
    return np.sort(best)


def _build(distance: FloatArray, weight: FloatArray, k: int) -> IntArray:
    """PAM's BUILD: each medoid is the point that lowers the sum most."""
    nearest = np.full(weight.size, np.inf)
    chosen: list[int] = []
    for _ in range(k):
        cost = np.minimum(distance, nearest[:, None]).T @ weight
        cost[chosen] = np.inf
        chosen.append(int(cost.argmin()))
        nearest = np.minimum(nearest, distance[:, chosen[-1]])
    return np.array(chosen, dtype=np.int64)


def _swap(distance: FloatArray, weight: FloatArray, medoid: IntArray) -> IntArray:
    """The best swap of a medoid and a point, as long as one lowers the sum."""
    medoid = medoid.copy()
    k = medoid.size
    while True:
        to = distance[:, medoid]
        order = np.argsort(to, axis=1, kind="stable")
        nearest = order[:, 0]
        first = np.take_along_axis(to, order[:, :1], axis=1)[:, 0]
        second = np.full(first.size, np.inf)
        if k > 1:
            second = np.take_along_axis(to, order[:, 1:2], axis=1)[:, 0]
        total = float(weight @ first)
        gain = np.maximum(first[:, None] - distance, 0.0).T @ weight
        cost = np.empty((k, weight.size))
        for m in range(k):
            own = nearest == m
            with_it = distance[own]
            after = np.minimum(with_it, second[own][:, None]).T @ weight[own]
            kept = np.maximum(first[own][:, None] - with_it, 0.0).T @ weight[own]
            cost[m] = after - float(weight[own] @ first[own]) - (gain - kept)
        cost[:, medoid] = np.inf
        place = int(cost.argmin())
        m, point = divmod(place, weight.size)
        if not cost[m, point] < -GAIN * max(total, 1e-300):
            return medoid
        medoid[m] = point


def _renew(distance: FloatArray, weight: FloatArray, medoid: IntArray, used: IntArray) -> IntArray:
    """Each cluster's best point becomes its medoid, until all stay."""
    medoid = np.sort(medoid)
    while True:
        label = distance[np.ix_(used, medoid)].argmin(axis=1)
        found = medoid.copy()
        for m in range(medoid.size):
            own = used[label == m]
            if own.size:
                cost = distance[np.ix_(own, own)].T @ weight[own]
                place = int(cost.argmin())
                held = int(np.flatnonzero(own == medoid[m])[0]) if medoid[m] in own else place
                if cost[place] < cost[held] * (1 - GAIN):
                    found[m] = own[place]
        found = np.sort(found)
        if np.array_equal(found, medoid):
            return found
        medoid = found
