"""Growth models as small objects: parameters, prediction and derivatives.

V0 is the volume on the baseline day T0, t the day since the first dose; see ``model_base`` for the
two forms of the baseline and the time before treatment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from udfs.growth.model_base import GrowthModel, Times, TwoRates
from udfs.growth.parameters import LARGEST_EXPONENT, FloatArray, Parameter

SMALLEST_RATE = 1e-6
"""A rate that a candidate for a second mode may have, per day."""
UNSEEN = 4.0
"""exp(-4) of the volume is regrown on the last day of a candidate whose growth does not show."""
SMALLEST = 1e-100
"""Bound of a denominator that is positive wherever the curve is."""


def _exp(exponent: FloatArray) -> FloatArray:
    """exp, bounded so that it never overflows; may reuse its argument."""
    np.minimum(exponent, LARGEST_EXPONENT, out=exponent)
    return np.exp(exponent, out=exponent)


@dataclass(frozen=True)
class TwoPopulation(GrowthModel):
    """Zhou 2023: a part F of the lesion regrows at kg, the rest shrinks at kd.

    Equation (2): f = V0 (F exp(kg t) + (1 - F) exp(-kd t)). With growth before treatment (default):

        f = V0 exp(kg (t - T0))                                        t < 0
        f = V0 exp(-kg T0) (F exp(kg t) + (1 - F) exp(-kd t))          t >= 0

    Hand-worked: V0 = 1000 on day -20, kg = .01, kd = .05, F = .2. Day 0: 1000 exp(.2) = 1221.4.
    Day 40: 1221.4 (.2 exp(.4) + .8 exp(-2)) = 1221.4 (.29836 + .10827) = 496.7.
    """

    name: ClassVar[str] = "two_population"

    @property
    def shape_parameters(self) -> tuple[Parameter, ...]:
        """kg and kd per day (log-normal), F (logit-normal); the paper's starting values."""
        return (
            Parameter("kg", "1/day", "lognormal", 0.01),
            Parameter("kd", "1/day", "lognormal", 0.01),
            Parameter("f", "", "logitnormal", 0.1),
        )

    def _shape(self, psi: Sequence[FloatArray], times: Times) -> FloatArray:
        kg, kd, f = psi
        growing = _exp(kg * times.since_baseline)
        exponent = kd * -times.since_dose
        exponent += kg * times.before_dose
        shrinking = _exp(exponent)
        growing -= shrinking
        growing *= f
        growing += shrinking
        return growing

    def _shape_slopes(
        self, psi: Sequence[FloatArray], times: Times
    ) -> tuple[FloatArray, list[FloatArray]]:
        kg, kd, f = psi
        growing = _exp(kg * times.since_baseline)
        shrinking = _exp(kg * times.before_dose - kd * times.since_dose)
        rest = (1.0 - f) * shrinking
        slopes = [
            f * growing * times.since_baseline + rest * times.before_dose,
            -rest * times.since_dose,
            growing - shrinking,
        ]
        return f * growing + rest, slopes

    def mode_candidates(self, rates: TwoRates, typical: FloatArray, sd: FloatArray) -> FloatArray:
        """kg from the growth before treatment and from growth after it; kd from what shrank; F near
        1, or so small that growth shows on the last day, or not yet.

        The first rows of ``typical`` (the baseline volume, where it is a parameter) stay.
        """
        one = np.ones((1, typical.shape[1]))
        kg0, kd0 = np.exp(typical[-3]), np.exp(typical[-2])
        z = np.array([-1.0, 1.0, 2.5])[:, None]
        kg = np.concatenate([kg0 * np.exp(z * sd[-3]), rates.before.T, rates.after.T], axis=0)
        kd = np.concatenate([kd0 * np.exp(sd[-2] * np.array([[-3.0], [0.0]])), -rates.after.T])
        kg = np.log(np.where(kg > SMALLEST_RATE, kg, kg0))
        kd = np.log(np.where(kd > SMALLEST_RATE, kd, kd0 * np.exp(-2.0 * sd[-2])))
        seen = -np.exp(kg) * rates.last_day
        shares = [typical[-1] + sd[-1] * k * one for k in (0.0, 2.0)]
        return _all_pairs(typical, kg, kd, [seen - UNSEEN, seen, *shares])

    def ridge_move(
        self, phi: FloatArray, step: FloatArray, last_day: FloatArray
    ) -> tuple[FloatArray, FloatArray] | None:
        """Change kg and F together so that F exp(kg last_day), what regrowth shows, stays.

        log kg' = log kg + step, F' = F exp((kg - kg') last_day), Jacobian (1 - F) / (1 - F').
        """
        kg = self.parameters[-3]
        moved = phi.copy()
        moved[-3] += step
        change = (kg.to_psi(phi[-3]) - kg.to_psi(moved[-3])) * last_day
        old_rest = -np.logaddexp(0.0, phi[-1])
        log_f = -np.logaddexp(0.0, -phi[-1]) + change
        with np.errstate(divide="ignore", invalid="ignore"):
            new_rest = np.log(-np.expm1(log_f))
            moved[-1] = log_f - new_rest
        is_possible = (log_f < 0) & (np.abs(moved[-1]) < LARGEST_EXPONENT)
        moved[-1] = np.where(is_possible, moved[-1], phi[-1])
        return moved, np.where(is_possible, old_rest - new_rest, -np.inf)


