"""Measurements of lesions, checked once and put into a fixed order.

The order of the input rows has no influence: lesions are sorted by id, rows by day. What cannot be
used is set aside with its reason, lesion by lesion; what looks odd but can be used is noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.growth.check_data import GrowthDataError, SetAside, checked_columns
from udfs.growth.parameters import BoolArray, FloatArray, IntArray, one_of

Contradiction = Literal["keep", "set_aside"]
Duplicates = Literal["set_aside", "keep"]


@dataclass(frozen=True)
class GrowthData:
    """Measurements of n lesions, m rows in all, sorted by lesion id and day."""

    lesion: NDArray[np.generic]
    """(n,) ids."""
    offsets: IntArray
    """(n + 1,) lesion i is the rows ``offsets[i]:offsets[i + 1]``."""
    time: FloatArray
    """(m,) days since the first dose."""
    volume: FloatArray
    """(m,) mm3; of a censored row the bound that Monolix calls DV."""
    lower: FloatArray
    """(m,) mm3, lower bound of a censored row (-inf without one); the volume itself otherwise."""
    upper: FloatArray
    """(m,) mm3, upper bound of a censored row (inf without one); the volume itself otherwise."""
    is_censored: BoolArray
    """(m,)"""
    is_own_baseline: BoolArray
    """(m,) the row is its lesion's V0 on day T0: its residual is 0 by construction."""
    v0: FloatArray
    """(n,) baseline volume, mm3."""
    t0: FloatArray
    """(n,) day of the baseline."""
    source_row: IntArray
    """(m,) position of the row in the arrays given to ``from_arrays``."""
    patient: NDArray[np.generic] | None
    """(n,) ids of patients, for a second level."""
    covariates: dict[str, NDArray[np.generic]]
    """name -> (n,) one value per lesion, text or numbers."""
    has_contradictory_baseline: BoolArray
    """(n,) V0 is not the volume measured on day T0."""
    set_aside: SetAside
    notes: tuple[str, ...]
    """Sentences about what looks odd."""

    @property
    def n_lesions(self) -> int:
        """Number of lesions that can be fitted."""
        return len(self.lesion)

    @property
    def n_rows(self) -> int:
        """Number of their measurements."""
        return len(self.time)

    @property
    def row_lesion(self) -> IntArray:
        """(m,) position of each row's lesion."""
        return np.repeat(np.arange(self.n_lesions), np.diff(self.offsets))

    @staticmethod
    def from_arrays(
        lesion: ArrayLike,
        time: ArrayLike | None,
        volume: ArrayLike | None,
        v0: ArrayLike | None = None,
        t0: ArrayLike | None = None,
        censoring: ArrayLike | None = None,
        limit: ArrayLike | None = None,
        *,
        patient: ArrayLike | None = None,
        covariates: Mapping[str, ArrayLike] | None = None,
        contradictory_baseline: Contradiction = "keep",
        duplicated_days: Duplicates = "set_aside",
        fewest_observations: int = 2,
    ) -> GrowthData:
        """Check measurements, one row each, in any order.

        All arrays have m entries. The columns are Monolix's: ``lesion`` ID, ``time`` TIME,
        ``volume`` DV, ``v0`` and ``t0`` the regressors, ``censoring`` CENSORING, ``limit`` LIMIT.

        Args:
            lesion: ids, text or integers.
            time: days since the first dose; NaN drops the row.
            volume: mm3; NaN drops the row. For a censored row the limit of quantification.
            v0: baseline volume in mm3, the same in all rows of a lesion. Without it the volume of
                the lesion's first row, or of the row on day ``t0`` where that is given.
            t0: day of the baseline. Without it the day of the lesion's first row.
            censoring: 0 measured, 1 left-censored (the true volume is below ``volume``), -1
                right-censored (above it). Without it all rows are measured.
            limit: other bound of a censored row, mm3; NaN where there is none. A left-censored row
                then lies in [limit, volume], a right-censored one in [volume, limit].
            patient: id of the lesion's patient, in every row.
            covariates: name -> value of the lesion, the same in all its rows.
            contradictory_baseline: what becomes of a lesion whose V0 is not its volume on day T0.
                ``keep`` only notes it.
            duplicated_days: what becomes of a lesion with two different volumes on one day. Equal
                rows are always collapsed into one, unless this is ``keep``.
            fewest_observations: lesions with fewer rows are set aside.

        Raises:
            GrowthDataError: arrays of different lengths, a missing id, an unknown censoring code,
                or no lesion left; the message gives the reasons.
            ValueError: an option is none of the possible words.
        """
        one_of("contradictory_baseline", contradictory_baseline, get_args(Contradiction))
        one_of("duplicated_days", duplicated_days, get_args(Duplicates))
        columns = checked_columns(
            lesion=lesion,
            time=time,
            volume=volume,
            v0=v0,
            t0=t0,
            censoring=censoring,
            limit=limit,
            patient=patient,
            covariates=covariates,
            keep_contradictory=contradictory_baseline == "keep",
            keep_duplicates=duplicated_days == "keep",
            fewest_observations=fewest_observations,
        )
        return GrowthData(**columns)

    @staticmethod
    def from_frame(
        frame: Any,
        *,
        lesion: str = "lesion_id",
        time: str = "time",
        volume: str = "volume",
        v0: str = "v0",
        t0: str = "t0",
        censoring: str = "censoring",
        limit: str = "limit",
        patient: str = "patient_id",
        covariates: Sequence[str] = (),
        **options: Any,
    ) -> GrowthData:
        """The same from a data frame, or any mapping of column names to columns.

        Args:
            frame: with at least the columns of ``lesion``, ``time`` and ``volume``.
            lesion, time, volume, v0, t0, censoring, limit, patient: names of the columns; those
                after ``volume`` are optional.
            covariates: names of further columns, one value per lesion.
            options: of ``from_arrays``.

        Raises:
            GrowthDataError: as ``from_arrays``, and for a missing column or one that is no number.
        """
        for name in (lesion, time, volume, *covariates):
            if name not in frame:
                known = ", ".join(str(one) for one in frame)
                raise GrowthDataError(f"there is no column {name!r}; the columns are {known}")

        def numbers(name: str) -> FloatArray | None:
            if name not in frame:
                return None
            column = frame[name]
            try:
                if hasattr(column, "to_numpy"):
                    return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
                return np.asarray(column, dtype=np.float64)
            except (TypeError, ValueError) as error:
                raise GrowthDataError(f"column {name!r} is not numeric: {error}") from error

        return GrowthData.from_arrays(
            np.asarray(frame[lesion]),
            numbers(time),
            numbers(volume),
            numbers(v0),
            numbers(t0),
            numbers(censoring),
            numbers(limit),
            patient=np.asarray(frame[patient]) if patient in frame else None,
            covariates={name: np.asarray(frame[name]) for name in covariates},
            **options,
        )

    def take(self, lesions: ArrayLike) -> GrowthData:
        """The data of some lesions (positions or a mask), in the same order."""
        places = np.asarray(lesions)
        if places.dtype == bool:
            places = np.flatnonzero(places)
        places = np.sort(places)
        counts = np.diff(self.offsets)[places]
        starts = self.offsets[places]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        rows = np.repeat(starts - offsets[:-1], counts) + np.arange(offsets[-1])
        return replace(
            self,
            lesion=self.lesion[places],
            offsets=offsets,
            time=self.time[rows],
            volume=self.volume[rows],
            lower=self.lower[rows],
            upper=self.upper[rows],
            is_censored=self.is_censored[rows],
            is_own_baseline=self.is_own_baseline[rows],
            v0=self.v0[places],
            t0=self.t0[places],
            source_row=self.source_row[rows],
            patient=None if self.patient is None else self.patient[places],
            covariates={name: values[places] for name, values in self.covariates.items()},
            has_contradictory_baseline=self.has_contradictory_baseline[places],
        )
