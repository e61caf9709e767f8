"""How far two groups lie apart: dominance and shift, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from udfs.comparisons.arrays import FloatArray, IntArray, numbers, tie_sum
from udfs.comparisons.ranks import EXACT_BELOW

FEW_PAIRS = 1 << 14
"""So many differences are simply listed and partitioned."""


@dataclass(frozen=True)
class Dominance:
    """How often values of a exceed those of b."""

    delta: float
    """P(a > b) - P(a < b), from -1 to 1: Cliff's delta, which is the rank-biserial correlation."""
    lower: float
    """NaN where a group has one value."""
    upper: float


@dataclass(frozen=True)
class Shift:
    """How much higher a lies than b."""

    estimate: float
    """Hodges and Lehmann's: the median of all differences a - b, in the values' unit."""
    lower: float
    """NaN where the groups are so small that no interval has the confidence."""
    upper: float
    is_exact: bool
    """The limits come from the exact distribution of the rank sum."""


def dominance_of(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Dominance:
    """Cliff's delta with his asymmetric interval.

    delta = (#(a > b) - #(a < b)) / (n_a n_b). Its variance is the unbiased one of Cliff (Psychol.
    Bull. 1993, 114:494), at least (1 - d^2) / (n_a n_b - 1). The limits are
    (d - d^3 -+ z s sqrt((1 - d^2)^2 + z^2 s^2)) / (1 - d^2 + z^2 s^2); where delta is 1, the lower
    one is (n - z^2) / (n + z^2), n the smaller group (Feng and Cliff, J. Mod. Appl. Stat. Methods
    2004). Rank-biserial correlation, 2 U / (n_a n_b) - 1, is the same number.

    Hand-worked: 1, 4 against 2, 3, 5: of 6 pairs 2 are above and 4 below, so delta = -1/3.

    Raises:
        ValueError: a value is missing, or a group is empty.
    """
    x, y = _two("a", a), _two("b", b)
    above_x, delta, ties = _row_means(x, y)
    below_y, _, _ = _row_means(y, x)
    n, m = x.size, y.size
    if n == 1 or m == 1:
        return Dominance(delta, float("nan"), float("nan"))
    rows = float(((above_x - delta) ** 2).sum())
    columns = float(((below_y + delta) ** 2).sum())
    cells = n * m - ties - n * m * delta**2
    variance = (m**2 * rows + n**2 * columns - cells) / (n * m * (n - 1) * (m - 1))
    variance = max(variance, (1 - delta**2) / (n * m - 1))
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    if abs(delta) == 1:
        bound = (min(n, m) - z * z) / (min(n, m) + z * z)
        return Dominance(delta, *((bound, 1.0) if delta > 0 else (-1.0, -bound)))
    spread = z * z * variance
    half = np.sqrt(spread) * np.sqrt((1 - delta**2) ** 2 + spread)
    divisor = 1 - delta**2 + spread
    lower, upper = ((delta - delta**3 + sign * half) / divisor for sign in (-1, 1))
    return Dominance(delta, max(float(lower), -1.0), min(float(upper), 1.0))


def clustered_p_value(
    a: ArrayLike, b: ArrayLike, cluster_a: ArrayLike, cluster_b: ArrayLike
) -> float:
    """Two-sided p of Cliff's delta = 0 where values of one cluster (patient) are alike.

    Obuchowski's variance (Biometrics 1997, 53:567), on the scale of delta: with V(a) the mean sign
    of a - b over all b, summed within each of I_a clusters that have m of the M values of a,
    S_a = I_a / ((I_a - 1) M) sum over clusters of (V - m delta)^2, S_b likewise, S_ab =
    I / (I - 1) sum over all I clusters of (V_a - m_a delta) (V_b - m_b delta), and the variance is
    S_a / M + S_b / N + 2 S_ab / (M N). With one value per cluster it is that of DeLong, DeLong and
    Clarke-Pearson (Biometrics 1988). p is of the normal distribution: it wants clusters by the
    dozen.

    Hand-worked: a = 1, 4 of one cluster and 6 of another, b = 2, 3 and 5 of three more. V(a) is -1,
    1/3, 1, so -2/3 and 1 by cluster, with delta = 1/9: S_a = 2 / (1 x 3) (64/81 + 64/81) = 256/243.
    V(b), the mean sign of a - b over a, is 1/3, 1/3, -1/3: S_b = 3 / (2 x 3) (4/81 + 4/81 + 16/81)
    = 12/81. z = (1/9) / sqrt(256/729 + 4/81) = 0.1756.

    Returns:
        NaN where a group lies within one cluster, or does not vary.

    Raises:
        ValueError: a value is missing, a group is empty, or clusters are not as many as values.
    """
    x, y = _two("a", a), _two("b", b)
    label_x, label_y = np.asarray(cluster_a), np.asarray(cluster_b)
    if label_x.shape != x.shape or label_y.shape != y.shape:
        raise ValueError("there is one cluster for each value")
    above_x, delta, _ = _row_means(x, y)
    below_y, _, _ = _row_means(y, x)
    labels, place = np.unique(np.concatenate((label_x, label_y)), return_inverse=True)
    of_x, of_y = place[: x.size], place[x.size :]
    n_x, n_y = (np.bincount(of, minlength=labels.size) for of in (of_x, of_y))
    residual_x = np.bincount(of_x, above_x, labels.size) - n_x * delta
    residual_y = np.bincount(of_y, -below_y, labels.size) - n_y * delta
    groups = [int((n > 0).sum()) for n in (n_x, n_y)]
    if min(groups) < 2:
        return float("nan")
    variance = 2 * labels.size / (labels.size - 1) * float(residual_x @ residual_y)
    variance /= x.size * y.size
    for k, n, residual in zip(groups, (x.size, y.size), (residual_x, residual_y), strict=True):
        variance += k / (k - 1) * float(residual @ residual) / n**2
    if variance <= 0:
        return float("nan")
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(delta) / np.sqrt(variance)))


