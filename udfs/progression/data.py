"""Sequences of first progressions of n patients, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NONE = -1
"""No organ at this place: the patient's sequence is shorter."""


@dataclass(frozen=True)
class Sequences:
    """What progressed in which order and when."""

    patient: NDArray[np.str_]
    """(n,) ids, ascending."""
    organ: NDArray[np.str_]
    """(g,) names, ascending."""
    order: IntArray
    """(n, p) position of the organ in ``organ`` that progressed 1st, 2nd ...; -1 where none."""
    days: FloatArray
    """(n, g) day of each organ's first progression; infinite where it was not seen to."""

    @property
    def n_organs(self) -> IntArray:
        """(n,) organs that progressed."""
        return np.asarray((self.order != NONE).sum(axis=1), dtype=np.int64)

    def take(self, rows: IntArray | BoolArray) -> Sequences:
        """Some of the patients."""
        return Sequences(self.patient[rows], self.organ, self.order[rows], self.days[rows])

    def until(self, day: float) -> Sequences:
        """The same patients with what had progressed up to and with the day."""
        happened = self.days <= day
        place = np.where(self.order == NONE, 0, self.order)
        known = np.take_along_axis(happened, place, axis=1) & (self.order != NONE)
        order = np.where(known, self.order, NONE)
        return Sequences(self.patient, self.organ, order, np.where(happened, self.days, np.inf))

    def since_first(self) -> Sequences:
        """The same with days counted from each patient's first progression."""
        if self.days.shape[1] == 0:
            return self
        first = self.days.min(axis=1, keepdims=True)
        lag = np.where(
            np.isfinite(self.days), self.days - np.where(first < np.inf, first, 0), np.inf
        )
        return Sequences(self.patient, self.organ, self.order, lag)

    def text(self) -> list[str]:
        """(n,) each sequence in words: ``liver > lung``; empty where nothing progressed."""
        return [" > ".join(self.organ[row[row != NONE]].tolist()) for row in self.order]


def sequences_of(
    patient: ArrayLike, position: ArrayLike, organ: ArrayLike, days: ArrayLike
) -> Sequences:
    """Sequences from rows in any order, one per patient and place.

    Args:
        patient: (m,) ids.
        position: (m,) 1 for the organ that progressed first, 2 ... without a gap.
        organ: (m,) names.
        days: (m,) days of the progressions, not decreasing with the place.

    Raises:
        ValueError: a patient's places are not 1, 2, ..., an organ stands twice in one sequence, or
            days go back.
    """
    ids, row = np.unique(np.asarray(patient, dtype=np.str_), return_inverse=True)
    names, code = np.unique(np.asarray(organ, dtype=np.str_), return_inverse=True)
    place = np.asarray(position, dtype=np.int64)
    day = np.asarray(days, dtype=np.float64)
    longest = int(place.max(initial=0))
    order = np.full((ids.size, longest), NONE, dtype=np.int64)
    at = np.full((ids.size, names.size), np.inf)
    if place.size:
        if place.min() < 1 or not np.isfinite(day).all():
            raise ValueError("places begin with 1, and every progression has a day")
        order[row, place - 1] = code
        at[row, code] = day
    length = (order != NONE).sum(axis=1)
    if not (
        np.array_equal(length, np.bincount(row, minlength=ids.size))
        and np.array_equal(length, ((order != NONE).cumprod(axis=1)).sum(axis=1))
        and np.array_equal(length, np.isfinite(at).sum(axis=1))
    ):
        raise ValueError("a sequence has places 1, 2, ... and each organ once")
    padded = np.where(order == NONE, np.inf, np.take_along_axis(at, np.maximum(order, 0), axis=1))
    if longest > 1 and (padded[:, 1:] < padded[:, :-1]).any():
        raise ValueError("days of a sequence do not go back")
    return Sequences(ids, names, order, at)
