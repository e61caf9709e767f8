"""The growth curve without noise, and when it responds and progresses.

Zhou 2023, equation (2), with the growth before the first dose that the group's published code adds:

    V(t) = V_b exp(kg (t - t_b))                                     t < 0
    V(t) = V_b exp(-kg t_b) (F exp(kg t) + (1 - F) exp(-kd t))       t >= 0

V_b is the volume at the baseline scan on day t_b <= 0; days count from the first dose. V falls, if
it falls at all, to one minimum at

    t* = log((1 - F) kd / (F kg)) / (kg + kd)        (0 where that is negative)

and rises ever after: a response is sought on [0, t*], a progression from t* on, each by bisection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MAX_DAYS = 36525.0
"""Times beyond a century count as never."""


@dataclass(frozen=True)
class EventRule:
    """When a lesion has responded and when it has progressed, as ratios of volume or diameter."""

    rule_set: str
    is_volume: bool
    response_ratio: float
    progression_ratio: float
    progression_plus: float
    needs_both: bool
    """Whether ratio and absolute increase must both be met (RECIST) or either one (Zhou 2023)."""


EVENT_RULES = (
    EventRule("recist_1_1", False, 0.70, 1.20, 5.0, True),
    EventRule("zhou2023", True, 0.80, 1.30, 200.0, False),
    EventRule("recist_volume", True, 0.70**3, 1.20**3, 0.0, True),
)
"""Diameters in mm, volumes in mm3. See the rule table of the warehouse for the wording."""


@dataclass(frozen=True)
class LesionCurves:
    """Curves of n lesions."""

    volume_at_baseline_mm3: FloatArray
    baseline_day: FloatArray
    kg_per_day: FloatArray
    kd_per_day: FloatArray
    f: FloatArray

    def volume_mm3(self, day: FloatArray) -> FloatArray:
        """Volume on each day: (n,) for (n,) days, (n, m) for (n, m) days. mm3."""
        v, b, kg, kd, f = (
            x.reshape(x.shape + (1,) * (day.ndim - 1))
            for x in (
                self.volume_at_baseline_mm3,
                self.baseline_day,
                self.kg_per_day,
                self.kd_per_day,
                self.f,
            )
        )
        growing = np.exp(kg * np.minimum(day, MAX_DAYS))
        t = np.maximum(day, 0.0)
        shrinking = np.exp(-kd * t)
        return v * np.exp(-kg * b) * np.where(day < 0, growing, f * growing + (1 - f) * shrinking)

    def nadir_day(self) -> FloatArray:
        """Day of the smallest volume after the first dose (0 where it only grows)."""
        ratio = (1 - self.f) * self.kd_per_day / (self.f * self.kg_per_day)
        return np.maximum(np.log(ratio), 0.0) / (self.kg_per_day + self.kd_per_day)


def volume_of_diameter(diameter_mm: FloatArray, axis_ratio: FloatArray | float) -> FloatArray:
    """mm3: long axis x short axis^2 / 2, short axis = long / ratio (Zhou 2023, equation 1)."""
    return diameter_mm**3 / (2 * axis_ratio**2)


def diameter_of_volume(volume_mm3: FloatArray, axis_ratio: FloatArray | float) -> FloatArray:
    """The long axis in mm; inverse of ``volume_of_diameter``."""
    return np.cbrt(2 * axis_ratio**2 * volume_mm3)


def event_days(
    curves: LesionCurves, rule: EventRule, size_per_root: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Day of response and day of progression on the curve without noise, infinite where never.

    Response is sought against the volume at the baseline scan, progression against the smallest
    volume from the first dose on (growth before it is not the drug's failure). Follow-up does not
    end: whether an event would have been seen is another question.

    Args:
        curves: n lesions.
        rule: thresholds.
        size_per_root: (n,) measured axis in mm over the cube root of the volume.

    Returns:
        (n,) days of response and (n,) days of progression.
    """
    base = curves.volume_at_baseline_mm3
    nadir_day = curves.nadir_day()
    nadir = curves.volume_mm3(nadir_day)
    if rule.is_volume:
        wanted = base * rule.response_ratio
        parts = (nadir * rule.progression_ratio, nadir + rule.progression_plus)
        limit = np.maximum(*parts) if rule.needs_both else np.minimum(*parts)
    else:
        wanted = base * rule.response_ratio**3
        size = size_per_root * np.cbrt(nadir)
        sizes = (size * rule.progression_ratio, size + rule.progression_plus)
        goal = np.maximum(*sizes) if rule.needs_both else np.minimum(*sizes)
        limit = (goal / size_per_root) ** 3
    zero = np.zeros(len(base))
    response = np.where(nadir <= wanted, _crossing(curves, zero, nadir_day, wanted, -1.0), np.inf)
    end = np.full(len(base), MAX_DAYS)
    with np.errstate(over="ignore"):
        at_end = curves.volume_mm3(end)
    progression = np.where(at_end > limit, _crossing(curves, nadir_day, end, limit, 1.0), np.inf)
    return response, progression


def _crossing(
    curves: LesionCurves, low: FloatArray, high: FloatArray, level: FloatArray, sign: float
) -> FloatArray:
    """Where a monotone stretch of the curve reaches ``level`` (bisection to 1e-6 days)."""
    low, high = low.copy(), high.copy()
    with np.errstate(over="ignore"):
        for _ in range(60):
            middle = (low + high) / 2
            is_past = sign * (curves.volume_mm3(middle) - level) >= 0
            high = np.where(is_past, middle, high)
            low = np.where(is_past, low, middle)
    return high
