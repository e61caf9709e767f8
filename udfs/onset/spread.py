"""Metastases that a primary sends out: how many can be seen (Iwata 2000, without secondaries)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MEAN_NODES = 200
"""Gauss-Hermite nodes for a log-normal emission rate."""


@dataclass(frozen=True)
class Growth:
    """V(t) = V_0 exp(alpha / beta (1 - exp(-beta t))), exponential where beta is 0. Cells, days."""

    alpha: float
    beta: float = 0.0
    start: float = 1.0

    @property
    def plateau(self) -> float:
        """Size that is never reached; infinite where growth is exponential."""
        return self.start * float(np.exp(self.alpha / self.beta)) if self.beta else float("inf")

    def size(self, age: float) -> float:
        """Cells so many days after the first."""
        if not self.beta:
            return self.start * float(np.exp(self.alpha * age))
        return self.start * float(np.exp(-self.alpha / self.beta * np.expm1(-self.beta * age)))

    def age(self, size: float) -> float:
        """Days from the first cell to a size; NaN for one at or above the plateau."""
        ratio = float(np.log(size / self.start))
        if not self.beta:
            return ratio / self.alpha
        if size >= self.plateau:
            return float("nan")
        return -float(np.log1p(-self.beta / self.alpha * ratio)) / self.beta

    def emitted(self, gamma: float, until: float) -> float:
        """Integral of V^gamma from the first cell to an age: metastases at emission rate 1.

        Exponential: V_0^g (e^(g k T) - 1) / (g k). Gompertz, with c = g alpha / beta:
        V_0^g e^c (E1(c e^(-beta T)) - E1(c)) / beta.
        """
        from scipy.special import exp1

        if until <= 0:
            return 0.0
        if not self.beta:
            rate = gamma * self.alpha
            return self.start**gamma * float(np.expm1(rate * until)) / rate
        c = gamma * self.alpha / self.beta
        if c > 700:
            raise ValueError(f"gamma alpha / beta is {c:.4g}: above 700 the integral overflows")
        low = float(exp1(c * np.exp(-self.beta * until)) - exp1(c))
        return self.start**gamma * float(np.exp(c)) * low / self.beta


def expected_visible(
    primary: Growth,
    metastasis: Growth,
    mu: float,
    gamma: float,
    time: float,
    visible: float,
    removed: float = float("inf"),
    dormancy: float = 0.0,
) -> float:
    """Mean number of metastases of at least ``visible`` cells at a time after the first cell.

    N_vis(t) = mu times the integral of V_p^gamma up to min(t - tau, removal), tau the age at which
    a metastasis is visible and the days it lay dormant. Only mu e^(-k tau) can be told from counts
    where growth is exponential: not mu, tau and dormancy apart.

    Raises:
        ValueError: a metastasis never reaches the visible size.
    """
    tau = metastasis.age(visible) + dormancy
    if not np.isfinite(tau):
        raise ValueError("the visible size is above the plateau of a metastasis")
    return mu * primary.emitted(gamma, min(time - tau, removed))


def probability_any_visible(mean: float, log_sd: float = 0.0) -> float:
    """P(at least one) of Poisson counts: 1 - exp(-N), over a log-normal emission rate.

    Args:
        mean: expected number at the median emission rate.
        log_sd: standard deviation of the rate's logarithm.
    """
    if log_sd == 0:
        return -float(np.expm1(-mean))
    x, w = np.polynomial.hermite_e.hermegauss(MEAN_NODES)
    return float((w * -np.expm1(-mean * np.exp(log_sd * x))).sum() / w.sum())


def probability_mean_visible(mean: float, log_sd: float) -> float:
    """P(the expected number is 1 or more), the rule of Benzekry and Nicolo: Phi(log(mean) / sd).

    Not the probability of a visible metastasis: for a mean of 0.5 and a log_sd of 2 it is 0.36,
    and the Poisson rule's 0.41.
    """
    from scipy.special import ndtr

    return float(ndtr(np.log(mean) / log_sd))
