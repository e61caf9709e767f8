"""Covariates on growth parameters: phi_k = mu_k + sum_c beta_ck x_c + eta_k.

Text (and true/false) covariates become one indicator per level other than the reference level;
numeric ones enter as they are, centred on their mean over the fitted lesions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.growth.check_data import GrowthDataError
from udfs.growth.data import GrowthData
from udfs.growth.model_base import GrowthModel
from udfs.growth.parameters import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Column:
    """One column of the design."""

    covariate: str
    """Name of the covariate; '' for the intercept."""
    level: str
    """Level that the column marks; '' for the intercept and numeric covariates."""
    reference: str
    """Reference level, or the mean that was subtracted (as text)."""


@dataclass(frozen=True)
class Design:
    """Fixed effects of p parameters on n lesions."""

    values: FloatArray
    """(n, c) columns; the first is 1."""
    columns: tuple[Column, ...]
    mask: BoolArray
    """(c, p) whether a column acts on a parameter."""

    @property
    def n_effects(self) -> int:
        """Number of fixed effects, intercepts included."""
        return int(self.mask.sum())

    def mean(self, coefficients: FloatArray, lesions: IntArray | None = None) -> FloatArray:
        """(p, n) typical phi for (c, p) coefficients, of all lesions or of some."""
        values = self.values if lesions is None else self.values[lesions]
        if len(self.columns) == 1:
            return np.repeat(coefficients[0][:, None], len(values), axis=1)
        return np.einsum("nc,cp->pn", values, coefficients)


def build_design(
    data: GrowthData,
    lesions: IntArray,
    model: GrowthModel,
    covariates: dict[str, tuple[str, ...]],
    references: dict[str, str],
) -> Design:
    """Columns for ``covariates`` (parameter name -> names of covariates).

    Raises:
        GrowthDataError: an unknown parameter, covariate or reference level, a missing value or a
            covariate that is the same for all lesions.
    """
    names = [one.name for one in model.parameters]
    for parameter in covariates:
        if parameter not in names:
            raise GrowthDataError(
                f"covariates are asked for on {parameter!r}; the parameters are {', '.join(names)}"
            )
    wanted = list(dict.fromkeys(name for one in covariates.values() for name in one))
    values = [np.ones(len(lesions))]
    columns = [Column("", "", "")]
    rows = [[True] * len(names)]
    for name in wanted:
        if name not in data.covariates:
            known = ", ".join(data.covariates) or "none"
            raise GrowthDataError(f"no covariate is called {name!r}; the data have: {known}")
        acts_on = [name in covariates.get(parameter, ()) for parameter in names]
        for column, entries in _columns(name, data.covariates[name][lesions], references.get(name)):
            columns.append(column)
            values.append(entries)
            rows.append(acts_on)
    return Design(np.stack(values, axis=1), tuple(columns), np.array(rows))


def _columns(
    name: str, values: NDArray[Any], reference: str | None
) -> list[tuple[Column, FloatArray]]:
    if values.dtype.kind in "iuf":
        numbers = values.astype(np.float64)
        if not np.isfinite(numbers).all():
            missing = int(np.count_nonzero(~np.isfinite(numbers)))
            raise GrowthDataError(f"covariate {name!r} is missing for {missing} fitted lesions")
        middle = float(numbers.mean())
        if np.all(numbers == numbers[0]):
            raise GrowthDataError(f"covariate {name!r} is {numbers[0]:g} for every fitted lesion")
        return [(Column(name, "", f"{middle:g}"), numbers - middle)]
    text = values.astype(str)
    if np.isin(text, ("", "nan", "None", "<NA>")).any():
        raise GrowthDataError(f"covariate {name!r} is missing for some fitted lesions")
    levels, counts = np.unique(text, return_counts=True)
    if len(levels) < 2:
        raise GrowthDataError(f"covariate {name!r} is {str(levels[0])!r} for every fitted lesion")
    base = str(levels[np.argmax(counts)]) if reference is None else reference
    if base not in levels:
        raise GrowthDataError(
            f"reference {base!r} of covariate {name!r} does not occur; levels are "
            f"{', '.join(str(one) for one in levels)}"
        )
    return [
        (Column(name, str(level), base), (text == level).astype(np.float64))
        for level in levels
        if level != base
    ]
