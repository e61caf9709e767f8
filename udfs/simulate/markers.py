"""Circulating tumor DNA of simulated patients, from the true volume of their lesions.

    x(t) = s V(t - delay)        percent; s the patient's shedding, V the volume of all lesions

drawn at the baseline and every few weeks, read with log-normal noise, and not detected below the
limit. New lesions, whose size nobody simulated, shed nothing. All random numbers are of one stream
of their own.
"""

from __future__ import annotations

import numpy as np

from udfs.simulate.growth import LesionCurves
from udfs.simulate.presets import Markers
from udfs.simulate.sampling import Columns, FloatArray, IntArray
from udfs.simulate.scans import BoolArray

MM3_PER_CM3 = 1000.0
TEST = "CTDNA"
GRID_DAYS = 7.0
"""Step of the days on which true courses are followed; crossings lie within one."""


def draw_markers(
    markers: Markers | None,
    curves: LesionCurves,
    patient: IntArray,
    day: IntArray,
    is_made: BoolArray,
    has_marker: BoolArray,
    rng: np.random.Generator,
) -> tuple[Columns, Columns]:
    """Samples of LB and the truth behind them.

    Args:
        markers: what to simulate; None for nothing.
        curves: of all lesions.
        patient: (lesions,) whose they are.
        day: (patients, m + 1) days of the scans, the baseline first.
        is_made: (patients, m + 1) scans that were made.
        has_marker: (patients,) whose trial draws samples.
        rng: of the markers alone.

    Returns:
        Columns as ``lab_table``'s with ``is_between`` and ``detection_limit``; and one row per
        patient: shedding, delay, true nadir and true day of progression.
    """
    if markers is None:
        empty = {name: np.zeros(0, dtype=kind) for name, kind in _LAB.items()}
        return empty, {name: np.zeros(0, dtype=kind) for name, kind in _TRUTH.items()}
    n = len(has_marker)
    shedding = markers.percent_per_cm3 * np.exp(markers.shedding_sd * rng.standard_normal(n))
    last = np.where(is_made, day, -10_000).max(axis=1)
    chosen = np.flatnonzero(has_marker & is_made[:, 0] & (last > 0))
    who, when = _draws(markers, day[chosen, 0], last[chosen])
    noise = rng.standard_normal(len(who))
    who = chosen[who]
    before = np.asarray(when - markers.delay_days, dtype=np.float64)
    true = shedding[who] * _volume_at(curves, patient, who, before)
    value = np.minimum(true * np.exp(markers.noise_sd * noise), markers.most_percent)
    scan = np.array(
        [int(np.searchsorted(day[p], t, side="right")) - 1 for p, t in zip(who, when, strict=True)],
        dtype=np.int64,
    )
    scan = np.maximum(scan, 0)
    lab: Columns = {
        "patient": who,
        "scan": scan,
        "day": when,
        "test": np.full(len(who), TEST, dtype="<U8"),
        "value": np.round(value, 3),
        "unit": np.full(len(who), "%", dtype="<U8"),
        "is_between": day[who, scan] != when,
    }
    return lab, _truth(markers, curves, patient, chosen, last, shedding)


_LAB = {
    "patient": np.int64, "scan": np.int64, "day": np.int64, "test": "<U8", "value": np.float64,
    "unit": "<U8", "is_between": np.bool_,
}  # fmt: skip
_TRUTH = {
    "patient": np.int64, "shedding_percent_per_cm3": np.float64, "delay_days": np.float64,
    "detection_limit_percent": np.float64, "nadir_day": np.float64, "nadir_percent": np.float64,
    "progression_day": np.float64,
}  # fmt: skip


def _draws(markers: Markers, first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """Position in the chosen patients, and day, of each sample: baseline, then every interval."""
    count = last // markers.interval_days
    who = np.repeat(np.arange(len(first)), 1 + count)
    place = np.arange(len(who)) - np.repeat(np.cumsum(1 + count) - (1 + count), 1 + count)
    return who, np.where(place == 0, first[who], place * markers.interval_days)


def _volume_at(
    curves: LesionCurves, patient: IntArray, who: IntArray, day: FloatArray
) -> FloatArray:
    """(k,) true volume of all lesions of a patient on a day, cm3; 'who' ascending."""
    order = np.argsort(patient, kind="stable")
    edges = np.searchsorted(patient[order], np.arange(int(who.max(initial=-1)) + 2))
    n_lesions = edges[who + 1] - edges[who]
    row = np.repeat(np.arange(len(who)), n_lesions)
    place = np.arange(len(row)) - np.repeat(np.cumsum(n_lesions) - n_lesions, n_lesions)
    lesion = order[edges[who][row] + place]
    part = LesionCurves(
        curves.volume_at_baseline_mm3[lesion], curves.baseline_day[lesion],
        curves.kg_per_day[lesion], curves.kd_per_day[lesion], curves.f[lesion],
    )  # fmt: skip
    volume = part.volume_mm3(np.asarray(day, dtype=float)[row])
    total = np.bincount(row, weights=volume, minlength=len(who))
    return np.asarray(total / MM3_PER_CM3, dtype=np.float64)


def _truth(
    markers: Markers,
    curves: LesionCurves,
    patient: IntArray,
    chosen: IntArray,
    last: IntArray,
    shedding: FloatArray,
) -> Columns:
    """Nadir and progression of the course without noise, up to the last scan."""
    nadir_day, nadir, progression = (np.full(len(chosen), np.nan) for _ in range(3))
    for i, one in enumerate(chosen):
        days = np.append(np.arange(0.0, last[one], GRID_DAYS), float(last[one]))
        before = np.asarray(days - markers.delay_days, dtype=np.float64)
        volume = _volume_at(curves, patient, np.full(len(days), one), before)
        course = float(shedding[one]) * volume
        course = np.minimum(course, markers.most_percent)
        lowest = np.minimum.accumulate(np.maximum(course, markers.limit_percent))
        is_up = (course >= markers.rise * lowest) & (course - lowest >= markers.rise_percent)
        at = int(course.argmin())
        nadir_day[i], nadir[i] = days[at], course[at]
        if is_up.any():
            progression[i] = days[int(is_up.argmax())]
    return {
        "patient": chosen,
        "shedding_percent_per_cm3": shedding[chosen],
        "delay_days": np.full(len(chosen), markers.delay_days),
        "detection_limit_percent": np.full(len(chosen), markers.limit_percent),
        "nadir_day": nadir_day,
        "nadir_percent": nadir,
        "progression_day": progression,
    }
