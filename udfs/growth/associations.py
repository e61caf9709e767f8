"""Parameters against each other, against the organ, the baseline burden and the treatment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from udfs.growth.parameters import FloatArray
from udfs.growth.pooling import pool_chi2, pool_estimates

Method = Literal["pearson", "spearman"]
FEWEST_FOR_INTERVAL = 4


@dataclass(frozen=True)
class Correlation:
    """Correlation of two variables over n points."""

    x: str
    y: str
    level: Literal["organ", "lesion"]
    """Over organs' means an ecological correlation: it says nothing of single lesions."""
    n: int
    r: float
    ci_lower: float
    ci_upper: float
    p_value: float
    from_draws: bool
    """Whether it was computed per draw and pooled."""


def correlations(
    names: Sequence[str],
    values: ArrayLike,
    *,
    group: ArrayLike | None = None,
    method: Method = "pearson",
) -> list[Correlation]:
    """All pairwise correlations.

    Args:
        names: of the k variables.
        values: (n, k) estimates, or (n, d, k) draws: then each draw is correlated on its own and
            Fisher's z of the draws pooled by Rubin's rules. On the Gaussian scale (log, logit).
        group: (n,) organs: variables are averaged within each first (Zhou 2023, Fig. 2c and d).
        method: pearson, or spearman (of ranks).

    Raises:
        ValueError: fewer than three points.
    """
    array = np.asarray(values, dtype=np.float64)
    is_draws = array.ndim == 3
    stack = array.transpose(1, 0, 2) if is_draws else array[None]
    if group is not None:
        stack = np.stack([group_means(one, np.asarray(group)) for one in stack])
    n = stack.shape[1]
    if n < 3:
        raise ValueError(f"a correlation needs at least three points; there are {n}")
    if method == "spearman":
        stack = np.stack([_ranks(one) for one in stack])
    matrices = np.stack([np.corrcoef(one, rowvar=False) for one in stack])
    level: Literal["organ", "lesion"] = "lesion" if group is None else "organ"
    return [
        _correlation(names[a], names[b], level, n, matrices[:, a, b], is_draws)
        for a, b in combinations(range(len(names)), 2)
    ]


@dataclass(frozen=True)
class Line:
    """A straight line through n points, with the limits of the mean at each."""

    fitted: FloatArray
    """(n,)"""
    lower: FloatArray
    upper: FloatArray


def regression_line(x: ArrayLike, y: ArrayLike, level: float = 0.95) -> Line:
    """Least squares, with pointwise limits of the mean as R's predict(lm, interval="confidence"):
    fitted -+ t(n - 2) s sqrt(1/n + (x - mean)^2 / sum (x - mean)^2).

    Raises:
        ValueError: fewer than three points, or all at one x.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n, off = len(a), a - a.mean()
    spread = float(off @ off)
    if n < 3 or spread == 0:
        raise ValueError(f"a line with limits needs three points at several x; there are {n}")
    fitted = b.mean() + (off @ b) / spread * off
    error = np.sqrt(((b - fitted) ** 2).sum() / (n - 2))
    reach = float(stdtrit(n - 2, 0.5 + 0.5 * level)) * error * np.sqrt(1 / n + off**2 / spread)
    return Line(fitted, fitted - reach, fitted + reach)


def group_means(values: FloatArray, group: NDArray[np.generic]) -> FloatArray:
    """(g, k) means of (n, k) values within each group, groups ascending."""
    _, code = np.unique(group, return_inverse=True)
    sums = np.zeros((code.max() + 1, values.shape[1]))
    np.add.at(sums, code, values)
    return sums / np.bincount(code)[:, None]


def _ranks(values: FloatArray) -> FloatArray:
    """Average ranks of each column."""
    return np.stack([average_ranks(column) for column in values.T], axis=1)


def average_ranks(values: FloatArray) -> FloatArray:
    """(n,) ranks from 1, ties sharing their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - 0.5 * (counts - 1))[inverse]


