"""The maximum and the profile-likelihood interval along one parameter, in few evaluations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

CLOSE = 1e-5
"""A step of the interpolation below this leaves an error far below it, so it is the last."""
MAX_EVALUATIONS = 40


def maximise_along(
    value: Callable[[float], float],
    start: float,
    first_step: float,
    lower: float,
    upper: float,
    close: float = CLOSE,
) -> tuple[float, bool]:
    """The maximum of a smooth function with one maximum between two limits.

    Steps of growing length until the maximum is bracketed, then cubics through the four points
    nearest to it.

    Args:
        value: the function.
        start: where to begin.
        first_step: towards where the maximum is thought to be; not 0.
        lower: search no lower.
        upper: search no higher.
        close: a step of the interpolation below this is the last.

    Returns:
        The maximum, which is one of the points evaluated; whether it converged: at a limit it did
        not.
    """
    seen: dict[float, float] = {}

    def at(x: float) -> float:
        if x not in seen:
            seen[x] = value(x)
        return seen[x]

    a, b = start, float(np.clip(start + first_step, lower, upper))
    if at(b) < at(a):
        a, b = b, a
    while lower < b < upper:
        c = float(np.clip(b + 1.6 * (b - a), lower, upper))
        if at(c) <= at(b):
            break
        a, b = b, c
        if len(seen) > MAX_EVALUATIONS:
            break
    while len(seen) < MAX_EVALUATIONS:
        best = max(seen, key=seen.__getitem__)
        left = [x for x in seen if x < best]
        right = [x for x in seen if x > best]
        if not left or not right:
            return best, False
        x = _peak(seen, best, max(left), min(right))
        if abs(x - best) < 1e-9:
            return best, True
        at(x)
        if abs(x - best) < close:
            # Of two so near, the values cannot tell which is higher; the cubic can.
            return x, True
    return max(seen, key=seen.__getitem__), False


def _peak(seen: dict[float, float], best: float, left: float, right: float) -> float:
    """Where the cubic through the four points nearest to the best one peaks, kept inside."""
    near = sorted({left, best, right, *sorted(seen, key=lambda x: abs(x - best))[:4]})
    near = sorted(near, key=lambda x: (x not in (left, best, right), abs(x - best)))[:4]
    x = np.array(near) - best
    y = np.array([seen[k] - seen[best] for k in near])
    scale = np.abs(x).max()
    coefficients = np.polyfit(x / scale, y, len(x) - 1)
    slope = np.polyder(coefficients)
    roots = np.roots(slope)
    roots = roots[np.abs(roots.imag) < 1e-12].real
    roots = roots[np.polyval(np.polyder(slope), roots) < 0] * scale + best
    inside = roots[(roots > left) & (roots < right)]
    if len(inside):
        return float(inside[np.argmin(np.abs(inside - best))])
    return float((best + (left if best - left > right - best else right)) / 2)


def likelihood_limit(
    value: Callable[[float], float],
    top: float,
    start: float,
    drop: float,
    guess: float,
    limit: float,
) -> float | None:
    """Where a profile log-likelihood has fallen by ``drop`` below its maximum ``top``.

    Brent's method on the signed root sqrt(2 (top - value)), which is nearly straight.

    Args:
        value: the profile.
        top: its maximum.
        start: a point where it has fallen by less.
        drop: by how much it shall have fallen.
        guess: first try, on the side wanted.
        limit: go no further.

    Returns:
        The place, within 1e-5, or None if it has not fallen by as much at ``limit``.
    """
    target = np.sqrt(2 * drop)
    seen: dict[float, float] = {}

    def short(x: float) -> float:
        if x not in seen:
            seen[x] = float(np.sqrt(max(2 * (top - value(x)), 0.0)) - target)
        return seen[x]

    inner, outer = start, guess
    while short(outer) < 0:
        if outer == limit:
            return None
        inner, outer = outer, outer + 1.6 * (outer - inner)
        outer = max(outer, limit) if limit < start else min(outer, limit)
    return float(brentq(short, inner, outer, xtol=1e-5))