def _all_pairs(
    typical: FloatArray, kg: FloatArray, kd: FloatArray, shares: list[FloatArray]
) -> FloatArray:
    """(p, n, R) every kg (a, n) with every kd (b, n) and every logit of F (a or 1, n)."""
    a, n = kg.shape
    b, c = len(kd), len(shares)
    full = (c, a, b, n)
    share = np.stack([np.broadcast_to(one, (a, n)) for one in shares])
    points = np.empty((len(typical), *full))
    points[:-3] = typical[:-3, None, None, None, :]
    points[-3] = kg[None, :, None, :]
    points[-2] = kd[None, None, :, :]
    points[-1] = share[:, :, None, :]
    return points.transpose(0, 4, 1, 2, 3).reshape(len(typical), n, -1)


@dataclass(frozen=True)
class SteinFojo(GrowthModel):
    """Stein 2011: f = V0 (exp(kg t) + exp(-kd t) - 1) from the first dose on."""

    name: ClassVar[str] = "stein_fojo"

    @property
    def shape_parameters(self) -> tuple[Parameter, ...]:
        """kg and kd per day, log-normal."""
        return (
            Parameter("kg", "1/day", "lognormal", 0.005),
            Parameter("kd", "1/day", "lognormal", 0.01),
        )

    def _shape(self, psi: Sequence[FloatArray], times: Times) -> FloatArray:
        kg, kd = psi
        total = _exp(kg * times.since_dose)
        total += _exp(kd * -times.since_dose)
        total -= 1.0
        total *= _exp(kg * times.before_dose)
        return total

    def _shape_slopes(
        self, psi: Sequence[FloatArray], times: Times
    ) -> tuple[FloatArray, list[FloatArray]]:
        kg, kd = psi
        growing = _exp(kg * times.since_dose)
        shrinking = _exp(kd * -times.since_dose)
        start = _exp(kg * times.before_dose)
        shape = start * (growing + shrinking - 1.0)
        slopes = [
            start * growing * times.since_dose + shape * times.before_dose,
            -start * shrinking * times.since_dose,
        ]
        return shape, slopes


@dataclass(frozen=True)
class Claret(GrowthModel):
    """Claret 2009 with constant exposure: growth kg, killing kd that wanes at rate lam.

    f = V0 exp(kg t - kd / lam (1 - exp(-lam t))) from the first dose on.
    """

    name: ClassVar[str] = "claret"

    @property
    def shape_parameters(self) -> tuple[Parameter, ...]:
        """kg, kd and lam per day, log-normal."""
        return (
            Parameter("kg", "1/day", "lognormal", 0.003),
            Parameter("kd", "1/day", "lognormal", 0.02),
            Parameter("lam", "1/day", "lognormal", 0.01),
        )

    def _shape(self, psi: Sequence[FloatArray], times: Times) -> FloatArray:
        kg, kd, lam = psi
        waned = -np.expm1(-np.minimum(lam * times.since_dose, LARGEST_EXPONENT))
        return _exp(kg * times.since_baseline - kd / lam * waned)

    def _shape_slopes(
        self, psi: Sequence[FloatArray], times: Times
    ) -> tuple[FloatArray, list[FloatArray]]:
        kg, kd, lam = psi
        kept = np.exp(-np.minimum(lam * times.since_dose, LARGEST_EXPONENT))
        killed = -np.expm1(-np.minimum(lam * times.since_dose, LARGEST_EXPONENT)) / lam
        shape = _exp(kg * times.since_baseline - kd * killed)
        slopes = [
            shape * times.since_baseline,
            -shape * killed,
            shape * kd * (killed - kept * times.since_dose) / lam,
        ]
        return shape, slopes


