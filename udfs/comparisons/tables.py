"""Tables of counts: do two ways of grouping go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

SMALL = 5.0
"""An expected count below this makes the chi-squared distribution a poor one (Cochran 1954)."""


@dataclass(frozen=True)
class TableTest:
    """Test of independence. NaN where fewer than two rows or columns hold anyone."""

    statistic: float
    """Chi-squared, without Yates' correction."""
    df: int
    p_value: float
    method: Literal["chi-squared", "permutation"]
    cramers_v: float
    """0 to 1: the root of chi-squared over n (smaller side - 1)."""
    n: int


def table_test(counts: ArrayLike, *, seed: int, permutations: int = 2000) -> TableTest:
    """Chi-squared test of a table of counts; empty rows and columns do not count.

    Where a count below 5 is expected the p-value is (1 + tables as far from independence) over (1 +
    ``permutations``) among random tables with the same margins (R: ``simulate.p.value``).

    Hand-worked: 10, 20 | 20, 10: expected 15 each, chi-squared 4 * 25 / 15 = 20 / 3.

    Args:
        counts: (r, c) not negative.
        seed: of the random tables.
        permutations: as many.

    Raises:
        ValueError: a count is negative.
    """
    table = np.asarray(counts, dtype=np.int64)
    if (table < 0).any():
        raise ValueError("a count is negative")
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    n = int(table.sum())
    if min(table.shape, default=0) < 2:
        return TableTest(np.nan, 0, np.nan, "chi-squared", np.nan, n)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(rows, columns) / n
    statistic = _chi_squared(table, expected)
    df = (rows.size - 1) * (columns.size - 1)
    strength = float(np.sqrt(statistic / (n * (min(table.shape) - 1))))
    if expected.min() >= SMALL:
        from scipy.special import chdtrc

        p = float(chdtrc(df, statistic))
        return TableTest(statistic, df, p, "chi-squared", strength, n)
    from scipy.stats import random_table

    drawn = random_table(rows, columns).rvs(permutations, random_state=np.random.default_rng(seed))
    far = ((drawn - expected) ** 2 / expected).sum(axis=(1, 2)) >= statistic * (1 - 1e-9)
    p = float((1 + far.sum()) / (1 + permutations))
    return TableTest(statistic, df, p, "permutation", strength, n)


def _chi_squared(table: NDArray[np.int64], expected: NDArray[np.float64]) -> float:
    return float(((table - expected) ** 2 / expected).sum())