def shift_between(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Shift:
    """Hodges and Lehmann's shift, with the interval that inverts Mann and Whitney's test.

    The limits are order statistics of the n_a n_b differences: exact as in R's ``wilcox.test``
    where both groups have fewer than 50 values and no two are equal; else those at
    n_a n_b / 2 -+ z s, s the standard deviation of the rank sum corrected for ties, with R's
    correction for continuity. R then looks for the limits by root search, to 1e-4; here they are
    the exact order statistics.

    Hand-worked: 1, 4 against 2, 3, 5: differences -4, -2, -1, -1, 1, 2, median -1.

    Raises:
        ValueError: a value is missing, or a group is empty.
    """
    x, y = np.sort(_two("a", a)), np.sort(_two("b", b))
    pairs = x.size * y.size
    low, high = (pairs - 1) // 2, pairs // 2
    everything = np.sort(np.concatenate((x, y)))
    has_ties = bool((np.diff(everything) == 0).any())
    is_exact = max(x.size, y.size) < EXACT_BELOW and not has_ties
    rank = (
        _exact_rank(x.size, y.size, confidence)
        if is_exact
        else _normal_rank(x.size, y.size, everything, confidence)
    )
    wanted = [low, high] if rank < 0 else [rank, low, high, pairs - 1 - rank]
    found = dict(zip(wanted, difference_order(x, y, wanted), strict=True))
    estimate = (found[low] + found[high]) / 2 + 0.0  # never -0.0
    if rank < 0:
        return Shift(estimate, float("nan"), float("nan"), is_exact)
    return Shift(estimate, found[rank] + 0.0, found[pairs - 1 - rank] + 0.0, is_exact)


def difference_order(x: FloatArray, y: FloatArray, ranks: list[int]) -> list[float]:
    """Order statistics of all differences x_i - y_j, without listing them all.

    Args:
        x, y: (n,), (m,) ascending.
        ranks: from 0 for the smallest difference to n m - 1.
    """
    if x.size * y.size <= FEW_PAIRS:
        differences = np.subtract.outer(x, y).ravel()
        differences.partition(sorted(set(ranks)))
        return [float(differences[rank]) for rank in ranks]
    if x.size > y.size:
        last = x.size * y.size - 1
        return [-v for v in difference_order(y, x, [last - rank for rank in ranks])]
    return [_difference_at(x, y, rank) for rank in ranks]


def _difference_at(x: FloatArray, y: FloatArray, rank: int) -> float:
    """One order statistic, by the row medians that still can hold it (Johnson and Mizoguchi 1978).

    Row i is x_i - y_j for j from last to first, ascending; its candidates are a stretch of it.
    """
    negated = -y[::-1]
    low = np.zeros(x.size, dtype=np.int64)
    high = np.full(x.size, y.size, dtype=np.int64)
    while True:
        left = high - low
        n_left = int(left.sum())
        if n_left <= FEW_PAIRS:
            row = np.repeat(np.arange(x.size), left)
            column = np.arange(n_left) - np.repeat(np.cumsum(left) - left, left) + low[row]
            values = x[row] + negated[column]
            at = rank - int(low.sum())
            return float(np.partition(values, at)[at])
        open_rows = np.flatnonzero(left > 0)
        medians = x[open_rows] + negated[(low + high)[open_rows] // 2]
        order = np.argsort(medians, kind="stable")
        weight = np.cumsum(left[open_rows][order])
        pivot = medians[order][np.searchsorted(weight, n_left / 2)]
        below, up_to = _counts(x, negated, float(pivot))
        if below.sum() <= rank < up_to.sum():
            return float(pivot)
        if rank < below.sum():
            high = np.minimum(high, below)
        else:
            low = np.maximum(low, up_to)


def _counts(x: FloatArray, negated: FloatArray, pivot: float) -> tuple[IntArray, IntArray]:
    """Per row, how many differences lie below the pivot, and how many do not exceed it.

    Positions are found on pivot - x_i and then set right, since x_i + negated_j is what counts and
    may round otherwise.
    """
    m = negated.size
    counts = []
    for side in ("left", "right"):
        at = np.searchsorted(negated, pivot - x, side=side)
        is_in = np.less if side == "left" else np.less_equal
        while True:
            more = (at < m) & is_in(x + negated[np.minimum(at, m - 1)], pivot)
            less = (at > 0) & ~is_in(x + negated[np.maximum(at - 1, 0)], pivot)
            if not (more.any() or less.any()):
                break
            at = at + more - (less & ~more)
        counts.append(at.astype(np.int64))
    return counts[0], counts[1]


def _two(name: str, values: ArrayLike) -> FloatArray:
    array = numbers(name, values)
    if array.size == 0:
        raise ValueError(f"{name} is empty")
    return array


def _row_means(x: FloatArray, y: FloatArray) -> tuple[FloatArray, float, int]:
    """(n,) mean sign of x_i - y_j over j, their mean, and the number of ties."""
    ordered = np.sort(y)
    below = np.searchsorted(ordered, x, side="left")
    up_to = np.searchsorted(ordered, x, side="right")
    sign = below - (y.size - up_to)
    return sign / y.size, int(sign.sum()) / (x.size * y.size), int((up_to - below).sum())


def _exact_rank(n: int, m: int, confidence: float) -> int:
    """Rank of the lower limit, as R: qwilcox(alpha / 2, n, m) - 1; -1 where there is none.

    There R gives the whole range, whose confidence is less, with a warning.
    """
    cumulative = _rank_sum_distribution(min(n, m), max(n, m))
    tail = (1 - confidence) / 2
    return int(np.searchsorted(cumulative, tail * (1 - 1e-12))) - 1  # 1/40 is not 0.025 in binary


@lru_cache(maxsize=64)
def _rank_sum_distribution(n: int, m: int) -> FloatArray:
    """(n m + 1,) P(U <= u) of Mann-Whitney's U, by counting the ways to share the ranks.

    The number of ways is the coefficient of q^u in the Gaussian binomial of n + m over n, built
    factor by factor: times (1 - q^(m + i)), over (1 - q^i).
    """
    size = n * m + 1
    ways = np.zeros(size)
    ways[0] = 1.0
    for i in range(1, n + 1):
        up = ways.copy()
        up[m + i :] -= ways[: max(size - m - i, 0)]
        for start in range(i):
            up[start::i] = np.cumsum(up[start::i])
        ways = up
    return np.cumsum(ways) / ways.sum()


def _normal_rank(n: int, m: int, ordered: FloatArray, confidence: float) -> int:
    """Rank of the lower limit by the normal distribution; -1 where there is no such rank."""
    from scipy.special import ndtri

    total = n + m
    tied = tie_sum(ordered) / (total * (total - 1))
    deviation = float(np.sqrt(n * m / 12 * (total + 1 - tied)))
    below = n * m / 2 - float(ndtri((1 + confidence) / 2)) * deviation - 0.5
    return int(np.floor(below)) if below >= 0 else -1
