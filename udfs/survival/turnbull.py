"""Turnbull's estimate: survival where an event is known to lie between two times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from udfs.survival.checked import BoolArray, FloatArray, IntArray

GAP = 1e-6
"""The log-likelihood is within so much of its largest value."""
MAX_STEPS = 500
ARMIJO = 1e-4
ROUNDING = 1e-15
"""Of a log-likelihood, relative."""


@dataclass(frozen=True)
class TurnbullCurve:
    """Masses on m innermost intervals, ascending. Where in one the mass lies is not known."""

    left: FloatArray
    """(m,) the interval is (left, right], or the point where both are equal."""
    right: FloatArray
    """(m,) infinity where nobody was seen to have the event later."""
    mass: FloatArray
    """(m,) probability of the event in it; above 0."""
    loglik: float
    gap: float
    """The log-likelihood is at most so far from its largest value."""
    n: int
    n_events: int
    """Subjects whose interval has an end."""

    @property
    def survival(self) -> FloatArray:
        """(m,) share without event after each interval's end."""
        return np.maximum(1.0 - np.cumsum(self.mass), 0.0)

    def quantile(self, share: float) -> tuple[float, float]:
        """The interval in which a share has had the event; NaN where it is not reached.

        Raises:
            ValueError: share is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise ValueError(f"share {share} must lie between 0 and 1")
        gone = np.cumsum(self.mass)
        place = int(np.searchsorted(gone, share - 1e-9))
        if place == gone.size or not np.isfinite(self.right[place]):
            return float("nan"), float("nan")
        return float(self.left[place]), float(self.right[place])


def turnbull(lower: ArrayLike, upper: ArrayLike) -> TurnbullCurve:
    """Nonparametric maximum likelihood of interval-censored times.

    The log-likelihood is the sum over subjects of log(mass in (lower, upper]); mass can only lie in
    the innermost intervals, which begin with a lower limit and end with the next limit, an upper
    one (Turnbull, JRSS B 1976). Maximised by constrained Newton steps (Wang, Comput Stat Data Anal
    2007): non-negative least squares of sum_j S_ij p_j on 2, S_ij being 1 / (mass of subject i)
    where interval j is one of theirs. As masses add up to 1, (S - 2) p is to be least, which a row
    of sum_j p_j on 1 and a division by what the sum comes out as make exact (Dax 1990). By
    concavity the log-likelihood is within max_j sum_i S_ij - n of its maximum: ``gap``. The search
    ends at ``GAP``, or where no step brings it nearer. Times that are known or right-censored give
    the Kaplan-Meier estimate.

    Args:
        lower: (n,) last time without the event, 0 or more.
        upper: (n,) first time with it; equal to ``lower`` where the time is known; infinite where
            the event was not seen.

    Raises:
        ValueError: limits missing, below 0 or in the wrong order; names the row.
    """
    low, high = _checked(lower, upper)
    n, is_event = low.size, np.isfinite(high)
    if n == 0:
        nothing = np.zeros(0)
        return TurnbullCurve(nothing, nothing, nothing, 0.0, 0.0, 0, 0)
    left, right, first, last, count = _innermost(low, high)
    mass = np.full(left.size, 1.0 / left.size)
    for step in range(MAX_STEPS + 1):
        own = _own(mass, first, last)
        gradient = _sum_over(count / own, first, last, left.size)
        gap = float(gradient.max() - n)
        if gap <= GAP or step == MAX_STEPS:
            break
        moved = _newton_step(mass, own, gradient, first, last, count)
        if moved is None:
            break
        mass = moved
    loglik = float(count @ np.log(own))
    kept = mass > 0
    return TurnbullCurve(left[kept], right[kept], mass[kept], loglik, gap, n, int(is_event.sum()))


def _checked(lower: ArrayLike, upper: ArrayLike) -> tuple[FloatArray, FloatArray]:
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    if low.ndim != 1 or low.shape != high.shape:
        raise ValueError(f"lower and upper must be flat and alike: {low.shape}, {high.shape}")
    bad = ~(np.isfinite(low) & (low >= 0) & (high >= low))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"row {row}: ({low[row]}, {high[row]}]; limits must be 0 or more, and in this order"
        )
    return low, high


def _innermost(
    low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray, IntArray, IntArray, FloatArray]:
    """The innermost intervals, and of the distinct subjects which of them are theirs.

    Returns:
        (m,) left ends, (m,) right ends; (k,) first and (k,) one past the last interval of each
        distinct pair of limits; (k,) subjects with that pair.
    """
    pairs, count = np.unique(np.column_stack((low, high)), axis=0, return_counts=True)
    a, b = pairs.T
    # At one time a known event begins, then intervals end, then others begin, being open there.
    time = np.concatenate((a, b))
    rank = np.concatenate((np.where(a == b, 0, 2), np.ones(b.size, dtype=int)))
    is_end = np.repeat([False, True], a.size)
    order = np.lexsort((rank, time))
    ends, times = is_end[order], time[order]
    inner = np.flatnonzero(~ends[:-1] & ends[1:])
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.arange(order.size)
    first = np.searchsorted(inner, place[: a.size])
    last = np.searchsorted(inner, place[a.size :])
    return times[inner], times[inner + 1], first, last, count.astype(np.float64)


def _own(mass: FloatArray, first: IntArray, last: IntArray) -> FloatArray:
    """(k,) mass in each subject's interval."""
    gone = np.concatenate(([0.0], np.cumsum(mass)))
    return np.asarray(gone[last] - gone[first])


def _sum_over(value: FloatArray, first: IntArray, last: IntArray, m: int) -> FloatArray:
    """(m,) sum of the values of the subjects whose interval holds each innermost one."""
    change = np.bincount(first, value, m + 1) - np.bincount(last, value, m + 1)
    return np.asarray(np.cumsum(change)[:m])


def _newton_step(
    mass: FloatArray,
    own: FloatArray,
    gradient: FloatArray,
    first: IntArray,
    last: IntArray,
    count: FloatArray,
) -> FloatArray | None:
    """The masses after one step, 0 where it takes them to 0; None where no step rises."""
    from scipy.optimize import nnls

    tried = np.flatnonzero((mass > 0) | _is_peak(gradient))
    scale = np.sqrt(count)
    inside: BoolArray = (tried >= first[:, None]) & (tried < last[:, None])
    weight = float(np.sqrt(count.sum()))
    design = np.vstack(
        ((inside / own[:, None] - 2.0) * scale[:, None], np.full(tried.size, weight))
    )
    found = np.zeros(mass.size)
    found[tried] = nnls(design, np.append(np.zeros(own.size), weight))[0]
    found /= found.sum()
    move = found - mass
    slope, before = float(gradient @ move), float(count @ np.log(own))
    # Near the maximum a step gains less than the sum's rounding, and is still right.
    floor = before - ROUNDING * (abs(before) + count.sum())
    step = 1.0
    while step > 1e-12:
        moved = found if step == 1.0 else mass + step * move
        there = _own(moved, first, last)
        if (there > 0).all() and count @ np.log(there) >= floor + ARMIJO * step * slope:
            return moved
        step /= 2
    return None


def _is_peak(gradient: FloatArray) -> BoolArray:
    padded = np.concatenate(([-np.inf], gradient, [-np.inf]))
    return np.asarray((gradient >= padded[:-2]) & (gradient >= padded[2:]))
