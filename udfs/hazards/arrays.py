"""Types and small array helpers of the package."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

Pair = tuple[FloatArray, FloatArray]
"""One part for the p coefficients, one for the K random effects (or the jumps)."""


def sum_by(place: IntArray, x: FloatArray, size: int) -> FloatArray:
    """(size,) sums of x over the elements at each place."""
    return np.asarray(np.bincount(place, x, size), dtype=float)


def unit(size: int, k: int) -> FloatArray:
    """(size,) 1 at k, 0 elsewhere."""
    vector = np.zeros(size)
    vector[k] = 1.0
    return vector


def dot(x: Pair, y: Pair) -> float:
    """Inner product of two pairs."""
    return float(x[0] @ y[0]) + float(x[1] @ y[1])
