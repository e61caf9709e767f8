"""Times of response and progression on fitted two-population growth curves.

The curve of a lesion on day t >= 0 is f = V (F exp(kg t) + (1 - F) exp(-kd t)), V being the volume
on day 0. A sum of exponentials is convex in its logarithm: it falls to one nadir and rises for
ever. Times are found with phi = (log kg, log kd, logit F), which never overflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

MAX_STEPS = 100
TOLERANCE_DAYS = 1e-9


@dataclass(frozen=True)
class EventRule:
    """What counts as an event: a change from the reference that is large enough."""

    rule_id: str
    endpoint: Literal["response", "progression"]
    quantity: Literal["volume", "diameter"]
    relative_change: float | None
    """Least change as a fraction of the reference: -0.3, 0.2."""
    absolute_change: float | None
    """Least change in mm3 (volume) or mm (diameter)."""
    combine: Literal["and", "or"]
    """How two thresholds go together."""


@dataclass(frozen=True)
class GrowthCurve:
    """Curves of lesions; the arrays broadcast with each other."""

    kg: FloatArray
    """Growth rate per day."""
    kd: FloatArray
    """Shrinkage rate per day."""
    log_f: FloatArray
    """Log of the part that grows."""
    log_rest: FloatArray
    """Log of the part that shrinks."""
    log_start: FloatArray
    """Log of the volume on day 0, mm3."""

    @staticmethod
    def from_phi(
        phi: ArrayLike, v0: ArrayLike, t0: ArrayLike, *, grows_before: bool
    ) -> GrowthCurve:
        """Curves of parameters on the Gaussian scale.

        Args:
            phi: (..., 3) log kg, log kd, logit F.
            v0: (...) baseline volume, mm3; broadcasts with ``phi``'s leading axes.
            t0: (...) its day.
            grows_before: the lesion grows at kg until day 0; else its volume stays ``v0``.
        """
        values = np.asarray(phi, dtype=np.float64)
        kg, kd = np.exp(values[..., 0]), np.exp(values[..., 1])
        start = np.log(np.asarray(v0, dtype=np.float64))
        if grows_before:
            start = start - kg * np.asarray(t0, dtype=np.float64)
        else:
            start = np.broadcast_to(start, kg.shape)
        logit = values[..., 2]
        return GrowthCurve(kg, kd, -np.logaddexp(0.0, -logit), -np.logaddexp(0.0, logit), start)

    def log_volume(self, day: FloatArray) -> FloatArray:
        """Log of the volume in mm3 on days from 0 on."""
        return self.log_volume_with_slope(day)[0]

    def log_volume_with_slope(self, day: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The same and its derivative, per day."""
        growing, shrinking = self.log_f + self.kg * day, self.log_rest - self.kd * day
        larger = np.maximum(growing, shrinking)
        # Of the smaller part to the larger one; quicker than logaddexp.
        ratio = np.exp(np.minimum(growing, shrinking) - larger)
        total = 1.0 + ratio
        value = self.log_start + larger + np.log(total)
        share = np.where(growing >= shrinking, 1.0, ratio) / total
        return value, share * (self.kg + self.kd) - self.kd

    @cached_property
    def log_nadir(self) -> FloatArray:
        """Log of the smallest volume; several rules ask for it."""
        return self.log_volume(self.nadir_day())

    def nadir_day(self) -> FloatArray:
        """Day of the smallest volume: log((1 - F) kd / (F kg)) / (kg + kd), not before day 0."""
        turn = self.log_rest - self.log_f + np.log(self.kd) - np.log(self.kg)
        return np.maximum(turn / (self.kg + self.kd), 0.0)

    def take(self, where: NDArray[np.bool_]) -> GrowthCurve:
        """The curves at a mask of the broadcast shape, flat."""
        shape = where.shape
        return GrowthCurve(
            *(
                np.broadcast_to(one, shape)[where]
                for one in (self.kg, self.kd, self.log_f, self.log_rest, self.log_start)
            )
        )


