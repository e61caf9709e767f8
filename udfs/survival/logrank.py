"""Log-rank tests: do groups differ in survival, and does survival follow their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.survival.checked import BoolArray, FloatArray, IntArray, checked_times, codes_of


@dataclass(frozen=True)
class LogRank:
    """Of g groups. NaN in ``statistic`` and ``p_value`` where fewer than two can be compared."""

    group: NDArray[Any]
    """(g,) the groups' labels, ascending."""
    n: IntArray
    """(g,) subjects."""
    observed: FloatArray
    """(g,) events, weighted by ``rho``."""
    expected: FloatArray
    """(g,) events expected if the groups were alike."""
    covariance: FloatArray
    """(g, g) of observed - expected."""
    statistic: float
    """Chi-squared."""
    df: int
    p_value: float


@dataclass(frozen=True)
class Trend:
    """Test for trend over ordered groups. NaN where there is nothing to compare."""

    statistic: float
    """Chi-squared with one degree of freedom."""
    z: float
    """Its root, positive where higher scores have more events than expected."""
    p_value: float


def log_rank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    stratum: ArrayLike | None = None,
    rho: float = 0.0,
) -> LogRank:
    """Log-rank test of g groups, in the family of Harrington and Fleming (Biometrika 1982).

    At each event time with d events among n at risk, n_j of them in group j: expected d n_j / n,
    covariance d (n - d) / (n - 1) * (n_j / n) (1[j = k] - n_k / n), each weighted by survival just
    before to the power ``rho`` (its square in the covariance). Chi-squared = (O - E)' V^- (O - E).

    Hand-worked: group A has an event at 1 and one at 4, group B one at 2 and one censored at 5.
    Expected in A: 2/4 + 1/3 + 1/2 = 4/3; variance 1/4 + 2/9 + 1/4 = 13/18; chi-squared
    (2 - 4/3)^2 / (13/18) = 8/13.

    Args:
        time, event: (n,) as for ``kaplan_meier``.
        group: (n,) labels.
        stratum: (n,) labels; subjects are compared within strata only.
        rho: 0 is the log-rank test, 1 Peto and Peto's modification of the Gehan-Wilcoxon test.

    Raises:
        ValueError: see ``checked_times``; group or stratum of another length.
    """
    times, events = checked_times(time, event)
    names, code = codes_of("group", group, times.size)
    strata = np.zeros(times.size, dtype=np.int64)
    if stratum is not None:
        _, strata = codes_of("stratum", stratum, times.size)
    g = names.size
    observed, expected, covariance = np.zeros(g), np.zeros(g), np.zeros((g, g))
    for one in range(int(strata.max(initial=-1)) + 1):
        rows = strata == one
        o, e, v = _one_stratum(times[rows], events[rows], code[rows], g, rho)
        observed, expected, covariance = observed + o, expected + e, covariance + v
    statistic, df = _chi_squared(observed, expected, covariance)
    n = np.bincount(code, minlength=g)
    p_value = _chi_squared_tail(statistic, df)
    return LogRank(names, n, observed, expected, covariance, statistic, df, p_value)


def log_rank_trend(test: LogRank, scores: ArrayLike | None = None) -> Trend:
    """Test for trend: (s'(O - E))^2 / s'Vs on one degree of freedom (Tarone, Biometrika 1975).

    Args:
        test: of the groups.
        scores: (g,) the groups' scores; by default 1, 2, ... in the order of ``test.group``.

    Raises:
        ValueError: another number of scores than of groups.
    """
    score = np.arange(1.0, test.group.size + 1) if scores is None else np.asarray(scores, float)
    if score.shape != (test.group.size,):
        raise ValueError(f"{score.size} scores for {test.group.size} groups")
    difference = float(score @ (test.observed - test.expected))
    variance = float(score @ test.covariance @ score)
    if not variance > 1e-12 * max(float(score @ score), 1.0):
        return Trend(np.nan, np.nan, np.nan)
    z = difference / np.sqrt(variance)
    return Trend(z * z, z, _chi_squared_tail(z * z, 1))


def _one_stratum(
    times: FloatArray, events: BoolArray, code: IntArray, g: int, rho: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Observed, expected and covariance of one stratum."""
    at, place = np.unique(times, return_inverse=True)
    gone = np.zeros((at.size, g))
    died = np.zeros((at.size, g))
    np.add.at(gone, (place, code), 1.0)
    np.add.at(died, (place[events], code[events]), 1.0)
    at_risk = gone[::-1].cumsum(axis=0)[::-1]
    total, deaths = at_risk.sum(axis=1), died.sum(axis=1)
    weight = np.ones(at.size)
    if rho != 0:
        survival = np.cumprod(1 - deaths / total)
        weight = np.concatenate(([1.0], survival[:-1])) ** rho
    share = at_risk / total[:, None]
    spread = np.divide(total - deaths, total - 1, out=np.zeros(at.size), where=total > 1)
    factor = weight**2 * deaths * spread
    covariance = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    return weight @ died, (weight * deaths) @ share, covariance


def _chi_squared(
    observed: FloatArray, expected: FloatArray, covariance: FloatArray
) -> tuple[float, int]:
    """The statistic over the groups that were ever at risk when there was an event."""
    counts = np.flatnonzero((expected > 0) & (np.diag(covariance) > 1e-12))
    if counts.size < 2:
        return float("nan"), 0
    used = counts[1:]
    difference = (observed - expected)[used]
    solved = np.linalg.lstsq(covariance[np.ix_(used, used)], difference, rcond=None)[0]
    return float(difference @ solved), int(used.size)


def _chi_squared_tail(statistic: float, df: int) -> float:
    if not np.isfinite(statistic):
        return float("nan")
    from scipy.special import chdtrc

    return float(chdtrc(df, statistic))
