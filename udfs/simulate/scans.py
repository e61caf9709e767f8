"""Scans: when they are planned and made, what a reader writes down, and the RECIST response of
it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.simulate.growth import LesionCurves, diameter_of_volume
from udfs.simulate.patients import EARLY_BASELINE
from udfs.simulate.presets import Preset
from udfs.simulate.sampling import Columns, FloatArray, IntArray

BoolArray = NDArray[np.bool_]
CodeArray = NDArray[np.int8]

CR, PR, SD, PD, NE, NONE = range(6)
RESPONSES = np.asarray(["CR", "PR", "SD", "PD", "NE", ""])
"""Response of each code; NONE where there was no scan."""

LAST_PLANNED_DAY = 1650
TOO_SMALL_MM = 5
"""A lesion seen but below this is too small to measure and counts as this (RECIST 1.1, 4.3.2)."""
NORMAL_NODE_MM = 10
PROGRESSION_MM = 5.0
"""Growth of a sum that is progression, at least, beside the 20 % (RECIST 1.1; none in 1.0)."""
MAX_READ_MM = 300.0
"""The body's width: a curve that grows beyond it (one reading in ten thousand) is read as this."""
LIMIT_OF_QUANTIFICATION_MM3 = 200.0
"""Volumes below are censored in the growth model of Zhou 2023. A lesion is read as gone only where
its own curve is below: reading and truth then say the same.
"""
SCAR_MM3 = 100.0
"""What is left of a deep responder's lesion is called a scar once it is below this: half the limit,
so that no error of reading (4 standard deviations) lifts it above the limit.
"""
SCAR_RATIO = 0.5
"""It is to be below this part of the baseline too: what was so small before is still a lesion."""
MIN_STABLE_DAYS = 35
"""Stable disease counts as best response from this day on (six weeks less the window of a
visit).
"""


@dataclass(frozen=True)
class Schedule:
    """Scans of n patients, m planned ones each after the baseline."""

    baseline_day: IntArray
    """(n,) day of the baseline scan, 0 or before."""
    day: IntArray
    """(n, m) day of each planned scan, rising."""
    is_made: BoolArray
    """(n, m) False where the visit was missed."""

    def days(self) -> IntArray:
        """(n, m + 1) days of the baseline and of the planned scans."""
        return np.concatenate([self.baseline_day[:, None], self.day], axis=1)


def draw_schedule(preset: Preset, patients: Columns, rng: np.random.Generator) -> Schedule:
    """Planned days with a jitter of some days, missed visits, and baselines up to 48 days before.

    Patients to be excluded for an early baseline have it 85 to 140 days before. A few patients have
    one early scan and no other: their best response is then not evaluable.
    """
    n = len(patients["patient"])
    plans = []
    for trial in preset.trials:
        plan = trial.schedule
        first = plan.first_days * np.arange(1, plan.n_first + 1)
        later = np.arange(first[-1] + plan.later_days, LAST_PLANNED_DAY + 85, plan.later_days)
        plans.append(np.concatenate([first, later]))
    m = max(len(plan) for plan in plans)
    table = np.stack([np.r_[p, p[-1] + 84 * np.arange(1, m - len(p) + 1)] for p in plans])
    jitter = np.clip(np.round(rng.normal(0.5, 3.0, (n, m))), -7, 10).astype(np.int64)
    day = table[patients["trial"]] + jitter
    baseline = -np.clip(np.floor(rng.gamma(1.9, 8.0, n)), 0, 48).astype(np.int64)
    early = patients["excluded"] == EARLY_BASELINE
    baseline[early] = -rng.integers(85, 141, int(early.sum()))
    is_made = rng.random((n, m)) >= preset.follow_up.missed_visit
    is_made[:, 0] |= ~is_made[:, 1]
    stops = rng.random(n) < preset.follow_up.early_stop
    day[stops, 0] = rng.integers(14, 34, int(stops.sum()))
    is_made[stops] = np.arange(m) == 0
    return Schedule(baseline, day, is_made)


