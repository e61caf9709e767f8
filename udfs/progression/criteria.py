"""Figures that the number of clusters is chosen by."""

from __future__ import annotations

import numpy as np

from udfs.progression.data import BoolArray, FloatArray, IntArray


def silhouette(distance: FloatArray, label: IntArray, weight: FloatArray) -> float:
    """Mean silhouette (b - a) / max(a, b) of weighted points (Rousseeuw 1987).

    a is a patient's mean distance to the others of its cluster, b the least mean distance to those
    of another cluster; 0 for a patient alone in its cluster. A point of weight w is w patients at
    one place, so this is scikit-learn's ``silhouette_score`` of all patients.

    Args:
        distance: (u, u)
        label: (u,) 0 to k - 1, none empty.
        weight: (u,) whole numbers.

    Returns:
        NaN for one cluster.
    """
    k = int(label.max(initial=-1)) + 1
    if k < 2:
        return float("nan")
    member = np.zeros((label.size, k))
    rows = np.arange(label.size)
    member[rows, label] = weight
    total, size = distance @ member, member.sum(axis=0)
    own = np.divide(
        total[rows, label], size[label] - 1, out=np.zeros(label.size), where=size[label] > 1
    )
    other = total / size
    other[rows, label] = np.inf
    nearest = other.min(axis=1)
    widest = np.maximum(own, nearest)
    value = np.divide(nearest - own, widest, out=np.zeros(label.size), where=widest > 0)
    value[size[label] == 1] = 0.0
    return float(weight @ value / weight.sum())


def elbow(inertia: FloatArray) -> FloatArray:
    """How far each inertia lies below the straight line from the first k to the last, as a share of
    the line's fall; largest at the elbow (Thorndike 1953; the chord rule of Satopaa et al. 2011).

    Hand-worked: 10, 4, 3, 2: the line is 10, 22/3, 14/3, 2, the fall 8: 0, 5/12, 5/24, 0.
    """
    fall = inertia[0] - inertia[-1]
    if inertia.size < 3 or not fall > 0:
        return np.zeros(inertia.size)
    return np.asarray((np.linspace(inertia[0], inertia[-1], inertia.size) - inertia) / fall)


def information(order: IntArray, label: IntArray) -> tuple[float, float]:
    """AIC and BIC of clusters as a model of the sequences.

    Within a cluster each place holds each organ, or none, with a probability of its own; these are
    the shares found, so the classification log-likelihood is the sum over patients of the log of
    the cluster's share and of each place's. Parameters: k - 1, and per cluster and place the
    categories seen at the place less one. It is the latent class model's likelihood with every
    patient given to one class (McLachlan and Peel 2000, section 2.21), and means the same whatever
    the clusters were found by.

    Args:
        order: (n, p) organs by place, -1 for none.
        label: (n,)
    """
    k = int(label.max(initial=0)) + 1
    n = label.size
    size = np.bincount(label, minlength=k)
    log_likelihood = float((size[size > 0] * np.log(size[size > 0] / n)).sum())
    parameters = k - 1
    for column in order.T:
        categories, code = np.unique(column, return_inverse=True)
        m = categories.size
        count = np.bincount(label * m + code, minlength=k * m).reshape(k, m)
        share = np.divide(count, size[:, None], out=np.zeros((k, m)), where=size[:, None] > 0)
        seen = count > 0
        log_likelihood += float((count[seen] * np.log(share[seen])).sum())
        parameters += k * (m - 1)
    return 2 * parameters - 2 * log_likelihood, parameters * np.log(n) - 2 * log_likelihood


def group_concordance(time: FloatArray, event: BoolArray, group: IntArray) -> float:
    """Harrell's concordance of survival with groups put in the order of their hazards.

    The order is that of observed over expected events (log-rank). Of two patients the one with the
    event first should be of the group with the higher hazard; of one group counts one half. A
    patient censored on the day of another's event outlived it; two events on one day are no pair.
    It is not corrected for having been looked at in the patients that made the order.

    Args:
        time: (n,)
        event: (n,)
        group: (n,) 0 to k - 1.

    Returns:
        NaN where no two patients can be compared.
    """
    from udfs.survival import log_rank

    if time.size == 0 or not event.any():
        return float("nan")
    test = log_rank(time, event, group)
    ratio = np.divide(
        test.observed, test.expected, out=np.zeros(test.group.size), where=test.expected > 0
    )
    rank_of = np.zeros(int(group.max()) + 1, dtype=np.int64)
    rank_of[test.group.astype(np.int64)] = np.unique(ratio, return_inverse=True)[1]
    return rank_concordance(time, event, rank_of[group])


def rank_concordance(time: FloatArray, event: BoolArray, rank: IntArray) -> float:
    """Harrell's concordance of survival with ranks: the higher rank should die first.

    As R's ``concordance(reverse = TRUE)``; ties as in ``group_concordance``. Hand-worked: deaths on
    day 1 (rank 1), 2 (rank 0), 3 (rank 1): of the pairs (1, 2), (1, 3), (2, 3) the first is right,
    the second a tie, the third wrong: 1.5 / 3.

    Args:
        time, event: (n,)
        rank: (n,) 0 to k - 1.

    Returns:
        NaN where no two patients can be compared.
    """
    k = int(rank.max(initial=0)) + 1
    order = np.lexsort((~event, time))
    t, died, r = time[order], event[order], rank[order]
    last = np.searchsorted(t, t, side="right")
    indicator = np.zeros((t.size + 1, k))
    indicator[np.arange(t.size), r] = 1.0
    remaining = indicator[::-1].cumsum(axis=0)[::-1]
    same_day_censored = np.zeros((t.size + 1, k))
    same_day_censored[np.arange(t.size)[~died], r[~died]] = 1.0
    before = np.concatenate((np.zeros((1, k)), same_day_censored[:-1].cumsum(axis=0)))
    first = np.searchsorted(t, t, side="left")
    outlived = remaining[last] + (before[last] - before[first])
    rows = np.flatnonzero(died)
    at = r[rows]
    counts = outlived[rows]
    lower = np.concatenate((np.zeros((rows.size, 1)), counts.cumsum(axis=1)), axis=1)
    concordant = lower[np.arange(rows.size), at].sum()
    tied = counts[np.arange(rows.size), at].sum()
    pairs = counts.sum()
    return float((concordant + tied / 2) / pairs) if pairs > 0 else float("nan")