@dataclass(frozen=True)
class Exponential(GrowthModel):
    """One exponential, growing or shrinking: f = V0 exp(k (t - T0))."""

    name: ClassVar[str] = "exponential"
    has_treatment: ClassVar[bool] = False

    @property
    def shape_parameters(self) -> tuple[Parameter, ...]:
        """k per day, normal: negative where the lesion shrinks."""
        return (Parameter("k", "1/day", "normal", -0.002, 0.01),)

    def _shape(self, psi: Sequence[FloatArray], times: Times) -> FloatArray:
        return _exp(psi[0] * times.since_baseline)

    def _shape_slopes(
        self, psi: Sequence[FloatArray], times: Times
    ) -> tuple[FloatArray, list[FloatArray]]:
        shape = _exp(psi[0] * times.since_baseline)
        return shape, [shape * times.since_baseline]


@dataclass(frozen=True)
class Gompertz(GrowthModel):
    """Growth (or shrinkage) at a rate that decays: f = V0 exp(k / decay (1 - exp(-decay u))).

    u = t - T0; the volume tends to V0 exp(k / decay). Before T0 (u < 0) the rate is larger.
    """

    name: ClassVar[str] = "gompertz"
    has_treatment: ClassVar[bool] = False

    @property
    def shape_parameters(self) -> tuple[Parameter, ...]:
        """k per day at T0 (normal), decay per day (log-normal)."""
        return (
            Parameter("k", "1/day", "normal", -0.01, 0.02),
            Parameter("decay", "1/day", "lognormal", 0.01),
        )

    def _shape(self, psi: Sequence[FloatArray], times: Times) -> FloatArray:
        k, decay = psi
        passed = -np.expm1(np.minimum(-decay * times.since_baseline, LARGEST_EXPONENT)) / decay
        return _exp(np.maximum(k * passed, -LARGEST_EXPONENT))

    def _shape_slopes(
        self, psi: Sequence[FloatArray], times: Times
    ) -> tuple[FloatArray, list[FloatArray]]:
        k, decay = psi
        kept = np.exp(np.minimum(-decay * times.since_baseline, LARGEST_EXPONENT))
        passed = (1.0 - kept) / decay
        shape = _exp(np.maximum(k * passed, -LARGEST_EXPONENT))
        return shape, [
            shape * passed,
            shape * k * (kept * times.since_baseline - passed) / decay,
        ]


@dataclass(frozen=True)
class Logistic(GrowthModel):
    """Towards a last size: f = V0 q / (1 + (q - 1) exp(-r u)), u = t - T0.

    q is the size that the lesion tends to, over V0: growth where q > 1, shrinkage where q < 1.
    """

    name: ClassVar[str] = "logistic"
    has_treatment: ClassVar[bool] = False

    @property
    def shape_parameters(self) -> tuple[Parameter, ...]:
        """r per day, q without unit; both log-normal."""
        return (
            Parameter("r", "1/day", "lognormal", 0.01),
            Parameter("q", "", "lognormal", 0.5),
        )

    def _shape(self, psi: Sequence[FloatArray], times: Times) -> FloatArray:
        r, q = psi
        falling = _exp(-r * times.since_baseline)
        return q / np.maximum(1.0 + (q - 1.0) * falling, SMALLEST)

    def _shape_slopes(
        self, psi: Sequence[FloatArray], times: Times
    ) -> tuple[FloatArray, list[FloatArray]]:
        r, q = psi
        falling = _exp(-r * times.since_baseline)
        below = np.maximum(1.0 + (q - 1.0) * falling, SMALLEST)
        shape = q / below
        return shape, [
            shape * ((q - 1.0) * falling / below) * times.since_baseline,
            (1.0 - falling) / below / below,
        ]


MODELS: dict[str, type[GrowthModel]] = {
    one.name: one for one in (TwoPopulation, SteinFojo, Claret, Exponential, Gompertz, Logistic)
}
"""The shipped models by name."""


def growth_model(name: str) -> GrowthModel:
    """A shipped model by name, with its default options.

    Raises:
        ValueError: an unknown name; the message lists the known ones.
    """
    if name not in MODELS:
        raise ValueError(f"no growth model is called {name!r}; known are {', '.join(MODELS)}")
    return MODELS[name]()