def _correlation(
    x: str, y: str, level: Literal["organ", "lesion"], n: int, r: FloatArray, is_draws: bool
) -> Correlation:
    bounded = np.clip(np.nan_to_num(r), -1 + 1e-12, 1 - 1e-12)
    z = np.arctanh(bounded)
    variance = 1.0 / (n - 3) if n >= FEWEST_FOR_INTERVAL else np.inf
    if is_draws:
        pooled = pool_estimates(z, np.full(len(z), variance if np.isfinite(variance) else 1e6))
        low, high = np.tanh(pooled.lower), np.tanh(pooled.upper)
        return Correlation(
            x, y, level, n, float(np.tanh(pooled.estimate)), float(low), float(high),
            pooled.p_value, True,
        )  # fmt: skip
    value = float(bounded[0])
    reach = float(ndtri(0.975)) * np.sqrt(variance) if np.isfinite(variance) else np.inf
    t = value * np.sqrt((n - 2) / (1.0 - value * value))
    p_value = 2.0 * float(stdtr(n - 2, -abs(t)))
    low, high = np.tanh(z[0] - reach), np.tanh(z[0] + reach)
    return Correlation(x, y, level, n, value, float(low), float(high), p_value, False)


@dataclass(frozen=True)
class RankComparison:
    """Kruskal-Wallis over all groups, and Dunn's test of every pair."""

    group: NDArray[np.generic]
    """(g,) names, ascending."""
    n: NDArray[np.int64]
    """(g,) sizes."""
    mean_rank: FloatArray
    """(g,)"""
    statistic: float
    """H with tie correction; pooled F for draws."""
    df: int
    p_value: float
    pair: NDArray[np.int64]
    """(q, 2) positions in ``group``."""
    z: FloatArray
    """(q,) Dunn's z, first minus second."""
    pair_p_value: FloatArray
    """(q,) two-sided."""
    pair_p_adjusted: FloatArray
    """(q,) Holm."""
    from_draws: bool


def compare_groups(values: ArrayLike, group: ArrayLike) -> RankComparison:
    """Kruskal-Wallis and Dunn tests, as GraphPad, R's kruskal.test and dunn.test(altp=TRUE) do.

    Args:
        values: (n,) estimates, or (n, d) draws: each draw is tested and the tests are pooled.
        group: (n,) organs or arms.

    Raises:
        ValueError: fewer than two groups.
    """
    array = np.asarray(values, dtype=np.float64)
    is_draws = array.ndim == 2
    names, code = np.unique(np.asarray(group), return_inverse=True)
    if len(names) < 2:
        raise ValueError("a comparison needs at least two groups")
    runs = [_rank_tests(one, code, len(names)) for one in (array.T if is_draws else [array])]
    statistics = np.array([h for h, _, _ in runs])
    mean_rank = np.mean([ranks for _, ranks, _ in runs], axis=0)
    z = np.array([one for _, _, one in runs])
    df = len(names) - 1
    if is_draws:
        statistic, p_value = pool_chi2(statistics, df)
        pooled = [pool_estimates(column, np.ones(len(column))) for column in z.T]
        pair_z = np.array([one.estimate for one in pooled])
        pair_p = np.array([one.p_value for one in pooled])
    else:
        statistic, p_value = float(statistics[0]), float(chdtrc(df, statistics[0]))
        pair_z = z[0]
        pair_p = 2.0 * ndtr(-np.abs(pair_z))
    pairs = np.array(list(combinations(range(len(names)), 2)))
    return RankComparison(
        names, np.bincount(code), mean_rank, statistic, df, p_value, pairs, pair_z, pair_p,
        holm(pair_p), is_draws,
    )  # fmt: skip


def _rank_tests(
    values: FloatArray, code: NDArray[np.int64], g: int
) -> tuple[float, FloatArray, FloatArray]:
    """H, (g,) mean ranks and (pairs,) Dunn's z."""
    n = len(values)
    ranks = average_ranks(values)
    counts = np.bincount(code, minlength=g)
    means = np.bincount(code, weights=ranks, minlength=g) / counts
    _, ties = np.unique(values, return_counts=True)
    tied = float(np.sum(ties.astype(np.float64) ** 3 - ties))
    correction = 1.0 - tied / (float(n) ** 3 - n)
    h = 12.0 / (n * (n + 1.0)) * float(np.sum(counts * (means - 0.5 * (n + 1)) ** 2))
    base = n * (n + 1.0) / 12.0 - tied / (12.0 * (n - 1.0))
    z = [
        (means[a] - means[b]) / np.sqrt(base * (1.0 / counts[a] + 1.0 / counts[b]))
        for a, b in combinations(range(g), 2)
    ]
    return h / correction, means, np.array(z)