@dataclass(frozen=True)
class Readings:
    """Sizes of n lesions as one reader wrote them down; column 0 is the baseline, then m scans."""

    long_mm: IntArray
    """(n, m + 1) longest diameter, whole mm; 0 where the lesion was not seen."""
    short_mm: IntArray
    """(n, m + 1) short axis of lymph nodes that are measured so, -1 elsewhere."""

    def axis_mm(self) -> FloatArray:
        """(n, m + 1) the size that enters the sum of diameters: too small counts as 5 mm."""
        size = np.where(self.short_mm >= 0, self.short_mm, self.long_mm)
        return np.where((size > 0) & (size < TOO_SMALL_MM), TOO_SMALL_MM, size).astype(float)


def read_lesions(
    curves: LesionCurves,
    lesions: Columns,
    scan_day: IntArray,
    preset: Preset,
    rng: np.random.Generator,
    baseline_error: bool = False,
) -> Readings:
    """Diameters with the proportional error of the model in volume, rounded to whole mm.

    The baseline carries rounding only: in the model it is the lesion's regressor V0. With
    ``baseline_error`` it is read with the same error as the rest (a second reader).

    A lesion is gone (0 mm) where it reads less than can be seen, or is called a scar; never where
    its curve is above the limit of quantification, and not for good.

    Args:
        scan_day: (n, m + 1) day on which each lesion itself is scanned.
    """
    day = scan_day.astype(float)
    volume = curves.volume_mm3(day)
    error = np.maximum(1 + preset.population.b * rng.standard_normal(day.shape), 0.05)
    if not baseline_error:
        error[:, 0] = 1.0
    ratio = lesions["axis_ratio"][:, None]
    long = np.minimum(diameter_of_volume(np.minimum(volume * error, 1e9), ratio), MAX_READ_MM)
    is_gone = long < preset.follow_up.gone_mm
    is_gone[:, 1:] |= _is_scar(curves, lesions, day, volume)[:, 1:]
    is_gone &= volume < LIMIT_OF_QUANTIFICATION_MM3
    short = np.where(lesions["is_short_axis"][:, None], np.maximum(np.rint(long / ratio), 1), -1)
    long = np.where(is_gone, 0, np.maximum(np.rint(long), 1))
    short = np.where(is_gone & (short > 0), 0, short)
    return Readings(long.astype(np.int64), short.astype(np.int64))


def _is_scar(
    curves: LesionCurves, lesions: Columns, day: FloatArray, volume: FloatArray
) -> BoolArray:
    """(n, m + 1) where what is left of a deep responder's lesion is called a scar: from the day on
    which its curve falls below ``SCAR_MM3`` until it rises above the limit of quantification, or
    the baseline.
    """
    base, nadir = curves.volume_at_baseline_mm3, curves.nadir_day()
    falls_to = np.minimum(SCAR_MM3, SCAR_RATIO * base)
    rises_to = np.minimum(LIMIT_OF_QUANTIFICATION_MM3, base)
    rises_to = np.where(curves.volume_mm3(nadir) < falls_to, rises_to, 0.0)
    limit = np.where(day <= nadir[:, None], falls_to[:, None], rises_to[:, None])
    return np.asarray(lesions["has_scars"][:, None] & (volume < limit))


def target_response(
    readings: Readings,
    lesions: Columns,
    is_read: BoolArray,
    is_made: BoolArray,
    progression_mm: float = PROGRESSION_MM,
) -> tuple[CodeArray, FloatArray]:
    """Response of the target lesions at each scan under RECIST 1.1.

    Progression: the sum is at least 20 % and 5 mm above the smallest complete sum so far, the
        baseline included. Partial response: at least 30 % below the baseline. Complete response:
        every lesion gone and every node below 10 mm. A scan with an unread lesion is NE unless it
        is already PD.

    Args:
        readings: of the target lesions.
        lesions: the same lesions, sorted by patient.
        is_read: (lesions, m + 1) False where this lesion was not assessed.
        is_made: (patients, m + 1) which scans there are.

    Returns:
        (patients, m + 1) codes (NONE where no scan or at baseline), and sums in mm (NaN where not
        complete).
    """
    n = len(is_made)
    start = np.searchsorted(lesions["patient"], np.arange(n))
    has_any = np.diff(np.r_[start, len(lesions["patient"])]) > 0
    size = readings.axis_mm()
    total = _sum_by(np.where(is_read, size, 0.0), start, has_any)
    unread = _sum_by((~is_read).astype(float), start, has_any)
    is_absent = np.where(readings.short_mm >= 0, size < NORMAL_NODE_MM, size == 0)
    visible = _sum_by((~is_absent).astype(float), start, has_any)
    complete = is_made & (unread == 0) & has_any[:, None]
    seen = np.where(complete, total, np.inf)
    lowest = np.minimum.accumulate(seen, axis=1)[:, :-1]
    code = np.full(is_made.shape, NONE, dtype=np.int8)
    later = total[:, 1:]
    is_pd = (later > lowest) & (later >= 1.2 * lowest - 1e-9)
    is_pd &= later - lowest >= progression_mm - 1e-9
    base = total[:, :1]
    found = np.where(later <= 0.7 * base + 1e-9, PR, SD)
    found = np.where(visible[:, 1:] == 0, CR, found)
    found = np.where(complete[:, 1:], found, NE)
    found = np.where(is_pd, PD, found)
    code[:, 1:] = np.where(is_made[:, 1:] & has_any[:, None], found, NONE)
    return code, np.where(complete, total, np.nan)


