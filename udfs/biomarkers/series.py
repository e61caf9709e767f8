"""Series of several patients as one padded block of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """n series of up to m results; places past the end of a series have ``is_there`` False."""

    y: FloatArray
    """(n, m) logarithm of the result, that of the limit where below it; 0 past the end."""
    day: FloatArray
    """(n, m) 0 past the end."""
    is_below: BoolArray
    is_there: BoolArray

    @property
    def is_seen(self) -> BoolArray:
        """(n, m) results that have a number."""
        return np.asarray(self.is_there & ~self.is_below)

    def take(self, rows: BoolArray) -> Block:
        """The chosen series."""
        return Block(self.y[rows], self.day[rows], self.is_below[rows], self.is_there[rows])

    @classmethod
    def of(cls, y: ArrayLike, day: ArrayLike, is_below: ArrayLike, offsets: ArrayLike) -> Block:
        """Checked and padded.

        Args:
            y: (k,) logarithms, series by series.
            day: (k,)
            is_below: (k,) the result is below exp(y).
            offsets: (n + 1,) where each series begins, and k.

        Raises:
            ValueError: lengths differ, offsets do not cover them, or a value is not finite.
        """
        values, days = np.asarray(y, dtype=np.float64), np.asarray(day, dtype=np.float64)
        below = np.asarray(is_below, dtype=bool)
        edges = np.asarray(offsets, dtype=np.int64)
        if not values.shape == days.shape == below.shape or values.ndim != 1:
            raise ValueError(f"{values.size} results, {days.size} days, {below.size} flags")
        if edges.ndim != 1 or edges.size == 0 or edges[0] != 0 or edges[-1] != values.size:
            raise ValueError(f"offsets must go from 0 to {values.size}")
        if not (np.isfinite(values).all() and np.isfinite(days).all()):
            raise ValueError("a result or a day is not finite: leave it out")
        length = np.diff(edges)
        if (length < 0).any():
            raise ValueError("offsets must not fall")
        there = np.arange(int(length.max(initial=0))) < length[:, None]

        def padded(column: NDArray[np.generic]) -> NDArray[np.generic]:
            out = np.zeros(there.shape, dtype=column.dtype)
            out[there] = column
            return out

        return cls(padded(values), padded(days), padded(below), there)  # type: ignore[arg-type]
