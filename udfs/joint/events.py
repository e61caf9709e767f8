"""Times of the event of each patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.joint.arrays import BoolArray, FloatArray, IntArray
from udfs.joint.errors import JointDataError


@dataclass(frozen=True)
class Events:
    """P patients at risk from ``entry`` to ``time``."""

    time: FloatArray
    """(P,) days from the first dose."""
    is_event: BoolArray
    """(P,) False where censored."""
    entry: FloatArray
    """(P,) days; 0 without delayed entry."""
    covariates: FloatArray
    """(P, C)"""
    covariate_names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        time: ArrayLike,
        is_event: ArrayLike,
        *,
        entry: ArrayLike | None = None,
        covariates: Mapping[str, ArrayLike] | None = None,
    ) -> Events:
        """Checked.

        Args:
            time: (P,) days, above ``entry``.
            is_event: (P,)
            entry: (P,) days, 0 or later; by default 0.
            covariates: (P,) numbers by name, as they are (nothing is centred).

        Raises:
            JointDataError: lengths differ, a time is not after the entry, a covariate is unknown
                for a patient or the same for all.
        """
        days, event = np.asarray(time, dtype=np.float64), np.asarray(is_event).astype(bool)
        begin = np.zeros_like(days) if entry is None else np.asarray(entry, dtype=np.float64)
        if not len(days) == len(event) == len(begin):
            raise JointDataError(
                f"there are {len(days)} times, {len(event)} events and {len(begin)} entries"
            )
        bad = ~(np.isfinite(days) & np.isfinite(begin) & (begin >= 0) & (days > begin))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise JointDataError(
                f"patient {row + 1} is at risk from day {begin[row]:g} to day {days[row]:g}: the "
                "entry must be 0 or later and the end after it; leave such patients out"
            )
        columns = []
        for name, values in (covariates or {}).items():
            column = np.asarray(values, dtype=np.float64)
            if column.shape != days.shape:
                raise JointDataError(
                    f"covariate {name!r} has {column.size} values, not {len(days)}"
                )
            if not np.isfinite(column).all():
                row = int(np.flatnonzero(~np.isfinite(column))[0])
                raise JointDataError(f"covariate {name!r} is missing for patient {row + 1}")
            if np.all(column == column[0]):
                raise JointDataError(f"covariate {name!r} is {column[0]:g} for every patient")
            columns.append(column)
        x = np.stack(columns, axis=1) if columns else np.zeros((len(days), 0))
        return cls(days, event, begin, x, tuple(covariates or {}))

    @property
    def n(self) -> int:
        """P."""
        return len(self.time)

    @property
    def n_events(self) -> int:
        """How many are not censored."""
        return int(self.is_event.sum())

    def some(self, patients: slice | IntArray) -> Events:
        """Of some patients."""
        return Events(
            self.time[patients],
            self.is_event[patients],
            self.entry[patients],
            self.covariates[patients],
            self.covariate_names,
        )

    def only(self, columns: IntArray) -> Events:
        """With some of the covariates, by their places."""
        names = tuple(self.covariate_names[k] for k in columns.tolist())
        return Events(self.time, self.is_event, self.entry, self.covariates[:, columns], names)

    def cut_at(self, last_day: FloatArray) -> Events:
        """Censored on (P,) days, where these come first; entries must lie before them."""
        time = np.minimum(self.time, last_day)
        is_event = self.is_event & (self.time <= last_day)
        return Events(time, is_event, self.entry, self.covariates, self.covariate_names)
