"""Growth models as small objects: parameters, prediction and derivatives.

A model says how the volume f of one lesion runs over the days t since the first dose. Two forms of
the baseline are shared by all of them:

- ``baseline="regressor"``: the lesion's first volume V0, measured on day T0, is taken as it is, and
  the curve passes through it (Monolix: V0 and T0 are regressors);
- ``baseline="parameter"``: the volume on day 0 is a further, log-normal parameter ``v0``.

And two ways to see the time before the first dose, for models in which a treatment begins:

- ``pretreatment="growth"``: the lesion grows at its rate kg until the first dose, as the code
  published with Zhou 2023 has it: f = V0 exp(kg (t - T0)) for t < 0, which makes the volume on the
  first day of treatment V0 exp(-kg T0);
- ``pretreatment="flat"``: the volume is V0 until day 0, as equation (2) of the paper has it.

Adding a model means writing ``parameters``, ``predict`` and ``predict_with_slopes``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from udfs.growth.parameters import LARGEST_EXPONENT, FloatArray, Parameter

Baseline = Literal["regressor", "parameter"]
Pretreatment = Literal["growth", "flat"]

SMALLEST = 1e-100
"""Bound of a denominator that is positive wherever the curve is."""

BASELINE_VOLUME = Parameter("v0", "mm3", "lognormal", 10_000.0)


@dataclass(frozen=True)
class Times:
    """What a prediction needs to know about each measurement; arrays of one shape, or (m, 1)."""

    since_baseline: FloatArray
    """t - T0, days. With a flat pre-treatment phase max(t, 0); with a baseline parameter t."""
    before_dose: FloatArray
    """The part of it that lies before the first dose: min(t, 0) - T0; 0 where that is flat."""
    since_dose: FloatArray
    """max(t, 0), days."""
    v0: FloatArray
    """The regressor V0, mm3; 1 where the baseline is a parameter."""

    def take(self, rows: FloatArray | slice) -> Times:
        """The same for some rows."""
        return Times(
            self.since_baseline[rows], self.before_dose[rows], self.since_dose[rows], self.v0[rows]
        )


@dataclass(frozen=True)
class GrowthModel(ABC):
    """What all growth models share."""

    baseline: Baseline = "regressor"
    pretreatment: Pretreatment = "growth"

    name: ClassVar[str]
    has_treatment: ClassVar[bool] = True
    """Whether something changes at the first dose."""

    @property
    @abstractmethod
    def shape_parameters(self) -> tuple[Parameter, ...]:
        """Parameters other than the baseline volume."""

    @abstractmethod
    def _shape(self, psi: Sequence[FloatArray], times: Times) -> FloatArray:
        """Volume over V0 (``times.v0``)."""

    @abstractmethod
    def _shape_slopes(
        self, psi: Sequence[FloatArray], times: Times
    ) -> tuple[FloatArray, list[FloatArray]]:
        """Volume over V0, and its derivatives with respect to the shape parameters."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters that vary from lesion to lesion, in order."""
        if self.baseline == "parameter":
            return (BASELINE_VOLUME, *self.shape_parameters)
        return self.shape_parameters

    @property
    def label(self) -> str:
        """Name with the options that differ from the default."""
        options = []
        if self.baseline != "regressor":
            options.append("v0 estimated")
        if self.has_treatment and self.pretreatment != "growth":
            options.append("flat before treatment")
        return f"{self.name} ({', '.join(options)})" if options else self.name

    def times(self, time: FloatArray, v0: FloatArray, t0: FloatArray) -> Times:
        """Prepare measurements for prediction.

        Args:
            time: days since the first dose.
            v0: baseline volume of the measurement's lesion, mm3 (not used by a baseline parameter).
            t0: day of that baseline.
        """
        if self.baseline == "parameter":
            v0, t0 = np.ones_like(time), np.zeros_like(time)
        after = np.maximum(time, 0.0)
        if self.has_treatment and self.pretreatment == "flat":
            return Times(after, np.zeros_like(time), after, v0)
        return Times(time - t0, np.minimum(time, 0.0) - t0, after, v0)

    def predict(self, psi: Sequence[FloatArray], times: Times) -> FloatArray:
        """Volume f in mm3.

        Args:
            psi: one array per parameter on the natural scale, each of the rows' shape or
                broadcasting with it: (m,) with (m,) times, or (m, s) with (m, 1) times.
            times: from ``times``.
        """
        if self.baseline == "parameter":
            return psi[0] * self._shape(psi[1:], times)
        shape = self._shape(psi, times)
        shape *= times.v0
        return shape

    def predict_with_slopes(
        self, psi: Sequence[FloatArray], times: Times
    ) -> tuple[FloatArray, list[FloatArray]]:
        """Volume f and df/dpsi for every parameter (natural scale), shapes as in ``predict``."""
        if self.baseline == "parameter":
            shape, slopes = self._shape_slopes(psi[1:], times)
            return psi[0] * shape, [shape, *(psi[0] * one for one in slopes)]
        shape, slopes = self._shape_slopes(psi, times)
        return times.v0 * shape, [times.v0 * one for one in slopes]

    def ridge_move(
        self, phi: FloatArray, step: FloatArray, last_day: FloatArray
    ) -> tuple[FloatArray, FloatArray] | None:
        """Move along a direction in which the data say little; None for models without one.

        Args:
            phi: (p, n) Gaussian scale.
            step: (n,) size of the move, symmetric about 0.
            last_day: (n,) last day on which the lesion was measured.

        Returns:
            The (p, n) new point and the (n,) log Jacobian; -inf where the move is impossible.
        """
        del phi, step, last_day
        return None


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