def holm(p_values: FloatArray) -> FloatArray:
    """Holm's adjusted p-values (R's p.adjust)."""
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    stepped = np.maximum.accumulate(p_values[order] * (count - np.arange(count)))
    out = np.empty(count)
    out[order] = np.minimum(stepped, 1.0)
    return out


@dataclass(frozen=True)
class EffectSize:
    """Two groups compared, ``a`` minus ``b``."""

    group_a: str
    group_b: str
    n_a: int
    n_b: int
    hedges_g: float
    """Difference of the means over the pooled standard deviation, bias-corrected."""
    ci_lower: float
    ci_upper: float
    cliff_delta: float
    """P(a > b) - P(a < b)."""
    p_value: float
    """Mann-Whitney (normal approximation with ties); of ``hedges_g`` for draws."""
    from_draws: bool


def effect_size(values: ArrayLike, group: ArrayLike, a: str, b: str) -> EffectSize:
    """Standardised difference of a parameter between two groups, for example treatments.

    Args:
        values: (n,) estimates or (n, d) draws, on the Gaussian scale.
        group: (n,)

    Raises:
        ValueError: a group with fewer than two lesions.
    """
    array = np.asarray(values, dtype=np.float64)
    is_draws = array.ndim == 2
    names = np.asarray(group).astype(str)
    first, second = array[names == a], array[names == b]
    n_a, n_b = len(first), len(second)
    if min(n_a, n_b) < 2:
        raise ValueError(f"groups {a!r} and {b!r} have {n_a} and {n_b} lesions; 2 are needed")
    draws = zip(first.T, second.T, strict=True) if is_draws else [(first, second)]
    results = [_two_groups(x, y) for x, y in draws]
    g, delta, p = (np.array([one[k] for one in results]) for k in range(3))
    variance = (n_a + n_b) / (n_a * n_b) + g**2 / (2.0 * (n_a + n_b))
    pooled = pool_estimates(g, variance)
    if is_draws:
        return EffectSize(
            a, b, n_a, n_b, pooled.estimate, pooled.lower, pooled.upper, float(delta.mean()),
            pooled.p_value, True,
        )  # fmt: skip
    reach = float(ndtri(0.975)) * float(np.sqrt(variance[0]))
    value = float(g[0])
    return EffectSize(
        a, b, n_a, n_b, value, value - reach, value + reach, float(delta[0]), float(p[0]), False
    )


def _two_groups(x: FloatArray, y: FloatArray) -> tuple[float, float, float]:
    """Hedges' g, Cliff's delta and the Mann-Whitney p-value."""
    n_x, n_y = len(x), len(y)
    df = n_x + n_y - 2
    pooled = ((n_x - 1) * x.var(ddof=1) + (n_y - 1) * y.var(ddof=1)) / df
    g = (x.mean() - y.mean()) / np.sqrt(pooled) if pooled > 0 else 0.0
    both = np.concatenate([x, y])
    ranks = average_ranks(both)
    u = ranks[:n_x].sum() - 0.5 * n_x * (n_x + 1)
    _, ties = np.unique(both, return_counts=True)
    n = n_x + n_y
    spread = n_x * n_y / 12.0 * ((n + 1) - float(np.sum(ties**3.0 - ties)) / (n * (n - 1)))
    z = (u - 0.5 * n_x * n_y) / np.sqrt(spread) if spread > 0 else 0.0
    return (
        float(g * (1.0 - 3.0 / (4.0 * df - 1.0))),
        float(2.0 * u / (n_x * n_y) - 1.0),
        float(2.0 * ndtr(-abs(z))),
    )
