"""Shares of patients with exact confidence limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """A share, 0 to 1, with its limits."""

    share: float
    lower: float
    upper: float


def clopper_pearson(n_events: int, n: int, *, confidence: float = 0.95) -> Share:
    """Exact binomial limits: the shares that a two-sided test at 1 - confidence just keeps.

    lower = B(alpha / 2; x, n - x + 1), upper = B(1 - alpha / 2; x + 1, n - x), B being the quantile
    of the beta distribution; 0 for x = 0, and 1 for x = n (Clopper and Pearson, Biometrika 1934).
    Hand-worked: 0 of 10 at 95 % has the upper limit 1 - 0.025^(1/10) = 0.3085.

    Raises:
        ValueError: n is below 1, n_events not between 0 and n, or confidence not between 0 and 1.
    """
    from scipy.special import betaincinv

    if n < 1 or not 0 <= n_events <= n:
        raise ValueError(f"{n_events} of {n}: a share needs n of 1 or more and 0 to n events")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} must lie between 0 and 1")
    tail = (1 - confidence) / 2
    lower = 0.0 if n_events == 0 else float(betaincinv(n_events, n - n_events + 1, tail))
    upper = 1.0 if n_events == n else float(betaincinv(n_events + 1, n - n_events, 1 - tail))
    return Share(n_events / n, lower, upper)
