"""Lead time of a biomarker's progression over that of the lesions, both seen between visits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.biomarkers.series import FloatArray
from udfs.survival import turnbull


@dataclass(frozen=True)
class LeadTime:
    """Of the n patients who had both. NaN where there is none."""

    n: int
    n_surely_before: int
    """The whole interval of the lead is above 0: the marker came first."""
    n_surely_after: int
    """The whole interval is below 0."""
    observed_median: float
    """Days from visit to visit."""
    median_from: float
    median_to: float
    """Turnbull's median of the lead: half of them lie up to somewhere in it."""
    share_before_least: float
    share_before_most: float
    """Turnbull's share with a lead above 0, whichever way the mass lies within its intervals."""
    loglik: float
    left: FloatArray
    right: FloatArray
    """(m,) the intervals (left, right] that hold the estimate, in days, ascending."""
    mass: FloatArray
    """(m,) the share of patients whose lead lies in each."""


def lead_time(
    molecular_lower: ArrayLike,
    molecular_upper: ArrayLike,
    lesion_lower: ArrayLike,
    lesion_upper: ArrayLike,
) -> LeadTime:
    """Paired: T_r - T_m lies in (l_r - u_m, u_r - l_m], for T_m in (l_m, u_m], T_r in (l_r, u_r].

    The estimate is Turnbull's of these intervals, moved so that the least is 0. That within a
    patient both times are somewhere in their intervals, without regard to the other, is assumed.
    It is of patients who had both, which conditions on what came later: it predicts nothing.

    Hand-worked: marker in (21, 42], lesions in (56, 112]: a lead of more than 14 and up to 91 days;
    from visit to visit 70.

    Args:
        molecular_lower, molecular_upper, lesion_lower, lesion_upper: (n,) days, finite.

    Raises:
        ValueError: lengths differ, a day is not finite, or a limit is above its upper one.
    """
    arrays = [
        np.asarray(each, dtype=np.float64)
        for each in (molecular_lower, molecular_upper, lesion_lower, lesion_upper)
    ]
    low_m, high_m, low_r, high_r = arrays
    if len({each.shape for each in arrays}) != 1 or low_m.ndim != 1:
        raise ValueError("the four limits differ in length")
    if not all(np.isfinite(each).all() for each in arrays):
        raise ValueError("a limit is not finite: patients without both events have no lead")
    if (low_m > high_m).any() or (low_r > high_r).any():
        raise ValueError("a lower limit is above its upper one")
    if low_m.size == 0:
        nan, none = float("nan"), np.zeros(0)
        return LeadTime(0, 0, 0, nan, nan, nan, nan, nan, 0.0, none, none, none)
    return _estimate(low_r - high_m, high_r - low_m, high_r - high_m)


def _estimate(lower: FloatArray, upper: FloatArray, observed: FloatArray) -> LeadTime:
    least = float(lower.min())
    found = turnbull(lower - least, upper - least)
    start, end = found.quantile(0.5)
    left, right = found.left + least, found.right + least
    return LeadTime(
        n=lower.size,
        n_surely_before=int((lower >= 0).sum()),
        n_surely_after=int((upper < 0).sum()),
        observed_median=float(np.median(observed)),
        median_from=start + least,
        median_to=end + least,
        share_before_least=float(found.mass[left >= 0].sum()),
        share_before_most=float(found.mass[right > 0].sum()),
        loglik=found.loglik,
        left=left,
        right=right,
        mass=found.mass,
    )
