"""Types, and the one sum that patients are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def log_sum_by(values: FloatArray, owner: IntArray, n_owners: int) -> FloatArray:
    """(n_owners, ...) logs of the sums of exp(values) over rows of one owner; -inf without rows.

    Args:
        values: (n, ...) logs.
        owner: (n,) ascending.
    """
    out = np.full((n_owners, *values.shape[1:]), -np.inf)
    if len(owner) == 0:
        return out
    present, first, place = _runs(owner)
    top = np.maximum.reduceat(values, first, axis=0)
    total = np.add.reduceat(np.exp(values - top[place]), first, axis=0)
    out[present] = top + np.log(total)
    return out


def mean_by(values: FloatArray, owner: IntArray, n_owners: int) -> FloatArray:
    """(n_owners, ...) means over rows of one owner; NaN without rows. ``owner`` ascending."""
    out = np.full((n_owners, *values.shape[1:]), np.nan)
    if len(owner) == 0:
        return out
    present, first, _ = _runs(owner)
    counts = np.diff(np.append(first, len(owner))).reshape(-1, *[1] * (values.ndim - 1))
    out[present] = np.add.reduceat(values, first, axis=0) / counts
    return out


def _runs(owner: IntArray) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Owners, where the rows of each begin, and each row's place among the owners."""
    present, first, place = np.unique(owner, return_index=True, return_inverse=True)
    return present, first, place
