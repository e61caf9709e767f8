"""The parameters of the population: fixed effects, variances and residual error.

``theta`` is the vector that the optimiser moves, all of it unbounded: fixed effects on the Gaussian
scale, then log omega (diagonal) or the Cholesky factor of omega with log diagonal (full), then the
log error parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from udfs.growth.covariates import Design
from udfs.growth.model_base import GrowthModel
from udfs.growth.parameters import FloatArray, IntArray
from udfs.growth.residual_error import ResidualError

OmegaKind = Literal["diagonal", "full"]


def root_of(covariance: FloatArray) -> FloatArray:
    """Cholesky factor of a (p, p) covariance."""
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


def inverse_of(matrix: FloatArray) -> FloatArray:
    """Inverse of a (p, p) matrix."""
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


@dataclass(frozen=True)
class Population:
    """A point in the parameter space."""

    coefficients: FloatArray
    """(c, p) fixed effects on the Gaussian scale; row 0 the intercepts."""
    omega: FloatArray
    """(p, p) covariance of the random effects."""
    error: FloatArray
    """(e,) error parameters, natural scale."""

    @property
    def sd(self) -> FloatArray:
        """(p,) standard deviations of the random effects."""
        return np.sqrt(np.diag(self.omega))


@dataclass(frozen=True)
class Structure:
    """How ``theta`` is made up, and what its entries are called."""

    model: GrowthModel
    error: ResidualError
    omega_kind: OmegaKind
    design: Design

    @property
    def p(self) -> int:
        """Number of parameters that vary between lesions."""
        return len(self.model.parameters)

    @property
    def lower(self) -> tuple[IntArray, IntArray]:
        """Row and column of the Cholesky entries, diagonal first."""
        diagonal = np.arange(self.p)
        if self.omega_kind == "diagonal":
            return diagonal, diagonal
        rows, columns = np.tril_indices(self.p, -1)
        return np.concatenate([diagonal, rows]), np.concatenate([diagonal, columns])

    @property
    def n_effects(self) -> int:
        """Fixed effects, intercepts included."""
        return self.design.n_effects

    @property
    def n_omega(self) -> int:
        """Entries for omega."""
        return len(self.lower[0])

    @property
    def size(self) -> int:
        """Length of theta."""
        return self.n_effects + self.n_omega + len(self.error.names)

    @property
    def effect_places(self) -> tuple[IntArray, IntArray]:
        """Column of the design and parameter of each fixed effect, parameter by parameter."""
        parameter, column = np.nonzero(self.design.mask.T)
        return column, parameter

    def unpack(self, theta: FloatArray) -> Population:
        """The point that ``theta`` stands for."""
        coefficients = np.zeros(self.design.mask.shape)
        coefficients[self.effect_places] = theta[: self.n_effects]
        entries = theta[self.n_effects : self.n_effects + self.n_omega]
        factor = self._factor(entries)
        error = np.exp(theta[self.n_effects + self.n_omega :])
        return Population(coefficients, factor @ factor.T, error)

    def pack(self, population: Population) -> FloatArray:
        """Inverse of ``unpack``."""
        rows, columns = self.lower
        factor = np.linalg.cholesky(population.omega)
        if self.omega_kind == "diagonal":
            factor = np.diag(population.sd)
        entries = factor[rows, columns]
        entries[: self.p] = np.log(entries[: self.p])
        return np.concatenate(
            [population.coefficients[self.effect_places], entries, np.log(population.error)]
        )

    def _factor(self, entries: FloatArray) -> FloatArray:
        factor = np.zeros((self.p, self.p))
        factor[self.lower] = entries
        factor[np.diag_indices(self.p)] = np.exp(entries[: self.p])
        return factor

    def omega_slopes(self, population: Population) -> FloatArray:
        """(k, p, p) d L / d theta of omega's entries, L being the Cholesky factor."""
        factor = np.linalg.cholesky(population.omega)
        rows, columns = self.lower
        slopes = np.zeros((self.n_omega, self.p, self.p))
        places = np.arange(self.n_omega)
        slopes[places, rows, columns] = 1.0
        slopes[places[: self.p], rows[: self.p], columns[: self.p]] = np.diag(factor)
        return slopes

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what ``natural`` gives, Monolix's way."""
        names = [one.name for one in self.model.parameters]
        labels = []
        for column, k in zip(*self.effect_places, strict=True):
            what = self.design.columns[column]
            level = f"_{what.level}" if what.level else ""
            labels.append(
                f"beta_{names[k]}_{what.covariate}{level}" if what.covariate else f"{names[k]}_pop"
            )
        labels += [f"omega_{name}" for name in names]
        if self.omega_kind == "full":
            rows, columns = np.tril_indices(self.p, -1)
            labels += [f"corr_{names[c]}_{names[r]}" for r, c in zip(rows, columns, strict=True)]
        return (*labels, *self.error.names)

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each entry of ``natural`` ('' without one)."""
        units = [
            one.unit if self.design.columns[column].covariate == "" else ""
            for column, one in (
                (c, self.model.parameters[k]) for c, k in zip(*self.effect_places, strict=True)
            )
        ]
        return (*units, *[""] * self.n_omega, *self.error.units)

    def natural(self, theta: FloatArray) -> FloatArray:
        """(size,) what is reported: typical values, covariate effects, sds, correlations, error."""
        point = self.unpack(theta)
        effects = []
        for column, k in zip(*self.effect_places, strict=True):
            value = point.coefficients[column, k]
            is_typical = self.design.columns[column].covariate == ""
            effects.append(float(self.model.parameters[k].to_psi(value)) if is_typical else value)
        parts = [np.array(effects), point.sd]
        if self.omega_kind == "full":
            rows, columns = np.tril_indices(self.p, -1)
            parts.append(point.omega[rows, columns] / (point.sd[rows] * point.sd[columns]))
        return np.concatenate([*parts, point.error])

    def natural_slopes(self, theta: FloatArray, step: float = 1e-5) -> FloatArray:
        """(size, size) d natural / d theta by central differences (relative error about 1e-9)."""
        out = np.empty((self.size, self.size))
        for k in range(self.size):
            shift = np.zeros(self.size)
            shift[k] = step
            out[:, k] = (self.natural(theta + shift) - self.natural(theta - shift)) / (2 * step)
        return out
