"""Organs that are affected together more, or less, often than apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

HALF = 0.5
"""Haldane's addition to each count of the odds ratio, so that empty cells have one."""


@dataclass(frozen=True)
class Pair:
    """Two organs, by their positions, in n patients."""

    first: int
    second: int
    n_both: int
    n_first_only: int
    n_second_only: int
    n_neither: int
    lift: float
    """n_both n / (n_first n_second): 1 where independent; NaN where an organ is never affected."""
    log_odds_ratio: float
    """Haldane's, 0.5 added to each count."""
    standard_error: float
    lower: float
    upper: float
    """Limits of the log odds ratio that hold for all pairs together (Bonferroni)."""
    p_value: float
    """Fisher's exact test, two-sided."""
    p_adjusted: float
    """Benjamini and Hochberg's over the pairs."""


def pairs(presence: ArrayLike, *, confidence: float = 0.95) -> list[Pair]:
    """Every pair of organs of patients who were all looked at for all of them.

    Limits are log OR -+ z SE with z at confidence 1 - (1 - confidence) / m, m the pairs, so that
    all hold together with at least that confidence. A lift knows no time: it does not say which of
    two organs came first.

    Hand-worked: both in 10, one only in 7 and 10, neither in 13 of 40: lift 10 x 40 / (17 x 20) =
    1.176; log odds ratio log(10.5 x 13.5 / (7.5 x 10.5)) = 0.588.

    Args:
        presence: (n, g) whether each organ is affected.
        confidence: of all limits together.

    Raises:
        ValueError: presence is not two-dimensional.
    """
    from scipy.special import ndtri
    from scipy.stats import fisher_exact

    from udfs.comparisons.adjust import adjusted

    has = np.asarray(presence, dtype=bool)
    if has.ndim != 2:
        raise ValueError(f"presence has shape {has.shape}, wanted (patients, organs)")
    n, g = has.shape
    places = [(i, j) for i in range(g) for j in range(i + 1, g)]
    if not places:
        return []
    z = float(ndtri(1 - (1 - confidence) / 2 / len(places)))
    counts = [_counts(has[:, i], has[:, j]) for i, j in places]
    p = np.array([fisher_exact([[a, b], [c, d]])[1] if n else 1.0 for a, b, c, d in counts])
    p_adjusted = adjusted(np.minimum(p, 1.0), "bh")
    out = []
    for (i, j), (a, b, c, d), one, many in zip(places, counts, p, p_adjusted, strict=True):
        expected = (a + b) * (a + c)
        log_or = float(np.log((a + HALF) * (d + HALF) / ((b + HALF) * (c + HALF))))
        error = float(np.sqrt(sum(1 / (x + HALF) for x in (a, b, c, d))))
        out.append(
            Pair(
                i,
                j,
                a,
                b,
                c,
                d,
                a * n / expected if expected else float("nan"),
                log_or,
                error,
                log_or - z * error,
                log_or + z * error,
                float(min(one, 1.0)),
                float(many),
            )
        )
    return out


def _counts(x: NDArray[np.bool_], y: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    return int((x & y).sum()), int((x & ~y).sum()), int((~x & y).sum()), int((~x & ~y).sum())
