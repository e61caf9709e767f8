"""p-values corrected for how many tests were made."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from udfs.comparisons.arrays import FloatArray

Correction = Literal["bonferroni", "holm", "bh", "none"]


def adjusted(p_values: ArrayLike, correction: Correction = "bonferroni") -> FloatArray:
    """Adjusted p-values, as R's ``p.adjust``. Missing ones (NaN) stay so and are not counted.

    ``bonferroni``: p m. ``holm``: the largest of p (m - i + 1) up to the place i in ascending
    order. ``bh`` (Benjamini and Hochberg): the smallest of p m / i from there on. At most 1.

    Hand-worked: 0.01, 0.04, 0.03 become 0.03, 0.12, 0.09 by Bonferroni; 0.03, 0.06, 0.06 by Holm;
    0.03, 0.04, 0.04 by Benjamini and Hochberg.

    Args:
        p_values: (m,)
        correction: which.

    Raises:
        ValueError: an unknown correction, or a p-value not between 0 and 1.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if correction not in get_args(Correction):
        raise ValueError(f"correction {correction!r} is none of {', '.join(get_args(Correction))}")
    known = ~np.isnan(p)
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise ValueError("a p-value lies between 0 and 1")
    out = p.copy()
    m = int(known.sum())
    order = np.argsort(p[known], kind="stable")
    place = np.arange(1, m + 1)
    ordered = p[known][order]
    if correction == "bonferroni":
        ordered = ordered * m
    elif correction == "holm":
        ordered = np.maximum.accumulate(ordered * (m - place + 1))
    elif correction == "bh":
        # m / i first, as R does: p m / m may round to less than p.
        ordered = np.minimum.accumulate((m / place * ordered)[::-1])[::-1]
    back = np.empty(m)
    back[order] = np.minimum(ordered, 1.0)
    out[known] = back
    return out