def nontarget_status(readings: Readings, ratio: float, is_made: BoolArray) -> CodeArray:
    """Status of each non-target lesion: PD is unequivocal growth from its smallest size so far.

    Args:
        readings: of the non-target lesions.
        ratio: growth in diameter that a reader calls unequivocal.
        is_made: (lesions, m + 1) which scans there are.

    Returns:
        (lesions, m + 1) codes; once PD always PD; at baseline SD (present).
    """
    size = readings.axis_mm()
    lowest = np.minimum.accumulate(np.where(is_made, size, np.inf), axis=1)[:, :-1]
    later = size[:, 1:]
    is_pd = (later >= ratio * lowest) & (later - lowest >= 5) & (later >= NORMAL_NODE_MM)
    is_absent = np.where(readings.short_mm[:, 1:] >= 0, later < NORMAL_NODE_MM, later == 0)
    found = np.where(later <= 0.7 * size[:, :1], PR, SD)
    found = np.where(is_absent, CR, found)
    found = np.where(np.logical_or.accumulate(is_pd & is_made[:, 1:], axis=1), PD, found)
    code = np.full(is_made.shape, SD, dtype=np.int8)
    code[:, 1:] = found
    return np.where(is_made, code, NONE).astype(np.int8)


def nontarget_response(status: CodeArray, patient: IntArray, n: int) -> CodeArray:
    """(patients, m + 1) PD if any lesion is, CR if all are, else SD (non-CR/non-PD); NONE
    without any.
    """
    start = np.searchsorted(patient, np.arange(n))
    has_any = np.diff(np.r_[start, len(patient)]) > 0
    n_pd = _sum_by((status == PD).astype(float), start, has_any)
    n_left = _sum_by(((status != CR) & (status != NONE)).astype(float), start, has_any)
    n_seen = _sum_by((status != NONE).astype(float), start, has_any)
    out = np.where(n_pd > 0, PD, np.where(n_left == 0, CR, SD))
    return np.where(n_seen == 0, NONE, out).astype(np.int8)


def overall_response(target: CodeArray, nontarget: CodeArray, is_new: BoolArray) -> CodeArray:
    """RECIST 1.1, table 1: target, non-target and new lesions together. Same shapes in and out."""
    out = np.where((target == CR) & (nontarget != CR) & (nontarget != NONE), PR, target)
    out = np.where((target == PD) | (nontarget == PD) | is_new, PD, out)
    return np.where(target == NONE, NONE, out).astype(np.int8)


def best_response(overall: CodeArray, day: IntArray) -> CodeArray:
    """(patients,) best of the visits up to the first PD (not confirmed); SD only from day 35 on."""
    is_before = np.cumsum(overall == PD, axis=1) - (overall == PD) == 0
    usable = np.where((overall == SD) & (day < MIN_STABLE_DAYS), NE, overall)
    rank = np.where(is_before, usable, NONE)
    best = rank.min(axis=1)
    return np.where(best == NONE, NE, best).astype(np.int8)


def _sum_by(values: FloatArray, start: IntArray, has_any: BoolArray) -> FloatArray:
    """Row sums of each patient's lesions; 0 where a patient has none."""
    out = np.zeros((len(start), values.shape[1]))
    if len(values):
        out[has_any] = np.add.reduceat(values, start[has_any], axis=0)
    return out