def event_time(
    curve: GrowthCurve,
    rule: EventRule,
    baseline_mm3: ArrayLike,
    shape_factor: ArrayLike,
    horizon: ArrayLike,
) -> FloatArray:
    """First day, from day 0 to the horizon, on which a rule holds on the curve; inf without one.

    A response is measured from the baseline; a progression from the smallest volume since, the
    baseline included.

    Args:
        curve: of any shape s.
        rule: the rule.
        baseline_mm3: broadcasts with s.
        shape_factor: volume / diameter^3, by which volumes become diameters; broadcasts with s.
        horizon: last day that counts; broadcasts with s.

    Returns:
        Array of shape s.
    """
    nadir = curve.nadir_day()
    shape = np.broadcast_shapes(nadir.shape, np.shape(baseline_mm3), np.shape(horizon))
    nadir = np.broadcast_to(nadir, shape)
    end = np.broadcast_to(np.asarray(horizon, dtype=np.float64), shape)
    baseline = np.broadcast_to(np.asarray(baseline_mm3, dtype=np.float64), shape)
    factor = np.broadcast_to(np.asarray(shape_factor, dtype=np.float64), shape)
    start = np.broadcast_to(curve.log_start, shape)
    if rule.endpoint == "response":
        wanted = _log_threshold(rule, baseline, factor)
        left, right = np.zeros(shape), np.minimum(nadir, end)
        is_at_once = start <= wanted
        is_met = curve.log_volume(right) <= wanted
    else:
        lowest = np.broadcast_to(np.exp(np.minimum(curve.log_nadir, 690.0)), shape)
        wanted = _log_threshold(rule, np.minimum(baseline, lowest), factor)
        left, right = nadir, end
        # Before the nadir the curve falls, so only a rise before day 0 can have met the rule.
        first = np.minimum(baseline, np.exp(np.minimum(start, 690.0)))
        is_at_once = start >= _log_threshold(rule, first, factor)
        is_met = (curve.log_volume(end) >= wanted) & (nadir < end)
    time = np.full(shape, np.inf)
    time[is_at_once & (end >= 0)] = 0.0
    todo = is_met & ~is_at_once & (end >= 0)
    if todo.any():
        time[todo] = _crossing(
            curve.take(todo), wanted[todo], left[todo], right[todo], rule.endpoint == "response"
        )
    return time


def first_event(times: Sequence[FloatArray]) -> tuple[FloatArray, NDArray[np.int64]]:
    """Earliest of several rules' times, and which rule it is: the first in order on a tie."""
    stack = np.stack(times)
    which = np.argmin(stack, axis=0)
    return np.take_along_axis(stack, which[None], axis=0)[0], which


def _log_threshold(rule: EventRule, reference: FloatArray, factor: FloatArray) -> FloatArray:
    """Log of the volume at which a rule holds; -inf (response) where no curve gets there."""
    size = reference if rule.quantity == "volume" else np.cbrt(reference / factor)
    wanted = []
    if rule.relative_change is not None:
        wanted.append(size * (1.0 + rule.relative_change))
    if rule.absolute_change is not None:
        wanted.append(size + rule.absolute_change)
    if not wanted:
        raise ValueError(f"rule {rule.rule_id} asks for no change that a curve could reach")
    # The farther of two thresholds where both must be met, the nearer where one is enough.
    is_farther_larger = rule.endpoint == "progression"
    choose = np.maximum if is_farther_larger == (rule.combine != "or") else np.minimum
    level = choose.reduce(wanted)
    if rule.quantity == "diameter":
        level = factor * np.sign(level) * np.abs(level) ** 3
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(level, 0.0))


def _crossing(
    curve: GrowthCurve,
    wanted: FloatArray,
    left: FloatArray,
    right: FloatArray,
    is_falling: bool,
) -> FloatArray:
    """(n,) days in [left, right] on which monotone pieces of the curves reach ``wanted``.

    Newton's method from the side that lies above, where a convex function never overshoots; kept
    within a bracket that shrinks at every step, and halved where Newton would leave it.
    """
    low, high = left.copy(), right.copy()
    day = low.copy() if is_falling else high.copy()
    active = np.arange(len(day))
    for _ in range(MAX_STEPS):
        part = GrowthCurve(
            curve.kg[active],
            curve.kd[active],
            curve.log_f[active],
            curve.log_rest[active],
            curve.log_start[active],
        )
        here = day[active]
        value, slope = part.log_volume_with_slope(here)
        gap = value - wanted[active]
        is_right_of_root = (gap < 0) if is_falling else (gap > 0)
        high[active] = np.where(is_right_of_root, here, high[active])
        low[active] = np.where(is_right_of_root, low[active], here)
        step = gap / np.where(slope == 0, np.inf, slope)
        moved = here - step
        is_outside = ~((moved >= low[active]) & (moved <= high[active])) | (slope == 0)
        moved = np.where(is_outside, 0.5 * (low[active] + high[active]), moved)
        day[active] = np.where(gap == 0, here, moved)
        is_open = (gap != 0) & (np.abs(day[active] - here) > TOLERANCE_DAYS * (1.0 + here))
        active = active[is_open]
        if len(active) == 0:
            break
    return day
