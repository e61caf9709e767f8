"""Answers from draws: one test per draw of all lesions, then one answer (Rubin's rules).

A conditional distribution's draws carry how little is known of each lesion; conditional modes do
not, and their shrinkage passes for agreement between lesions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc, stdtr, stdtrit

from udfs.growth.parameters import FloatArray


@dataclass(frozen=True)
class Pooled:
    """A pooled estimate."""

    estimate: float
    standard_error: float
    lower: float
    upper: float
    p_value: float
    """Two-sided, against 0."""


def pool_estimates(estimates: FloatArray, variances: FloatArray, level: float = 0.95) -> Pooled:
    """Rubin's rules for (d,) estimates with (d,) variances.

    Total variance = mean of the variances + (1 + 1/d) variance of the estimates; Student's t with
    (d - 1) (1 + within / ((1 + 1/d) between))^2 degrees of freedom.
    """
    d = len(estimates)
    middle = float(np.mean(estimates))
    within = float(np.mean(variances))
    between = (1.0 + 1.0 / d) * float(np.var(estimates, ddof=1)) if d > 1 else 0.0
    total = within + between
    if total <= 0:
        return Pooled(middle, 0.0, middle, middle, 1.0 if middle == 0 else 0.0)
    df = (d - 1) * (1.0 + within / between) ** 2 if between > 0 else np.inf
    df = min(df, 1e9)
    error = float(np.sqrt(total))
    reach = float(stdtrit(df, 0.5 + 0.5 * level)) * error
    p_value = 2.0 * float(stdtr(df, -abs(middle) / error))
    return Pooled(middle, error, middle - reach, middle + reach, p_value)


def pool_chi2(statistics: FloatArray, df: int) -> tuple[float, float]:
    """F statistic and p-value of (d,) chi-square statistics (Li, Meng, Raghunathan & Rubin 1991).

    D = (mean / k - (d + 1) / (d - 1) r) / (1 + r), r = (1 + 1/d) var(sqrt(statistics)).
    """
    d = len(statistics)
    spread = float(np.var(np.sqrt(np.maximum(statistics, 0.0)), ddof=1)) if d > 1 else 0.0
    r = (1.0 + 1.0 / d) * spread
    if r <= 0:
        value = float(np.mean(statistics)) / df
        return value, float(fdtrc(df, 1e9, max(value, 0.0)))
    value = (float(np.mean(statistics)) / df - (d + 1) / (d - 1) * r) / (1.0 + r)
    freedom = df ** (-3.0 / d) * (d - 1) * (1.0 + 1.0 / r) ** 2
    return value, float(fdtrc(df, freedom, max(value, 0.0)))
