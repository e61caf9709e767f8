"""Response phases of lesions: response, stable, relapse, and their durations.

Source: Zhou et al., Cancer Res 2021, 'Spatiotemporal Heterogeneity across Metastases and
Organ-Specific Response ...', Methods, 'Lesion response dynamics'. In the paper's words:

- response: 'the duration from the tumor baseline until the tumor size decreased 30%';
- relapse: 'the period, from which the lesion regrew more than 120% until the last sampling point';
- stable: 'the period of neither response nor relapse'.

What those words leave open is settled here, for every caller alike:

- 'Decreased 30%' includes exactly 30 % (7 of 10 mm); 'more than 120%' excludes exactly 120 %.
- Regrowth is measured from the smallest size so far, the baseline included, as RECIST's nadir is:
  a lesion that only grows relapses too (the paper's patient 501, 'the abdomen lesion quickly
  relapsed'). ``relapse_reference="baseline"`` measures it from the baseline instead.
- ``threshold_day``: a threshold is met on the day of the ``scan`` that shows it, or, with
  ``interpolated``, on the straight line from the scan before. The paper's Fig. 3E adds one day to
  durations 'to avoid zero values', and a relapse first seen on the last scan lasts zero days only
  if nothing is interpolated.
- The nadir *ratio* is the smallest size after the baseline over the baseline: it exceeds 1 where a
  lesion only grew, as the paper's Fig. 3D needs, which marks 1.2 on its axis.
- ``mixed_response``: by ``first_regrowth`` the first regrowth decides, and relapse lasts from there
  to the last scan whatever the lesion does afterwards, as progression does in RECIST; a 30 %
  decrease first reached after a regrowth is no response. By ``sustained_regrowth`` a regrowth
  counts that lasts to the last scan, from where it began to last. ``is_mixed`` marks lesions that
  shrank again after their first regrowth, by either rule.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

RelapseReference = Literal["nadir", "baseline"]
MixedResponse = Literal["first_regrowth", "sustained_regrowth"]
ThresholdDay = Literal["scan", "interpolated"]

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
    time_to_response_days: FloatArray
    """(n,) days from the baseline to the response; 0 without response."""
    stable_days: FloatArray
    """(n,) days from there to the relapse, or to the last scan."""
    relapse_days: FloatArray
    """(n,) days from the relapse to the last scan; 0 without relapse."""
    follow_up_days: FloatArray
    """(n,) days from the baseline to the last scan = the sum of the three."""
    nadir_ratio: FloatArray
    """(n,) smallest size after the baseline / baseline."""
    last_ratio: FloatArray
    """(n,) size on the last scan / baseline."""
    is_mixed: BoolArray
    """(n,) after the first regrowth shrank to ``response_ratio`` of its largest size since."""

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


def response_phases(
    day: ArrayLike,
    size: ArrayLike,
    offsets: ArrayLike,
    *,
    response_ratio: float = 0.7,
    relapse_ratio: float = 1.2,
    relapse_reference: RelapseReference = "nadir",
    mixed_response: MixedResponse = "first_regrowth",
    threshold_day: ThresholdDay = "scan",
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
        mixed_response: which regrowth begins the relapse.
        threshold_day: on which day a threshold is met.

    Raises:
        ValueError: offsets that do not fit, days not ascending, a size that is negative or not
            finite, a ratio out of range, or an unknown rule.
    """
    _check_choice("relapse_reference", relapse_reference, get_args(RelapseReference))
    _check_choice("mixed_response", mixed_response, get_args(MixedResponse))
    _check_choice("threshold_day", threshold_day, get_args(ThresholdDay))
    if not 0 < response_ratio < 1 or not 1 <= relapse_ratio < np.inf:
        raise ValueError(
            f"response_ratio {response_ratio} must lie between 0 and 1, "
            f"relapse_ratio {relapse_ratio} be at least 1"
        )
    days, sizes, bounds = checked_scans(day, size, offsets)
    has_scan = np.diff(bounds) > 0
    phases = _phases(
        days,
        sizes,
        bounds[np.append(has_scan, True)],
        _Rules(response_ratio, relapse_ratio, relapse_reference, mixed_response, threshold_day),
    )
    return phases.take(np.where(has_scan, np.cumsum(has_scan) - 1, -1))


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


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, not {' or '.join(repr(c) for c in choices)}")


def _missing(dtype: np.dtype[Any]) -> float | bool:
    return False if dtype == np.bool_ else np.nan


def checked_scans(
    day: ArrayLike, size: ArrayLike, offsets: ArrayLike
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Scans as (s,) floats, days and sizes, and the (n + 1,) offsets where each series begins.

    Raises:
        ValueError: shapes that do not fit, or days out of order.
    """
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
    mixed_response: str
    threshold_day: str


@dataclass(frozen=True)
class _Events:
    """Rows at which phases begin in each lesion; the number of rows where they never do."""

    response: IntArray
    relapse: IntArray
    response_size: FloatArray
    """(m,) size at or below which each row's lesion has responded."""
    relapse_size: FloatArray
    """(m,) size above which it has relapsed."""
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
    has_relapse = evaluable & (events.relapse < days.size)
    has_response = evaluable & (events.response < events.relapse)
    response_end, relapse_start = days[starts], days[ends]
    responding, relapsing = events.response[has_response], events.relapse[has_relapse]
    response_end[has_response] = _met(days, sizes, events.response_size, responding, rules)
    relapse_start[has_relapse] = _met(days, sizes, events.relapse_size, relapsing, rules)
    stable = relapse_start - response_end
    divisor = np.where(evaluable, baseline, np.nan)
    nadir = _over_lesions(np.minimum, np.where(position > 0, sizes, np.inf), starts)
    return ResponsePhases(
        status=status,
        has_response=has_response,
        has_stable=evaluable & (stable > 0),
        has_relapse=has_relapse,
        time_to_response_days=np.where(evaluable, response_end - days[starts], np.nan),
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
    regrown = (position > 0) & (sizes > rules.relapse_ratio * reference * slack)
    first_regrowth = _over_lesions(np.minimum, np.where(regrown, row, row.size), starts)

    since = row >= np.repeat(first_regrowth, n_scans)
    peak = _running(np.maximum, np.where(since, sizes, 0.0), position)
    shrinks_again = since & (sizes <= rules.response_ratio * peak * slack)
    relapse = first_regrowth
    if rules.mixed_response == "sustained_regrowth":
        last_calm = _over_lesions(np.maximum, np.where(regrown, -1, row), starts)
        relapse = np.where(last_calm == bounds[1:] - 1, row.size, last_calm + 1)
    return _Events(
        response=_over_lesions(np.minimum, np.where(responds, row, row.size), starts),
        relapse=relapse,
        response_size=rules.response_ratio * baseline,
        relapse_size=rules.relapse_ratio * reference,
        shrinks_again=_over_lesions(np.logical_or, shrinks_again, starts),
    )


def _met(
    days: FloatArray, sizes: FloatArray, threshold: FloatArray, rows: IntArray, rules: _Rules
) -> FloatArray:
    """Days on which the threshold was met that the given rows are the first scans to show."""
    if rules.threshold_day == "scan" or rows.size == 0:
        return days[rows]
    change = sizes[rows] - sizes[rows - 1]
    way = np.divide(
        threshold[rows] - sizes[rows - 1], change, out=np.ones(rows.size), where=change != 0
    )
    return days[rows - 1] + np.clip(way, 0.0, 1.0) * (days[rows] - days[rows - 1])


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
