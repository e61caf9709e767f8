"""The checks behind ``GrowthData.from_arrays``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.growth.parameters import BoolArray, FloatArray, IntArray

SAME_VOLUME = 1e-6
"""Relative difference below which two volumes are the same (files carry 7 to 10 digits)."""
SHORTEST_INTERVAL_DAYS = 13.0
"""Scans are weeks apart: a shorter median interval means that times are not in days. Every twelve
weeks is 12 in weeks."""
LONGEST_INTERVAL_DAYS = 730.0
"""Every six weeks is 1008 in hours."""

REASONS = {
    "no_day": "no measurement has a day",
    "no_volume": "no measurement has a volume",
    "negative_volume": "a volume is negative",
    "impossible_censoring": "a censored measurement's bounds are not in order",
    "duplicated_day": "two different volumes on one day",
    "one_observation": "measured once only",
    "all_censored": "every measurement is censored",
    "no_baseline": "no positive baseline volume, or no day for it",
    "varying_baseline": "the baseline differs between rows of the lesion",
    "contradictory_baseline": "the baseline volume is not the volume measured on the baseline day",
}
"""Why a lesion is set aside."""
NO_ID = ("None", "nan", "NaT", "<NA>")
"""Text of what is no id in a column of objects."""


class GrowthDataError(ValueError):
    """The measurements as a whole cannot be fitted; the message says why and what to do."""


@dataclass(frozen=True)
class SetAside:
    """Lesions that are not fitted."""

    lesion: NDArray[np.generic]
    """(k,) ids, ascending."""
    reason_id: NDArray[np.str_]
    """(k,) key of ``REASONS``."""
    detail: NDArray[np.str_]
    """(k,) the reason in words, with the values found."""


@dataclass
class _Rows:
    """Rows sorted by lesion and day, while they are being checked."""

    ids: NDArray[Any]
    lesion: IntArray
    time: FloatArray
    volume: FloatArray
    censoring: IntArray
    limit: FloatArray
    v0: FloatArray
    t0: FloatArray
    source: IntArray
    reasons: dict[int, tuple[str, str]]
    n_incomplete: int = 0
    n_repeated: int = 0

    def set_aside(self, lesions: NDArray[Any], reason: str, detail: str = "") -> None:
        """Note a reason for lesions that have none yet."""
        text = f"{REASONS[reason]}{detail}"
        for one in np.unique(lesions):
            self.reasons.setdefault(int(one), (reason, text))

    def keep(self, rows: BoolArray | IntArray) -> None:
        """Only these rows, in this order."""
        for name in ("lesion", "time", "volume", "censoring", "limit", "v0", "t0", "source"):
            setattr(self, name, getattr(self, name)[rows])

    @property
    def in_use(self) -> BoolArray:
        """(m,) rows of lesions without a reason against them."""
        is_out = np.zeros(len(self.ids), dtype=bool)
        is_out[list(self.reasons)] = True
        return ~is_out[self.lesion]


def checked_columns(
    *,
    lesion: ArrayLike,
    time: ArrayLike | None,
    volume: ArrayLike | None,
    v0: ArrayLike | None,
    t0: ArrayLike | None,
    censoring: ArrayLike | None,
    limit: ArrayLike | None,
    patient: ArrayLike | None,
    covariates: Mapping[str, ArrayLike] | None,
    keep_contradictory: bool,
    keep_duplicates: bool,
    fewest_observations: int,
) -> dict[str, Any]:
    """The fields of ``GrowthData`` by name, from the arguments of its ``from_arrays``."""
    ids_given = _ids(lesion, "lesion")
    count = len(ids_given)
    if count == 0:
        raise GrowthDataError("there is no measurement to fit")
    given_v0 = _numbers(v0, count, "v0")
    given_t0 = _numbers(t0, count, "t0")
    ids, position = np.unique(ids_given, return_inverse=True)
    rows = _Rows(
        ids=ids,
        lesion=position.astype(np.int64),
        time=_numbers(time, count, "time"),
        volume=_numbers(volume, count, "volume"),
        censoring=_censoring(censoring, count),
        limit=_numbers(limit, count, "limit"),
        v0=given_v0,
        t0=given_t0,
        source=np.arange(count),
        reasons={},
    )
    _drop_missing(rows)
    order = np.lexsort((rows.limit, rows.censoring, rows.volume, rows.time, rows.lesion))
    rows.keep(order)
    _check_volumes(rows)
    _check_days(rows, keep_duplicates=keep_duplicates)
    _check_baselines(rows, has_v0=v0 is not None, has_t0=t0 is not None)
    _check_counts(rows, fewest_observations)
    contradictory = _contradictory(rows)
    if not keep_contradictory:
        rows.set_aside(contradictory, "contradictory_baseline")
    extra = {name: _per_lesion(name, values, position, len(ids)) for name, values in
             (covariates or {}).items()}  # fmt: skip
    patients = (
        None
        if patient is None
        else _per_lesion("patient", _ids(patient, "patient"), position, len(ids))
    )
    return _assemble(rows, contradictory, patients, extra)


def _ids(values: ArrayLike, name: str) -> NDArray[Any]:
    """Ids as an array that sorts: integers stay, anything else becomes text."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise GrowthDataError(f"{name} has {array.ndim} dimensions; wanted is one value per row")
    if array.dtype.kind in "iu":
        return array
    if array.dtype.kind == "f":
        if not np.all(array == np.floor(array)):
            raise GrowthDataError(f"{name} holds fractions or missing values; wanted are ids")
        return array.astype(np.int64)
    text = array.astype(str)
    is_missing = np.char.strip(text) == ""
    if array.dtype.kind == "O":
        is_suspect = np.flatnonzero(np.isin(text, NO_ID))
        is_missing[is_suspect] = [not isinstance(array[row], str) for row in is_suspect]
    if is_missing.any():
        row = int(np.flatnonzero(is_missing)[0])
        raise GrowthDataError(f"{name} is missing in row {row + 1}; wanted is an id in every row")
    return text


