"""Clusters of sequences: every k judged, one chosen, by either encoding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from udfs.progression.chance import shuffled
from udfs.progression.criteria import elbow, group_concordance, information, silhouette
from udfs.progression.data import BoolArray, FloatArray, IntArray, Sequences
from udfs.progression.encodings import PlaceEncoding, discounted_states
from udfs.progression.naming import size_order
from udfs.progression.partition import Distances, Partition, Points, Space
from udfs.progression.stability import Stability, bootstrap_stability
from udfs.threads import single_thread

Encoding = Literal["timed", "published"]
Rule = Literal["silhouette", "elbow", "aic", "bic", "concordance"]

STABLE = 0.8
"""Mean adjusted Rand index over bootstrap samples from which clusters count as stable: the level
that Tibshirani and Walther (JCGS 2005) ask of prediction strength."""
PARSIMONY = 0.05
"""Fewer clusters are taken when their silhouette is no more than this below the best."""

STARTS = {"timed": 1, "published": 20}
"""Random starts for each of ``Options.starts``: one of k-means costs little, and most often ends in
a local minimum that is far from the best."""
RESAMPLE_STARTS = {"timed": 1, "published": 20}
"""Random starts of each clustering of a bootstrap sample or of random sequences, at most. With
three of k-means samples seemed to differ where only local minima did."""
CHANCE_MARGIN = 0.05
"""Groups are there when their silhouette is higher by this than among random sequences."""


@dataclass(frozen=True)
class Options:
    """How sequences are clustered."""

    encoding: Encoding
    k_max: int = 8
    k: int = 0
    """As many clusters; 0 lets ``rule`` choose."""
    rule: Rule = "silhouette"
    starts: int = 10
    samples: int = 50
    """Bootstrap samples."""
    shuffles: int = 10
    """Sets of sequences with organs drawn at random that silhouettes are compared with."""
    half_life_days: float = 180.0
    counts_from: Literal["first_progression", "first_dose"] = "first_progression"


@dataclass(frozen=True)
class Candidate:
    """k clusters and what speaks for them."""

    k: int
    label: IntArray
    """(n,) 0 is the largest cluster."""
    inertia: float
    elbow: float
    silhouette: float
    """NaN for one cluster, as the next five."""
    silhouette_by_chance: float
    """Highest silhouette of k clusters among sequences with organs drawn at random."""
    aic: float
    bic: float
    concordance: float
    """NaN without survival."""
    stability: Stability

    @property
    def is_stable(self) -> bool:
        """Found again in bootstrap samples."""
        return bool(self.stability.mean_ari >= STABLE)

    @property
    def is_beyond_chance(self) -> bool:
        """More distinct than clusters of random sequences."""
        return bool(self.silhouette > self.silhouette_by_chance + CHANCE_MARGIN)


@dataclass(frozen=True)
class Clustering:
    """Every k, the chosen one, and the means to label further sequences."""

    candidates: tuple[Candidate, ...]
    """For k = 1, 2, ..."""
    chosen: Candidate
    is_stable: bool
    """The chosen clusters' mean adjusted Rand index is at least 0.8."""
    is_beyond_chance: bool
    """Their silhouette is 0.05 above that of every set of sequences drawn at random."""
    assign: Callable[[Sequences], IntArray]
    """(m,) the chosen cluster whose centre is nearest to each of m sequences with the same
    organs."""
    n_distinct: int
    """Distinct points of the n sequences."""


