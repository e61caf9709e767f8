"""Estimates from lesions whose patients, not the lesions, are independent.

Values are (n,) estimates or (n, d) draws of each lesion; everything is computed per draw, with the
variance that lesions of one patient leave (Liang and Zeger 1986), and pooled by Rubin's rules with
the degrees of freedom of Barnard and Rubin 1999.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr, stdtrit

from udfs.growth.associations import average_ranks
from udfs.growth.parameters import FloatArray

FEWEST_CLUSTERS = 3


@dataclass(frozen=True)
class ClusteredEstimate:
    """An estimate with the interval that clusters leave."""

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    p_value: float
    """Two-sided, against 0."""
    missing_share: float
    """Share of the variance that comes from not knowing the lesions' parameters; 0 for estimates
    taken as known."""


def pool_clustered(
    estimates: FloatArray, variances: FloatArray, df: float, level: float = 0.95
) -> ClusteredEstimate:
    """Rubin's rules for (d,) estimates with (d,) variances on ``df`` degrees of freedom each.

    1 / df_total = 1 / df_draws + 1 / df_data, df_draws = (d - 1) / g^2, df_data =
    (df + 1) / (df + 3) df (1 - g), g being the share of the variance between draws.
    """
    d = len(estimates)
    middle, within = float(np.mean(estimates)), float(np.mean(variances))
    between = (1.0 + 1.0 / d) * float(np.var(estimates, ddof=1)) if d > 1 else 0.0
    total = within + between
    if total <= 0.0:
        return ClusteredEstimate(middle, 0.0, middle, middle, float(middle == 0), 0.0)
    share = between / total
    freedom = df
    if share > 0.0:
        of_data = (df + 1.0) / (df + 3.0) * df * (1.0 - share)
        freedom = 1.0 / (share**2 / (d - 1) + 1.0 / max(of_data, 1e-9))
    error = float(np.sqrt(total))
    reach = float(stdtrit(freedom, 0.5 + 0.5 * level)) * error
    p_value = 2.0 * float(stdtr(freedom, -abs(middle) / error))
    return ClusteredEstimate(middle, error, middle - reach, middle + reach, p_value, share)


def clustered_correlation(
    x: ArrayLike, y: ArrayLike, cluster: ArrayLike, level: float = 0.95
) -> ClusteredEstimate:
    """Pearson's correlation; its interval on Fisher's z scale.

    Variance from the influence function zx zy - r (zx^2 + zy^2) / 2, added up within clusters.
    ``standard_error`` is that of r.

    Args:
        x, y: (n,) or (n, d) each; a (n,) one is the same in all draws.
        cluster: (n,) patients.

    Raises:
        ValueError: fewer than three clusters, or a variable is constant.
    """
    a, b = _as_draws(x, y)
    code, count = _codes(cluster)
    za, zb = _standardised(a), _standardised(b)
    r = np.clip((za * zb).mean(axis=0), -1.0 + 1e-12, 1.0 - 1e-12)
    influence = za * zb - 0.5 * r * (za**2 + zb**2)
    variance = _cluster_sums_squared(influence, code, count) / len(za) ** 2
    z = pool_clustered(np.arctanh(r), variance / (1.0 - r**2) ** 2, float(count - 1), level)
    value = float(np.tanh(z.estimate))
    return ClusteredEstimate(
        value,
        z.standard_error * (1.0 - value**2),
        float(np.tanh(z.ci_lower)),
        float(np.tanh(z.ci_upper)),
        z.p_value,
        z.missing_share,
    )


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation, averaged over draws (Fisher's z)."""
    a, b = _as_draws(x, y)
    rank_a = np.stack([average_ranks(column) for column in a.T], axis=1)
    rank_b = np.stack([average_ranks(column) for column in b.T], axis=1)
    r = (_standardised(rank_a) * _standardised(rank_b)).mean(axis=0)
    return float(np.tanh(np.mean(np.arctanh(np.clip(r, -1.0 + 1e-12, 1.0 - 1e-12)))))


@dataclass(frozen=True)
class Contrast:
    """Group a against group b."""

    difference: ClusteredEstimate
    """Mean of a minus mean of b, given what was adjusted for."""
    standardised: ClusteredEstimate
    """The same in units of the standard deviation within groups."""