def _numbers(values: ArrayLike | None, count: int, name: str) -> FloatArray:
    """Float column of the right length; NaN where nothing is given."""
    if values is None:
        return np.full(count, np.nan)
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise GrowthDataError(f"{name} is not numeric: {error}") from error
    if array.shape != (count,):
        raise GrowthDataError(f"{name} has shape {array.shape}; there are {count} rows")
    array = array.copy()
    array[np.isinf(array)] = np.nan
    return array


def _censoring(values: ArrayLike | None, count: int) -> IntArray:
    if values is None:
        return np.zeros(count, dtype=np.int64)
    array = np.nan_to_num(_numbers(values, count, "censoring"), nan=0.0)
    unknown = ~np.isin(array, (-1.0, 0.0, 1.0))
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise GrowthDataError(
            f"censoring is {array[row]:g} in row {row + 1}; it must be 0 (measured), 1 "
            "(left-censored) or -1 (right-censored)"
        )
    return array.astype(np.int64)


def _drop_missing(rows: _Rows) -> None:
    """Rows without a day or a volume go; so do lesions that have no other."""
    for reason, name in (("no_day", "time"), ("no_volume", "volume")):
        is_known = np.isfinite(getattr(rows, name))
        rest = np.bincount(rows.lesion[is_known], minlength=len(rows.ids))
        had = np.bincount(rows.lesion, minlength=len(rows.ids))
        rows.set_aside(np.flatnonzero((rest == 0) & (had > 0)), reason)
        rows.n_incomplete += int(np.count_nonzero(~is_known))
        rows.keep(is_known)


def _check_volumes(rows: _Rows) -> None:
    rows.set_aside(rows.lesion[rows.volume < 0], "negative_volume")
    is_left = (rows.censoring == 1) & (rows.limit >= rows.volume)
    is_right = (rows.censoring == -1) & (rows.limit <= rows.volume)
    rows.set_aside(rows.lesion[is_left | is_right], "impossible_censoring")