@single_thread
def cluster_sequences(
    sequences: Sequences,
    options: Options,
    *,
    seed: int,
    time: FloatArray | None = None,
    event: BoolArray | None = None,
) -> Clustering:
    """Clusters n sequences for k = 1 to ``k_max`` and chooses k.

    Equal sequences are one point with a weight, and points stand in an order of their own, so
    neither the order of the patients nor the number of threads matters.

    The rule ``silhouette``: of the k whose clusters bootstrap samples find again (mean adjusted
    Rand index 0.8 or more) and whose silhouette is 0.05 above that of every set of random
    sequences, the smallest with a silhouette at most 0.05 below the best of them; where there is
    none such, the smallest k with an index at most 0.05 below the largest. Without bootstrap
    samples stability is not asked for. The other rules take the best value of their column;
    concordance without survival is the rule ``silhouette``.

    Stability alone is no sign of groups: where one organ is more frequent than others, 'that organ
    first' is found again in every sample. So silhouettes are held against sequences in which each
    patient keeps the number and days of progressions and organs are drawn at random (``shuffled``).

    Args:
        sequences: n of them.
        options: how.
        seed: of starts and bootstrap samples.
        time, event: (n,) survival for the concordance; NaN times are left out.

    Raises:
        ValueError: fewer than 2 distinct sequences.
    """
    space, first, inverse = _space(sequences, options)
    if first.size < 2:
        raise ValueError("all sequences are alike: there is nothing to cluster")
    distance = space.distance()
    k_max = min(max(options.k_max, options.k), first.size)
    known = np.zeros(0, dtype=bool) if time is None else ~np.isnan(time)
    by_chance = _by_chance(sequences, options, k_max, seed)
    found, places = [], []
    for k in range(1, k_max + 1):
        partition = space.partition(space.weight, k, starts=_starts(options, k), seed=seed)
        place = size_order(sequences, partition.label[inverse])
        label = place[partition.label[inverse]]
        c = float("nan")
        if time is not None and event is not None and k > 1:
            c = group_concordance(time[known], event[known], label[known])
        aic, bic = information(sequences.order, label)
        stability = _stability(space, partition, place, k, options, seed + k)
        found.append(
            Candidate(
                k=k,
                label=label,
                inertia=partition.inertia,
                elbow=float("nan"),
                silhouette=silhouette(distance, partition.label, space.weight),
                silhouette_by_chance=float(by_chance[k - 1]),
                aic=aic,
                bic=bic,
                concordance=c,
                stability=stability,
            )
        )
        places.append((partition, place))
    bends = elbow(np.array([one.inertia for one in found]))
    found = [replace(one, elbow=float(bend)) for one, bend in zip(found, bends, strict=True)]
    chosen = _choose(found, options)
    partition, place = places[chosen.k - 1]
    assign = _assigner(sequences, first, partition, place, options)
    return Clustering(
        tuple(found), chosen, chosen.is_stable, chosen.is_beyond_chance, assign, first.size
    )


