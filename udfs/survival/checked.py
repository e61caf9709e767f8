"""Times and events, checked once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def checked_times(time: ArrayLike, event: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Times and events as arrays.

    Raises:
        ValueError: not alike in length, a time missing, infinite or below 0, an event that is
            neither 0 nor 1; names the row.
    """
    times = np.asarray(time, dtype=np.float64)
    flags = np.asarray(event, dtype=np.float64)
    if times.ndim != 1 or times.shape != flags.shape:
        raise ValueError(f"time and event must be flat and alike: {times.shape}, {flags.shape}")
    bad = ~np.isfinite(times) | (times < 0)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(f"row {row}: time {times[row]}; a time must be 0 or more")
    odd = (flags != 0) & (flags != 1)
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise ValueError(f"row {row}: event {flags[row]}; it must be 0 (censored) or 1")
    return times, flags == 1


def codes_of(name: str, labels: ArrayLike, n_rows: int) -> tuple[NDArray[np.generic], IntArray]:
    """The distinct labels, ascending, and each row's place among them.

    Raises:
        ValueError: another number of rows.
    """
    values = np.asarray(labels)
    if values.shape != (n_rows,):
        raise ValueError(f"{name} has shape {values.shape}, wanted ({n_rows},)")
    names, codes = np.unique(values, return_inverse=True)
    return names, codes.astype(np.int64)
