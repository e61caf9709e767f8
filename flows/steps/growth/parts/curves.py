"""Curves of single lesions on a grid of days."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from flows.steps.growth.parts.estimates import Fitted
from flows.steps.growth.parts.tables import GROWTH_CURVE, fit_table
from udfs.growth.curves import individual_curves
from udfs.growth.parameters import BoolArray, FloatArray, IntArray

MONTH_DAYS = 30
MOST_ROWS = 400_000
POINTS_AT_ONCE = 20_000
"""Times the draws: volumes that are held in memory."""


def curve_rows(found: Fitted) -> pa.Table:
    """Each fitted lesion's curve on its scan days and every 30 days from day 0 to its last scan."""
    place, day, is_scan = _grid(found)
    counts = np.bincount(place, minlength=found.fit.n_lesions)
    first = np.concatenate([[0], np.cumsum(counts)])[:-1]
    values = np.empty((3, len(day)))
    # Lesions with the same number of days make one rectangle.
    for count in np.unique(counts):
        lesions = np.flatnonzero(counts == count)
        for start in range(0, len(lesions), max(POINTS_AT_ONCE // count, 1)):
            part = lesions[start : start + max(POINTS_AT_ONCE // count, 1)]
            rows = first[part][:, None] + np.arange(count)
            curves = individual_curves(
                found.fit, day[rows], found.draws, modes=found.modes, positions=part
            )
            values[:, rows] = curves.volume_mm3, curves.lower, curves.upper
    ids = np.asarray(found.fit.lesions.lesion)[place]
    return fit_table(
        GROWTH_CURVE,
        {
            "fit_id": [found.fit_id] * len(day),
            "lesion_id": ids.tolist(),
            "day": day,
            "volume_mm3": values[0],
            "lower": values[1],
            "upper": values[2],
            "is_scan_day": is_scan,
        },
    )


def _grid(found: Fitted) -> tuple[IntArray, FloatArray, BoolArray]:
    """Place in the fit, day, and whether it is a scan day; by place and day."""
    data, positions = found.fit.problem.data, found.fit.lesions.position
    counts = np.diff(data.offsets)[positions]
    scan_place = np.repeat(np.arange(len(positions)), counts)
    inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    scan_day = data.time[np.repeat(data.offsets[positions], counts) + inside]
    last = data.time[data.offsets[positions + 1] - 1]
    step = MONTH_DAYS
    while len(scan_day) + np.sum(np.maximum(last, -1) // step + 1) > MOST_ROWS:
        step *= 2
        if step > np.max(last, initial=0.0):
            break
    months = np.maximum(last // step + 1, 0).astype(np.int64)
    month_place = np.repeat(np.arange(len(positions)), months)
    month = np.arange(months.sum()) - np.repeat(np.cumsum(months) - months, months)
    place = np.concatenate([scan_place, month_place])
    day = np.concatenate([scan_day, month * float(step)])
    is_scan = np.arange(len(place)) < len(scan_place)
    order = np.lexsort((~is_scan, day, place))
    place, day, is_scan = place[order], day[order], is_scan[order]
    is_new = np.ones(len(place), dtype=bool)
    is_new[1:] = (np.diff(place) != 0) | (np.diff(day) != 0)
    return place[is_new], day[is_new], is_scan[is_new]
