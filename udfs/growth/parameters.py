"""Parameters of a growth model: how each varies from lesion to lesion.

A parameter psi is a transform of a Gaussian phi: psi = exp(phi) (log-normal), 1 / (1 + exp(-phi))
(logit-normal) or phi itself (normal). Monolix, saemix and nlmixr call these the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Distribution = Literal["lognormal", "logitnormal", "normal"]

LARGEST_EXPONENT = 690.0
"""exp(690) = 1e299: the largest argument that neither overflows nor makes a product do so."""


def one_of(name: str, value: object, known: Sequence[str]) -> None:
    """Raise ValueError if an option is none of the ``known`` words."""
    if value not in known:
        raise ValueError(f"{name} = {value!r} is not possible; it must be {' or '.join(known)}")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a growth model."""

    name: str
    unit: str
    distribution: Distribution
    start: float
    """Typical value from which a fit starts."""
    start_omega: float = 1.0
    """Standard deviation of phi from which a fit starts."""

    def to_phi(self, psi: FloatArray | float) -> FloatArray:
        """Gaussian scale of values on the natural scale (any shape)."""
        value = np.asarray(psi, dtype=np.float64)
        if self.distribution == "lognormal":
            return np.log(value)
        if self.distribution == "logitnormal":
            return np.log(value) - np.log1p(-value)
        return value

    def to_psi(self, phi: FloatArray | float) -> FloatArray:
        """Natural scale of values on the Gaussian scale (any shape); never overflows."""
        value = np.asarray(phi, dtype=np.float64)
        if self.distribution == "lognormal":
            return np.exp(np.clip(value, -LARGEST_EXPONENT, LARGEST_EXPONENT))
        if self.distribution == "logitnormal":
            return 1.0 / (1.0 + np.exp(-np.clip(value, -LARGEST_EXPONENT, LARGEST_EXPONENT)))
        return value

    def slope(self, psi: FloatArray) -> FloatArray:
        """d psi / d phi at natural values ``psi`` (any shape)."""
        if self.distribution == "lognormal":
            return psi
        if self.distribution == "logitnormal":
            return psi * (1.0 - psi)
        return np.ones_like(psi)

    def check(self, psi: float, where: str) -> None:
        """Raise ValueError if ``psi`` is not a value this parameter can take."""
        is_possible = {
            "lognormal": psi > 0,
            "logitnormal": 0 < psi < 1,
            "normal": bool(np.isfinite(psi)),
        }[self.distribution]
        if not is_possible or not np.isfinite(psi):
            wanted = {"lognormal": "above 0", "logitnormal": "between 0 and 1", "normal": "finite"}
            raise ValueError(
                f"{where}: {self.name} = {psi} is not possible; it must be "
                f"{wanted[self.distribution]}"
            )


def to_psi(parameters: Sequence[Parameter], phi: FloatArray) -> FloatArray:
    """Natural scale of (p, ...) Gaussian values, first axis over the parameters."""
    return np.stack([one.to_psi(phi[k]) for k, one in enumerate(parameters)])


def to_phi(parameters: Sequence[Parameter], psi: FloatArray) -> FloatArray:
    """Gaussian scale of (p, ...) natural values, first axis over the parameters."""
    return np.stack([one.to_phi(psi[k]) for k, one in enumerate(parameters)])
