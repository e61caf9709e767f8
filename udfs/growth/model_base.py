"""What all growth models share: the interface, the baseline and the time before treatment.

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

Adding a model means writing ``shape_parameters``, ``_shape`` and ``_shape_slopes``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from udfs.growth.parameters import FloatArray, Parameter, one_of

Baseline = Literal["regressor", "parameter"]
Pretreatment = Literal["growth", "flat"]

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

    def take(self, rows: Any) -> Times:
        """The same for some rows (anything that indexes an array)."""
        return Times(
            self.since_baseline[rows], self.before_dose[rows], self.since_dose[rows], self.v0[rows]
        )


@dataclass(frozen=True)
class TwoRates:
    """Rates of n lesions that single pairs of measurements state, per day."""

    before: FloatArray
    """(n, k) growth before the first dose that would explain a later size by itself: log(size /
    baseline) over the days from the baseline to the first dose; NaN without such days."""
    after: FloatArray
    """(n, k) slopes of the log size between measurements after the first dose."""
    last_day: FloatArray
    """(n,)"""


@dataclass(frozen=True)
class GrowthModel(ABC):
    """What all growth models share."""

    baseline: Baseline = "regressor"
    pretreatment: Pretreatment = "growth"

    name: ClassVar[str]
    has_treatment: ClassVar[bool] = True
    """Whether something changes at the first dose."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            ValueError: an unknown one.
        """
        one_of("baseline", self.baseline, get_args(Baseline))
        one_of("pretreatment", self.pretreatment, get_args(Pretreatment))

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
        time = np.asarray(time, dtype=np.float64)
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
        with np.errstate(over="ignore"):
            if self.baseline == "parameter":
                return psi[0] * self._shape(psi[1:], times)
            shape = self._shape(psi, times)
            shape *= times.v0
            return shape

    def predict_with_slopes(
        self, psi: Sequence[FloatArray], times: Times
    ) -> tuple[FloatArray, list[FloatArray]]:
        """Volume f and df/dpsi for every parameter (natural scale), shapes as in ``predict``."""
        with np.errstate(over="ignore"):
            if self.baseline == "parameter":
                shape, slopes = self._shape_slopes(psi[1:], times)
                return psi[0] * shape, [shape, *(psi[0] * one for one in slopes)]
            shape, slopes = self._shape_slopes(psi, times)
            return times.v0 * shape, [times.v0 * one for one in slopes]

    def mode_candidates(
        self, rates: TwoRates, typical: FloatArray, sd: FloatArray
    ) -> FloatArray | None:
        """Points at which a second mode may lie; None for models that know of none.

        Args:
            rates: what pairs of measurements alone say of n lesions.
            typical: (p, n) Gaussian scale.
            sd: (p,) standard deviations of the population.

        Returns:
            (p, n, R) Gaussian scale.
        """
        del rates, typical, sd
        return None

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
