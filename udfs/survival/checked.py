"""Times and events, checked once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

TIE_TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))
"""Times no further apart, absolutely or beside the mean time, are one: R's survival takes the same
(``timefix``), for 12.55 - 2.1 and 11.45 - 1.0 months are equal and their doubles are not."""


def checked_times(time: ArrayLike, event: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Times and events as arrays; times that differ by rounding alone become one.

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
    return tied(times), flags == 1


def tied(times: FloatArray) -> FloatArray:
    """Times, those within TIE_TOLERANCE of the next smaller one with its value."""
    distinct, place = np.unique(times, return_inverse=True)
    gap = np.diff(distinct)
    if not gap.size:
        return times
    is_new = (gap > TIE_TOLERANCE) & (gap > TIE_TOLERANCE * np.mean(distinct))
    if is_new.all():
        return times
    first = np.concatenate(([True], is_new))
    value: FloatArray = distinct[first][np.cumsum(first) - 1][place]
    return value


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
