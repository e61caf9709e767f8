"""How unlike a patient's target lesions respond, as scans show it up to the progression.

This is the quantity that the planted link acts through: the hazard of death after progression is
``exp(effect * (distance - mean) / 0.1)`` times what it would be. Source: Zhou et al., Cancer Res
2021, Fig. 2, whose Gower distance it is.
"""

from __future__ import annotations

import numpy as np

from udfs.heterogeneity import Variable, gower_means, gower_pairs
from udfs.heterogeneity.phases import response_phases
from udfs.simulate.sampling import Columns, FloatArray, IntArray
from udfs.simulate.scans import BoolArray

UNIT = 0.1
"""Gower distance that the planted effect is per."""


def gower_up_to(
    lesions: Columns, size_mm: FloatArray, day: FloatArray, is_made: BoolArray, last: IntArray
) -> FloatArray:
    """Gower distance of each patient's lesions on the scans up to ``last``.

    Args:
        lesions: target lesions; their ``patient``.
        size_mm: (lesions, m + 1) diameters as written; the first is the baseline.
        day: (n, m + 1) day of each scan of n patients, ascending.
        is_made: (n, m + 1) scans that take place.
        last: (n,) position of the last scan that counts.

    Returns:
        (n,) mean distance between the lesions; NaN for fewer than two that can be compared.
    """
    patient = lesions["patient"]
    counts = is_made & (np.arange(day.shape[1]) <= last[:, None])
    counts[:, 0] = True
    rows = counts[patient]
    offsets = np.concatenate(([0], np.cumsum(rows.sum(axis=1))))
    phases = response_phases(day[patient][rows], size_mm[rows], offsets)
    group = np.where(phases.is_evaluable, patient, -1)
    flags = ("has_response", "has_stable", "has_relapse")
    variables = [Variable(name, getattr(phases, name), "symmetric") for name in flags]
    variables += [Variable(name, getattr(phases, name)) for name in ("nadir_ratio", "last_ratio")]
    means = gower_means(gower_pairs(variables, group), group)
    distance = np.full(len(day), np.nan)
    distance[means.group] = means.group_mean
    return distance


def log_hazard_ratio(distance: FloatArray, effect: float) -> FloatArray:
    """(n,) log hazard ratio of each patient against the mean; 0 where there is no distance."""
    known = ~np.isnan(distance)
    mean = distance[known].mean() if known.any() else 0.0
    return np.where(known, effect * (distance - mean) / UNIT, 0.0)