def _check_days(rows: _Rows, *, keep_duplicates: bool) -> None:
    """Collapse equal rows; lesions with different ones on a day are set aside."""
    if keep_duplicates or len(rows.lesion) < 2:
        return
    same_day = (np.diff(rows.lesion) == 0) & (np.diff(rows.time) == 0)
    same_limit = (np.diff(rows.limit) == 0) | np.isnan(rows.limit[1:]) & np.isnan(rows.limit[:-1])
    same = same_day & (np.diff(rows.volume) == 0) & (np.diff(rows.censoring) == 0) & same_limit
    for at in np.flatnonzero(same_day & ~same):
        detail = f": {rows.volume[at]:g} and {rows.volume[at + 1]:g} mm3 on day {rows.time[at]:g}"
        rows.set_aside(rows.lesion[at : at + 1], "duplicated_day", detail)
    rows.n_repeated = int(np.count_nonzero(same))
    rows.keep(np.concatenate([[True], ~same]))


def _check_baselines(rows: _Rows, *, has_v0: bool, has_t0: bool) -> None:
    """Fill baselines from the first rows where none are given; set aside the impossible ones."""
    starts = _starts(rows.lesion)
    first = np.repeat(starts, np.diff(np.append(starts, len(rows.lesion))))
    if not has_t0:
        rows.t0 = rows.time[first]
    if not has_v0:
        of_baseline = _baseline_row(rows, first) if has_t0 else first
        is_known = (of_baseline >= 0) & (rows.censoring[of_baseline] == 0)
        rows.v0 = np.where(is_known, rows.volume[of_baseline], np.nan)
    for values in (rows.v0, rows.t0):
        with np.errstate(invalid="ignore"):
            differs = np.abs(values - values[first]) > SAME_VOLUME * np.abs(values[first])
        differs |= np.isnan(values) != np.isnan(values[first])
        rows.set_aside(rows.lesion[differs], "varying_baseline")
    with np.errstate(invalid="ignore"):
        is_usable = (rows.v0 > 0) & np.isfinite(rows.t0)
    rows.set_aside(rows.lesion[~is_usable], "no_baseline")


def _baseline_row(rows: _Rows, first: IntArray) -> IntArray:
    """(m,) the lesion's first row on day T0, -1 without one."""
    found = np.full(len(rows.ids), -1)
    at = np.flatnonzero(rows.time == rows.t0[first])
    found[rows.lesion[at[::-1]]] = at[::-1]
    return found[rows.lesion]


def _check_counts(rows: _Rows, fewest: int) -> None:
    total = np.bincount(rows.lesion, minlength=len(rows.ids))
    measured = np.bincount(rows.lesion[rows.censoring == 0], minlength=len(rows.ids))
    rows.set_aside(np.flatnonzero((total > 0) & (total < fewest)), "one_observation")
    rows.set_aside(np.flatnonzero((total > 0) & (measured == 0)), "all_censored")


def _contradictory(rows: _Rows) -> IntArray:
    """Lesions with a measurement on day T0 none of which there equals V0."""
    at_baseline = (rows.time == rows.t0) & (rows.censoring == 0)
    with np.errstate(invalid="ignore"):
        is_equal = np.abs(rows.volume - rows.v0) <= SAME_VOLUME * rows.v0
    n = len(rows.ids)
    measured = np.bincount(rows.lesion[at_baseline], minlength=n)
    equal = np.bincount(rows.lesion[at_baseline & is_equal], minlength=n)
    return np.flatnonzero((measured > 0) & (equal == 0))


def _starts(lesion: IntArray) -> IntArray:
    """First row of each lesion present."""
    if len(lesion) == 0:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([[0], np.flatnonzero(np.diff(lesion)) + 1])


def _per_lesion(name: str, values: ArrayLike, position: IntArray, n: int) -> NDArray[Any]:
    """One value per lesion out of one per row; they must agree within the lesion."""
    array = np.asarray(values)
    if array.shape != position.shape:
        raise GrowthDataError(f"{name} has shape {array.shape}; there are {len(position)} rows")
    if array.dtype.kind not in "iufb":
        array = array.astype(str)
    first = np.full(n, -1)
    first[position[::-1]] = np.arange(len(position))[::-1]
    taken = array[first]
    differs = array != taken[position]
    if array.dtype.kind == "f":
        differs &= ~(np.isnan(array) & np.isnan(taken[position]))
    if differs.any():
        row = int(np.flatnonzero(differs)[0])
        raise GrowthDataError(
            f"{name} is {array[row]} in row {row + 1} but {taken[position[row]]} in an earlier row "
            "of the same lesion; it must be one value per lesion"
        )
    return taken


