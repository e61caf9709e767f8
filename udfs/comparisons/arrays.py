"""Arrays of numbers, checked once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
TIE_DECIMALS = 12
"""Values are rounded to so many decimals before they are ranked or cut: equal ones that were added
up in another order differ by some 1e-16 and would be no tie. Ratios and distances that are not
equal differ by more than 1e-7, sizes being whole tenths of a millimetre below 200."""


def numbers(name: str, values: ArrayLike, n: int | None = None) -> FloatArray:
    """A flat array without missing values.

    Raises:
        ValueError: not flat, not of length n, or a value missing or infinite; names the array.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (n is not None and array.size != n):
        raise ValueError(f"{name} has shape {array.shape}, wanted ({'n' if n is None else n},)")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"{name}: row {row} is {array[row]}; leave missing values out")
    return array


def tie_sum(ordered: FloatArray) -> float:
    """Sum of t^3 - t over the runs of equal values in a sorted array."""
    edges = np.flatnonzero(np.concatenate(([True], np.diff(ordered) != 0, [True])))
    t = np.diff(edges).astype(np.float64)
    return float((t**3 - t).sum())
