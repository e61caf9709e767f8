"""The difference of two shares of patients, with score limits."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """A difference of two shares, -1 to 1, with its limits."""

    difference: float
    lower: float
    upper: float


def miettinen_nurminen(
    n_events: int, n: int, other_events: int, other_n: int, *, confidence: float = 0.95
) -> Difference:
    """Score limits of p - q for x of n against y of m independent patients.

    The limits are the differences d for which |p - q - d| = z V(d)^(1/2), where V(d) is
    (p~(1 - p~)/n + q~(1 - q~)/m) N / (N - 1), N = n + m, and p~, q~ the maximum-likelihood shares
    under p - q = d (Miettinen and Nurminen, Stat Med 1985; 4:213, equations 8 and 9 and the
    appendix). Published example (Newcombe, Stat Med 1998; 17:873, Table II, a): 56 of 70 against 48
    of 80 gives 0.20, 0.0528 to 0.3382.

    Raises:
        ValueError: a count that is negative or above its n, n below 1, or confidence not between 0
            and 1.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    for x, total in ((n_events, n), (other_events, other_n)):
        if total < 1 or not 0 <= x <= total:
            raise ValueError(f"{x} of {total}: a share needs n of 1 or more and 0 to n events")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} must lie between 0 and 1")
    difference = n_events / n - other_events / other_n
    z = float(norm.ppf((1 + confidence) / 2))

    def beyond(d: float) -> float:
        """How much the distance from d exceeds what is allowed."""
        p, q = _restricted(n_events, n, other_events, other_n, d)
        variance = (p * (1 - p) / n + q * (1 - q) / other_n) * (n + other_n) / (n + other_n - 1)
        return abs(difference - d) - z * math.sqrt(max(variance, 0.0))

    def limit(end: float) -> float:
        # At -1 and 1 the restricted shares are 0 and 1, and so they may be at the difference
        # itself: no variance is left there, but there is beside it.
        inside = difference + math.copysign(1e-9, end)
        if abs(inside) >= 1:
            return end
        return float(brentq(beyond, end, inside, xtol=1e-12))

    return Difference(difference, limit(-1.0), limit(1.0))


def _restricted(x: int, n: int, y: int, m: int, d: float) -> tuple[float, float]:
    """Shares of greatest likelihood whose difference is d: the root of a cubic, in closed form."""
    total = n + m
    third = float(total)
    second = (n + 2 * m) * d - total - x - y
    first = (m * d - total - 2 * y) * d + x + y
    zeroth = y * d * (1 - d)
    shift = second / (3 * third)
    c = shift**3 - first * second / (6 * third**2) + zeroth / (2 * third)
    b = math.copysign(math.sqrt(max(shift**2 - first / (3 * third), 0.0)), c)
    angle = 0.0 if b == 0 else math.acos(min(1.0, max(-1.0, c / b**3)))
    q = 2 * b * math.cos((math.pi + angle) / 3) - shift
    q = min(max(q, 0.0, -d), 1.0, 1.0 - d)
    return q + d, q