def _space(sequences: Sequences, options: Options) -> tuple[Space, IntArray, IntArray]:
    """Points, the first patient at each, and each patient's point."""
    at, key = _points(sequences, options)
    _, first, inverse, count = np.unique(
        key, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    weight, inverse = count.astype(np.float64), np.asarray(inverse, dtype=np.int64).reshape(-1)
    if options.encoding == "timed":
        from scipy.spatial.distance import cdist

        distinct = at[first]
        return Distances(weight, np.asarray(cdist(distinct, distinct, "cityblock"))), first, inverse
    return Points(weight, at[first]), first, inverse


def _points(sequences: Sequences, options: Options) -> tuple[FloatArray, FloatArray | IntArray]:
    """Each patient's point, and what tells points apart, in the order in which they stand.

    Days that a short half-life brings to one weight, or a long one does not tell apart, are one
    point: medoids at a distance of 0 would leave a cluster without a patient.
    """
    if options.encoding == "timed":
        at = discounted_states(_clocked(sequences, options), half_life_days=options.half_life_days)
        return at, -at  # the earliest first, as by days
    return PlaceEncoding.of(sequences.order).transform(sequences.order), sequences.order


def n_points(sequences: Sequences, options: Options) -> int:
    """Distinct points of n sequences: clusters are of two or more."""
    return int(np.unique(_points(sequences, options)[1], axis=0).shape[0])


def _clocked(sequences: Sequences, options: Options) -> Sequences:
    """With days from the first progression, where that is asked for."""
    return sequences.since_first() if options.counts_from == "first_progression" else sequences


def _starts(options: Options, k: int, most: int | None = None) -> int:
    """Random starts of a clustering of all patients, or of a sample at most so many; fewer beyond
    eight clusters, each of which costs more.
    """
    starts = options.starts * STARTS[options.encoding]
    starts = starts if most is None else min(starts, most)
    return max(options.starts if most is None else 1, starts * 8 // max(k, 8))


def _stability(
    space: Space, found: Partition, place: IntArray, k: int, options: Options, seed: int
) -> Stability:
    """Of k clusters, in their numbering by size."""
    if k == 1 or options.samples == 0:
        return Stability(np.full(0, np.nan), np.full(k, np.nan))
    starts = _starts(options, k, RESAMPLE_STARTS[options.encoding])
    out = bootstrap_stability(space, found, k, samples=options.samples, starts=starts, seed=seed)
    jaccard = np.full(k, np.nan)
    jaccard[place] = out.jaccard
    return Stability(out.ari, jaccard)


def _by_chance(sequences: Sequences, options: Options, k_max: int, seed: int) -> FloatArray:
    """(k_max,) highest silhouette among random sequences; NaN for one cluster, -1 without any."""
    highest = np.full(k_max, -1.0)
    highest[0] = np.nan
    rng = np.random.default_rng([seed, 1])
    for _ in range(options.shuffles):
        other = shuffled(sequences, rng)
        space, _, _ = _space(other, options)
        distance = space.distance()
        for k in range(2, min(k_max, space.weight.size) + 1):
            starts = _starts(options, k, RESAMPLE_STARTS[options.encoding])
            label = space.partition(space.weight, k, starts=starts, seed=seed).label
            highest[k - 1] = max(highest[k - 1], silhouette(distance, label, space.weight))
    return highest


def _choose(found: list[Candidate], options: Options) -> Candidate:
    """See ``cluster_sequences``."""
    if options.k:
        return found[min(options.k, len(found)) - 1]
    open_ = found[1:]
    if options.rule == "elbow":
        return max(open_, key=lambda one: (one.elbow, -one.k))
    if options.rule in ("aic", "bic"):
        return min(open_, key=lambda one: (getattr(one, options.rule), one.k))
    if options.rule == "concordance" and not all(np.isnan(one.concordance) for one in open_):
        return max(open_, key=lambda one: (np.nan_to_num(one.concordance), -one.k))
    is_sampled = options.samples > 0
    stable = [one for one in open_ if (one.is_stable or not is_sampled) and one.is_beyond_chance]
    if not stable:
        again = [float(np.nan_to_num(one.stability.mean_ari)) for one in open_]
        return next(
            one for one, ari in zip(open_, again, strict=True) if ari >= max(again) - PARSIMONY
        )
    best = max(one.silhouette for one in stable)
    return next(one for one in stable if one.silhouette >= best - PARSIMONY)


def _assigner(
    sequences: Sequences,
    first: IntArray,
    partition: Partition,
    place: IntArray,
    options: Options,
) -> Callable[[Sequences], IntArray]:
    """Labels further sequences by the nearest centre."""
    if options.encoding == "timed":
        rows = first[partition.centre.astype(np.int64)]
        half_life = options.half_life_days
        medoids = discounted_states(
            _clocked(sequences, options).take(rows), half_life_days=half_life
        )

        def nearest_medoid(others: Sequences) -> IntArray:
            from scipy.spatial.distance import cdist

            at = discounted_states(_clocked(others, options), half_life_days=half_life)
            return np.asarray(place[cdist(at, medoids, "cityblock").argmin(axis=1)])

        return nearest_medoid
    encoding = PlaceEncoding.of(sequences.order)

    def nearest_mean(others: Sequences) -> IntArray:
        points = encoding.transform(others.order)
        apart = ((points[:, None, :] - partition.centre[None]) ** 2).sum(axis=2)
        return np.asarray(place[apart.argmin(axis=1)])

    return nearest_mean
