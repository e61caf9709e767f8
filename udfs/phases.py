"""Response phases of lesions: response, stable, relapse, and their durations.

Source: Zhou et al., Cancer Res 2021, 'Spatiotemporal Heterogeneity across Metastases and
Organ-Specific Response ...', Methods, 'Lesion response dynamics'. In the paper's words:

- response: 'the duration from the tumor baseline until the tumor size decreased 30%';
- relapse: 'the period, from which the lesion regrew more than 120% until the last sampling point';
- stable: 'the period of neither response nor relapse'.

What those words leave open is settled here, for every caller alike:

- A threshold is met on the day of a scan; nothing is interpolated between scans.
- 'Decreased 30%' includes exactly 30 % (7 of 10 mm); 'more than 120%' excludes exactly 120 %.
- Regrowth is measured from the smallest size so far, the baseline included, as RECIST's nadir is:
  a lesion that only grows relapses too (the paper's patient 501, 'the abdomen lesion quickly
  relapsed'). ``relapse_reference="baseline"`` measures it from the baseline instead.
- The nadir *ratio* is the smallest size after the baseline over the baseline: it exceeds 1 where a
  lesion only grew, as the paper's Fig. 3D needs, which marks 1.2 on its axis.
- Mixed responses follow the rule ``first_regrowth``: the first regrowth decides, and relapse lasts
  from there to the last scan whatever the lesion does afterwards, as progression does in RECIST. A
  30 % decrease first reached after a regrowth is no response. ``is_mixed`` marks such lesions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

THRESHOLD_TOLERANCE = 1e-9
"""Relative. 63 mm is 70 % of 90 mm, but 0.7 * 90 is 62.99999999999999 in binary."""

EVALUABLE = 0
NO_LATER_SCAN = 1
BASELINE_ZERO = 2
NOT_MEASURED = 3

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class ResponsePhases:
    """Phases of n lesions (or n patients' sums). Where ``status`` is not 0, flags are False and
    numbers NaN."""

    status: NDArray[np.int8]
    """(n,) 0 evaluable, 1 no scan after the baseline, 2 baseline of zero, 3 not measured."""
    has_response: BoolArray
    """(n,) the size came down to ``response_ratio`` of the baseline before any relapse."""
    has_stable: BoolArray
    """(n,) ``stable_days`` > 0."""
    has_relapse: BoolArray
    """(n,) the size exceeded ``relapse_ratio`` of the reference; also if first on the last scan."""
    response_days: FloatArray
    """(n,) days from the baseline to the first scan in response; 0 without response."""
    stable_days: FloatArray
    """(n,) days from there to the first scan in relapse, or to the last scan."""
    relapse_days: FloatArray
    """(n,) days from the first scan in relapse to the last scan; 0 without relapse."""
    follow_up_days: FloatArray
    """(n,) days from the baseline to the last scan = the sum of the three."""
    nadir_ratio: FloatArray
    """(n,) smallest size after the baseline / baseline."""
    last_ratio: FloatArray
    """(n,) size on the last scan / baseline."""
    is_mixed: BoolArray
    """(n,) later shrank to ``response_ratio`` of its largest size since the relapse began."""

    @property
    def is_evaluable(self) -> BoolArray:
        """(n,) whether phases could be determined."""
        return self.status == EVALUABLE

    def take(self, index: ArrayLike) -> ResponsePhases:
        """The phases at the given places; -1 gives one that is not evaluable (not measured)."""
        places = np.asarray(index, dtype=np.int64)
        found = places >= 0
        picked: dict[str, Any] = {}
        for item in fields(self):
            values = getattr(self, item.name)
            missing = NOT_MEASURED if item.name == "status" else _missing(values.dtype)
            picked[item.name] = np.full(places.shape, missing, dtype=values.dtype)
            picked[item.name][found] = values[places[found]]
        return ResponsePhases(**picked)


@dataclass(frozen=True)
class SumSeries:
    """Sums of sizes over time, one series per patient with at least one lesion."""

    patient: IntArray
    """(p,) the patients' numbers, ascending."""
    offsets: IntArray
    """(p + 1,) series i is the rows ``offsets[i]:offsets[i + 1]``; the first is its baseline."""
    day: FloatArray
    """(m,) days, ascending within a series."""
    size: FloatArray
    """(m,) sum of the sizes, in the unit of the sizes."""
    n_lesions: IntArray
    """(p,) number of lesions summed."""


def response_phases(
    day: ArrayLike,
    size: ArrayLike,
    offsets: ArrayLike,
    *,
    response_ratio: float = 0.7,
    relapse_ratio: float = 1.2,
    relapse_reference: Literal["nadir", "baseline"] = "nadir",
) -> ResponsePhases:
    """Phases of all lesions at once; the module's docstring states the rules.

    Hand-worked: sizes 10, 7, 5, 6, 6.1, 4 mm on days 0, 40, 80, 120, 160, 200. 7 = 70 % of 10, so
    response lasts 0-40. The nadir is 5; 6 is exactly 120 % of it, 6.1 is more: relapse lasts
    160-200, stable 40-160. Nadir ratio 0.4 (the last scan), last ratio 0.4; mixed, since 4 is less
    than 70 % of 6.1.

    Args:
        day: (m,) days of the scans, ascending within a lesion.
        size: (m,) sizes, 0 or more, none missing; only their ratios matter.
        offsets: (n + 1,) lesion i is the rows ``offsets[i]:offsets[i + 1]``, the first being its
            baseline. A lesion without rows comes back as not measured.
        response_ratio: size over baseline at or below which a lesion responds; between 0 and 1.
        relapse_ratio: size over the reference above which a lesion relapses; at least 1.
        relapse_reference: the smallest size so far (``nadir``) or the ``baseline``.

    Raises:
        ValueError: offsets that do not fit, days not ascending, a size that is negative or not
            finite, or a ratio out of range.
    """
    if relapse_reference not in ("nadir", "baseline"):
        raise ValueError(f"relapse_reference is {relapse_reference!r}, not 'nadir' or 'baseline'")
    if not 0 < response_ratio < 1 or not 1 <= relapse_ratio < np.inf:
        raise ValueError(
            f"response_ratio {response_ratio} must lie between 0 and 1, "
            f"relapse_ratio {relapse_ratio} be at least 1"
        )
    days, sizes, bounds = _checked(day, size, offsets)
    has_scan = np.diff(bounds) > 0
    phases = _phases(
        days,
        sizes,
        bounds[np.append(has_scan, True)],
        _Rules(response_ratio, relapse_ratio, relapse_reference),
    )
    return phases.take(np.where(has_scan, np.cumsum(has_scan) - 1, -1))


def sum_over_complete_days(
    patient: ArrayLike, day: ArrayLike, size: ArrayLike, offsets: ArrayLike
) -> SumSeries:
    """Each patient's sum of lesion sizes, on days when every one of the lesions was measured.

    The baseline of the sum is the sum of the lesions' own baselines, on the latest of their
    baseline days (screening scans need not fall on one day). A later day counts only if all the
    lesions were measured on it: a sum that lacks a lesion would look like a response.

    Args:
        patient: (n,) each lesion's patient as a number from 0; -1 leaves the lesion out.
        day, size, offsets: the lesions' scans, as for ``response_phases``.

    Raises:
        ValueError: as ``response_phases``, or a lesion with a patient but no scan.
    """
    days, sizes, bounds = _checked(day, size, offsets)
    owner = np.asarray(patient, dtype=np.int64)
    if owner.shape != (bounds.size - 1,):
        raise ValueError(f"{owner.size} patients for {bounds.size - 1} lesions")
    n_scans = np.diff(bounds)
    if ((n_scans == 0) & (owner >= 0)).any():
        raise ValueError("a lesion with a patient has no scan: leave it out with patient -1")
    patients, lesion_rank = np.unique(owner[owner >= 0], return_inverse=True)
    rank = np.full(owner.shape, -1, dtype=np.int64)
    rank[owner >= 0] = lesion_rank
    n_lesions = np.bincount(lesion_rank, minlength=patients.size)

    baseline_day = np.full(patients.size, -np.inf)
    np.maximum.at(baseline_day, lesion_rank, days[bounds[:-1][owner >= 0]])
    is_baseline = np.zeros(days.size, dtype=bool)
    is_baseline[bounds[:-1][owner >= 0]] = True
    used = np.flatnonzero(np.repeat(owner >= 0, n_scans))
    row_rank, is_baseline = np.repeat(rank, n_scans)[used], is_baseline[used]
    first_day = baseline_day[row_rank]
    counts = is_baseline | (days[used] > first_day)
    counted_day = np.where(is_baseline, first_day, days[used])
    return _summed(patients, n_lesions, row_rank[counts], counted_day[counts], sizes[used[counts]])


def consistent_with_total(lesions: ResponsePhases, totals: ResponsePhases) -> BoolArray:
    """Whether each lesion went through the same phases as its patient's sum.

    Rule ``same_phases`` (Zhou 2021, Fig. 1B: inconsistent 'if their phase variables were not
    consistent with those in the total tumor burden'): has_response, has_stable and has_relapse are
    all three the same. False where either is not evaluable.

    Args:
        lesions: phases of n lesions.
        totals: phases of the n patients' sums, in the lesions' order (``ResponsePhases.take``).

    Raises:
        ValueError: the two differ in length.
    """
    if lesions.status.shape != totals.status.shape:
        raise ValueError(f"{lesions.status.size} lesions, but {totals.status.size} totals")
    same = lesions.is_evaluable & totals.is_evaluable
    for name in ("has_response", "has_stable", "has_relapse"):
        same &= getattr(lesions, name) == getattr(totals, name)
    return same


def _missing(dtype: np.dtype[Any]) -> float | bool:
    return False if dtype == np.bool_ else np.nan


def _checked(
    day: ArrayLike, size: ArrayLike, offsets: ArrayLike
) -> tuple[FloatArray, FloatArray, IntArray]:
    days = np.asarray(day, dtype=np.float64)
    sizes = np.asarray(size, dtype=np.float64)
    bounds = np.asarray(offsets, dtype=np.int64)
    if days.ndim != 1 or days.shape != sizes.shape:
        raise ValueError(f"day and size must be flat and alike: {days.shape}, {sizes.shape}")
    if bounds.ndim != 1 or bounds.size == 0 or bounds[0] != 0 or bounds[-1] != days.size:
        raise ValueError(f"offsets must begin with 0 and end with the number of rows, {days.size}")
    if (np.diff(bounds) < 0).any():
        raise ValueError("offsets must not fall")
    bad = ~np.isfinite(sizes) | (sizes < 0) | ~np.isfinite(days)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(f"row {row}: size {sizes[row]} on day {days[row]}; a size must be >= 0")
    falls = np.flatnonzero(np.diff(days) <= 0) + 1
    falls = falls[~np.isin(falls, bounds)]
    if falls.size:
        row = int(falls[0])
        raise ValueError(f"row {row}: day {days[row]} does not come after day {days[row - 1]}")
    return days, sizes, bounds


@dataclass(frozen=True)
class _Rules:
    response_ratio: float
    relapse_ratio: float
    relapse_reference: str


@dataclass(frozen=True)
class _Events:
    """Rows at which things first happen in each lesion; the number of rows where they never do."""

    first_response: IntArray
    first_relapse: IntArray
    shrinks_again: BoolArray


def _phases(days: FloatArray, sizes: FloatArray, bounds: IntArray, rules: _Rules) -> ResponsePhases:
    """Phases of lesions that all have a scan; inputs are checked."""
    starts, ends = bounds[:-1], bounds[1:] - 1
    n_scans = np.diff(bounds)
    baseline = sizes[starts]
    status = np.where(baseline == 0, BASELINE_ZERO, EVALUABLE).astype(np.int8)
    status[n_scans == 1] = NO_LATER_SCAN
    evaluable = status == EVALUABLE

    position = np.arange(days.size) - np.repeat(starts, n_scans)
    events = _events(sizes, bounds, position, rules)
    has_relapse = evaluable & (events.first_relapse < days.size)
    has_response = evaluable & (events.first_response < events.first_relapse)
    response_end, relapse_start = days[starts], days[ends]
    response_end[has_response] = days[events.first_response[has_response]]
    relapse_start[has_relapse] = days[events.first_relapse[has_relapse]]
    stable = relapse_start - response_end
    divisor = np.where(evaluable, baseline, np.nan)
    nadir = _over_lesions(np.minimum, np.where(position > 0, sizes, np.inf), starts)
    return ResponsePhases(
        status=status,
        has_response=has_response,
        has_stable=evaluable & (stable > 0),
        has_relapse=has_relapse,
        response_days=np.where(evaluable, response_end - days[starts], np.nan),
        stable_days=np.where(evaluable, stable, np.nan),
        relapse_days=np.where(evaluable, days[ends] - relapse_start, np.nan),
        follow_up_days=np.where(evaluable, days[ends] - days[starts], np.nan),
        nadir_ratio=nadir / divisor,
        last_ratio=sizes[ends] / divisor,
        is_mixed=evaluable & events.shrinks_again,
    )


def _events(sizes: FloatArray, bounds: IntArray, position: IntArray, rules: _Rules) -> _Events:
    starts, n_scans = bounds[:-1], np.diff(bounds)
    row = np.arange(sizes.size)
    slack = 1 + THRESHOLD_TOLERANCE
    baseline = np.repeat(sizes[starts], n_scans)
    from_nadir = rules.relapse_reference == "nadir"
    reference = _running(np.minimum, sizes, position) if from_nadir else baseline
    responds = (position > 0) & (sizes <= rules.response_ratio * baseline * slack)
    relapses = (position > 0) & (sizes > rules.relapse_ratio * reference * slack)
    first_relapse = _over_lesions(np.minimum, np.where(relapses, row, row.size), starts)

    in_relapse = row >= np.repeat(first_relapse, n_scans)
    peak = _running(np.maximum, np.where(in_relapse, sizes, 0.0), position)
    shrinks_again = in_relapse & (sizes <= rules.response_ratio * peak * slack)
    return _Events(
        first_response=_over_lesions(np.minimum, np.where(responds, row, row.size), starts),
        first_relapse=first_relapse,
        shrinks_again=_over_lesions(np.logical_or, shrinks_again, starts),
    )


def _over_lesions(ufunc: np.ufunc, values: NDArray[Any], starts: IntArray) -> NDArray[Any]:
    """(n,) the ufunc reduced over each lesion's rows; every lesion has a row."""
    return ufunc.reduceat(values, starts) if starts.size else values[:0]


def _running(ufunc: np.ufunc, values: FloatArray, position: IntArray) -> FloatArray:
    """Running minimum or maximum within each lesion: doubling steps, log2(longest) passes."""
    running = values.copy()
    longest = int(position.max(initial=0))
    step = 1
    while step <= longest:
        reachable = np.flatnonzero(position >= step)
        running[reachable] = ufunc(running[reachable], running[reachable - step])
        step *= 2
    return running


def _summed(
    patients: IntArray, n_lesions: IntArray, rank: IntArray, day: FloatArray, size: FloatArray
) -> SumSeries:
    """Sums by patient and day over the rows given, keeping the days on which no lesion lacks."""
    order = np.lexsort((day, rank))
    rank, day, size = rank[order], day[order], size[order]
    is_new = np.ones(rank.size, dtype=bool)
    is_new[1:] = (np.diff(rank) > 0) | (np.diff(day) > 0)
    first = np.flatnonzero(is_new)
    if first.size == 0:
        none = np.zeros(0)
        return SumSeries(patients, np.zeros(patients.size + 1, np.int64), none, none, n_lesions)
    count = np.diff(np.append(first, rank.size))
    complete = count == n_lesions[rank[first]]
    sums = np.add.reduceat(size, first)[complete]
    series_rank = rank[first][complete]
    length = np.bincount(series_rank, minlength=patients.size)
    return SumSeries(
        patient=patients,
        offsets=np.concatenate(([0], np.cumsum(length))),
        day=day[first][complete],
        size=sums,
        n_lesions=n_lesions,
    )