def clustered_contrast(
    values: ArrayLike,
    is_a: ArrayLike,
    cluster: ArrayLike,
    adjust: ArrayLike | None = None,
    level: float = 0.95,
) -> Contrast:
    """Difference of two groups by least squares, with the variance that clusters leave (CR1).

    Args:
        values: (n,) estimates or (n, d) draws.
        is_a: (n,) whether a lesion is of group a; the others are of group b.
        cluster: (n,) patients.
        adjust: (n,) labels; differences are those within equal labels.

    Raises:
        ValueError: fewer than three clusters, or the difference is not estimable.
    """
    y = np.asarray(values, dtype=np.float64)
    y = y[:, None] if y.ndim == 1 else y
    member = np.asarray(is_a, dtype=bool)
    code, count = _codes(cluster)
    columns = [member.astype(np.float64)]
    labels = np.zeros(len(member), dtype=np.int64)
    if adjust is not None:
        _, labels = np.unique(np.asarray(adjust), return_inverse=True)
    columns += [(labels == one).astype(np.float64) for one in range(labels.max() + 1)]
    design = np.stack(columns, axis=1)
    gram = design.T @ design
    if np.linalg.matrix_rank(gram) < len(gram):
        raise ValueError("the two groups share no label: their difference is not estimable")
    inverse = np.linalg.inv(gram)
    beta = inverse @ (design.T @ y)
    residual = y - design @ beta
    n, k = design.shape
    score = (design @ inverse[:, 0])[:, None] * residual
    variance = _cluster_sums_squared(score, code, count) * (n - 1) / (n - k)
    spread = np.sqrt((residual**2).sum(axis=0) / (n - k))
    df = float(count - 1)
    return Contrast(
        pool_clustered(beta[0], variance, df, level),
        pool_clustered(beta[0] / spread, variance / spread**2, df, level),
    )


def clustered_mean(values: ArrayLike, cluster: ArrayLike, level: float = 0.95) -> ClusteredEstimate:
    """Mean of one group.

    Args:
        values: (n,) estimates or (n, d) draws.
        cluster: (n,) patients. Fewer than three leave no interval: NaN.
    """
    y = np.asarray(values, dtype=np.float64)
    y = y[:, None] if y.ndim == 1 else y
    names, code = np.unique(np.asarray(cluster), return_inverse=True)
    mean = y.mean(axis=0)
    if len(names) < FEWEST_CLUSTERS:
        nan = float("nan")
        return ClusteredEstimate(float(mean.mean()), nan, nan, nan, nan, nan)
    variance = _cluster_sums_squared(y - mean, code, len(names)) / len(y) ** 2
    return pool_clustered(mean, variance, float(len(names) - 1), level)


def normal_interval(
    estimate: float, standard_error: float, level: float = 0.95
) -> tuple[float, float]:
    """estimate +- z standard_error."""
    reach = float(ndtri(0.5 + 0.5 * level)) * standard_error
    return estimate - reach, estimate + reach


def _as_draws(x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    a = a[:, None] if a.ndim == 1 else a
    b = b[:, None] if b.ndim == 1 else b
    return np.broadcast_arrays(a, b)[0], np.broadcast_arrays(a, b)[1]


def _codes(cluster: ArrayLike) -> tuple[NDArray[np.int64], int]:
    names, code = np.unique(np.asarray(cluster), return_inverse=True)
    if len(names) < FEWEST_CLUSTERS:
        raise ValueError(f"lesions of {len(names)} patients: three are needed for an interval")
    return code, len(names)


def _standardised(values: FloatArray) -> FloatArray:
    spread = values.std(axis=0)
    if np.any(spread == 0):
        raise ValueError("a variable is the same for every lesion")
    return (values - values.mean(axis=0)) / spread


def _cluster_sums_squared(values: FloatArray, code: NDArray[np.int64], count: int) -> FloatArray:
    """(d,) sum over clusters of the squared sums of (n, d) values, times g / (g - 1)."""
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(count))
    sums = np.add.reduceat(values[order], starts, axis=0)
    return (sums**2).sum(axis=0) * count / (count - 1)