def _assemble(
    rows: _Rows,
    contradictory: IntArray,
    patients: NDArray[Any] | None,
    covariates: dict[str, NDArray[Any]],
) -> dict[str, Any]:
    aside = _set_aside(rows)
    rows.keep(rows.in_use)
    if len(rows.lesion) == 0:
        raise GrowthDataError(
            "no lesion can be fitted: " + "; ".join(_reason_counts(aside)) + ". A fit needs at "
            "least two measurements per lesion, a positive baseline volume and volumes in mm3"
        )
    starts = _starts(rows.lesion)
    kept = rows.lesion[starts]
    is_censored = rows.censoring != 0
    low = np.where(rows.censoring == 1, np.nan_to_num(rows.limit, nan=-np.inf), rows.volume)
    high = np.where(rows.censoring == -1, np.nan_to_num(rows.limit, nan=np.inf), rows.volume)
    own = (rows.time == rows.t0) & (np.abs(rows.volume - rows.v0) <= SAME_VOLUME * rows.v0)
    is_contradictory = np.isin(kept, contradictory)
    return {
        "lesion": rows.ids[kept],
        "offsets": np.append(starts, len(rows.lesion)),
        "time": rows.time,
        "volume": rows.volume,
        "lower": low,
        "upper": high,
        "is_censored": is_censored,
        "is_own_baseline": own & ~is_censored,
        "v0": rows.v0[starts],
        "t0": rows.t0[starts],
        "source_row": rows.source,
        "patient": None if patients is None else patients[kept],
        "covariates": {name: values[kept] for name, values in covariates.items()},
        "has_contradictory_baseline": is_contradictory,
        "set_aside": aside,
        "notes": _notes(rows, is_contradictory, rows.ids[kept]),
    }


def _set_aside(rows: _Rows) -> SetAside:
    places = sorted(rows.reasons)
    return SetAside(
        lesion=rows.ids[places],
        reason_id=np.array([rows.reasons[k][0] for k in places], dtype=str),
        detail=np.array([rows.reasons[k][1] for k in places], dtype=str),
    )


def _reason_counts(aside: SetAside) -> list[str]:
    found, counts = np.unique(aside.reason_id, return_counts=True)
    return [
        f"{count} lesion{'s' if count > 1 else ''}: {REASONS[str(reason)]}"
        for reason, count in zip(found, counts, strict=True)
    ]


def _notes(rows: _Rows, contradictory: BoolArray, ids: NDArray[Any]) -> tuple[str, ...]:
    notes = []
    if rows.n_incomplete:
        notes.append(f"{rows.n_incomplete} row(s) without a day or a volume do not count")
    if rows.n_repeated:
        notes.append(f"{rows.n_repeated} row(s) that repeat another one count once")
    gaps = np.diff(rows.time)[np.diff(rows.lesion) == 0]
    middle = float(np.median(gaps)) if len(gaps) else np.nan
    if len(gaps) and not SHORTEST_INTERVAL_DAYS <= middle <= LONGEST_INTERVAL_DAYS:
        notes.append(
            f"the median interval between scans is {middle:g} days: is that so? Times must be in "
            "days since the first dose (1 week = 7, 1 month = 30.4375, 1 year = 365.25)"
        )
    if np.all(rows.t0 > 0):
        notes.append(
            "every baseline lies after day 0: is day 0 the first dose? Growth before treatment "
            "cannot be told from growth under it"
        )
    if np.all(rows.time <= 0):
        notes.append("no measurement lies after day 0: the fit can learn nothing of a treatment")
    if contradictory.any():
        shown = ", ".join(str(one) for one in ids[contradictory][:5])
        notes.append(
            f"{int(contradictory.sum())} lesion(s) have a baseline volume that is not the volume "
            f"measured on the baseline day (first: {shown}); see the influence of each lesion"
        )
    return tuple(notes)
