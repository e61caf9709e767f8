"""Patients whose lesions can all vanish from the scans: who they are, and how large theirs are.

A curve of the growth model never reaches 0, and with sizes drawn independently of growth hardly a
patient's lesions are all below what can be quantified at one scan: 0.7 % of the colorectal patients
would have a complete response, where 2.7 % are published. So the patients who come nearest get
small lesions: each of their lesions that is too large swaps its baseline size with a small lesion
of the same organ and type. Growth parameters and random effects stay as drawn, and so does the
distribution of sizes in every organ; what changes is that the smallest lesions are a little more
often those of deep responders.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from udfs.simulate.growth import LesionCurves, diameter_of_volume, volume_of_diameter
from udfs.simulate.sampling import Columns, FloatArray
from udfs.simulate.scans import SCAR_MM3, SCAR_RATIO, BoolArray, Schedule

LAST_DAY = 400
"""The scans at which all lesions are to be small are those up to here."""
NODE_SHORT_MM = 9.0
"""A node is to be so small: 1 mm below normal, for the error of reading."""
MIN_PART = 0.2
"""No patient is chosen whose lesions would have to be smaller than this part of their size."""


def choose_responders(
    lesions: Columns,
    curves: LesionCurves,
    schedule: Schedule,
    is_included: BoolArray,
    share: float,
    rng: np.random.Generator,
) -> Columns:
    """Chooses the patients who come nearest to a complete response and gives them small lesions.

    Args:
        lesions: sorted by patient, with sizes and growth parameters.
        curves: of the same lesions.
        schedule: of n patients.
        is_included: (n,) who may be chosen, and whose lesions may swap.
        share: part of the patients to be included that is chosen.

    Returns:
        Columns for ``lesions``: axis ratio, diameter and volume at baseline after the swaps, and
        ``has_scars``, True for the lesions of those chosen.
    """
    n, patient = len(is_included), lesions["patient"]
    largest = _largest_size(lesions, curves, schedule)
    size = _size(lesions)
    start = np.searchsorted(patient, np.arange(n))
    has_any = np.diff(np.r_[start, len(patient)]) > 0
    part = np.zeros(schedule.day.shape)
    if len(patient):
        part[has_any] = np.minimum.reduceat(largest / size[:, None], start[has_any], axis=0)
    part = np.where(schedule.is_made & (schedule.day <= LAST_DAY), part, 0.0)
    scan, best = part.argmax(axis=1), np.where(is_included, part.max(axis=1), 0.0)
    nearest = np.argsort(-best, kind="stable")[: round(share * int(is_included.sum()))]
    is_chosen = np.zeros(n, dtype=bool)
    is_chosen[nearest[best[nearest] >= MIN_PART]] = True
    has_scars = is_chosen[patient]
    limit = largest[np.arange(len(patient)), scan[patient]]
    can_give = is_included[patient] & ~has_scars
    source = _swap(lesions, size, np.where(has_scars, limit, np.inf), can_give, rng)
    out = {name: lesions[name][source] for name in ("axis_ratio", "diameter_mm")}
    volume = volume_of_diameter(out["diameter_mm"], out["axis_ratio"])
    return out | {"volume_at_baseline_mm3": volume, "has_scars": has_scars}


def _size(lesions: Columns) -> FloatArray:
    """(lesions,) axis that is measured at baseline: the short one of some nodes. mm."""
    ratio = np.where(lesions["is_short_axis"], lesions["axis_ratio"], 1.0)
    return np.asarray(lesions["diameter_mm"] / ratio)


def _largest_size(lesions: Columns, curves: LesionCurves, schedule: Schedule) -> FloatArray:
    """(lesions, m) how large a lesion may be at baseline to be a scar, or a normal node, at each
    planned scan; 0 where its curve has not shrunk enough. mm.
    """
    day = schedule.day[lesions["patient"]].astype(float)
    ratio = curves.volume_mm3(day) / curves.volume_at_baseline_mm3[:, None]
    is_node = lesions["is_short_axis"][:, None]
    limit = diameter_of_volume(np.asarray(SCAR_MM3), lesions["axis_ratio"])
    limit = np.where(is_node, NODE_SHORT_MM, limit[:, None])
    return np.where(is_node | (ratio < SCAR_RATIO), limit / np.cbrt(ratio), 0.0)


def _swap(
    lesions: Columns,
    size: FloatArray,
    limit: FloatArray,
    can_give: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """(lesions,) whose baseline size each lesion gets: its own, or that of a partner in a swap.

    The partner is drawn from the lesions of the same organ and type that are below ``limit``; where
    there is none, the lesion keeps its size.
    """
    source = np.arange(len(size))
    can_give = can_give.copy()
    stratum = 4 * lesions["organ"] + 2 * lesions["is_short_axis"] + (lesions["type"] == "target")
    for i in np.flatnonzero(size >= limit):
        fits = np.flatnonzero(can_give & (stratum == stratum[i]) & (size < limit[i]))
        if fits.size:
            j = rng.choice(fits)
            source[i], source[j] = j, i
            can_give[j] = False
    return source
