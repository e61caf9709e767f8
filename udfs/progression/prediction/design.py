"""Baseline characteristics as columns of numbers, learnt on one set of patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Kind = Literal["number", "category"]

RARE_LEVEL = 10
"""Levels of a category that fewer patients have are one, 'another'."""


@dataclass(frozen=True)
class Features:
    """Characteristics of n patients as they are, missing values included."""

    kind: Mapping[str, Kind]
    value: Mapping[str, NDArray[Any]]
    """Of each name (n,): numbers with NaN, or text with ''."""

    @property
    def n(self) -> int:
        """Patients."""
        return next((len(v) for v in self.value.values()), 0)

    def take(self, rows: IntArray | BoolArray) -> Features:
        """Some of the patients."""
        return Features(self.kind, {name: v[rows] for name, v in self.value.items()})

    def with_permuted(self, name: str, order: IntArray) -> Features:
        """The same patients with one characteristic in another order."""
        return Features(self.kind, {**self.value, name: self.value[name][order]})


def features_of(kind: Mapping[str, Kind], columns: Mapping[str, ArrayLike]) -> Features:
    """Checks and types columns.

    Args:
        kind: of each name, in the order of the columns.
        columns: name -> (n,) values; None and NaN are missing; flags count as numbers 0 and 1.

    Raises:
        ValueError: a name of ``kind`` is missing, a number is none, or lengths differ.
    """
    value: dict[str, NDArray[Any]] = {}
    for name, one in kind.items():
        if name not in columns:
            raise ValueError(f"there is no column {name}")
        given = np.asarray(columns[name], dtype=object)
        missing = np.array([v is None or v != v for v in given], dtype=bool)
        if one == "number":
            try:
                numbers = np.array(
                    [np.nan if gone else float(v) for v, gone in zip(given, missing, strict=True)]
                )
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name}: {error}") from error
            if np.isinf(numbers).any():
                raise ValueError(f"{name}: a number is infinite")
            value[name] = numbers
        else:
            value[name] = np.array(
                ["" if gone else str(v) for v, gone in zip(given, missing, strict=True)], dtype=str
            )
    if len({len(v) for v in value.values()}) > 1:
        raise ValueError("columns differ in length")
    return Features(dict(kind), value)


@dataclass(frozen=True)
class Design:
    """Which columns characteristics become; learnt from training patients only."""

    kind: Mapping[str, Kind]
    levels: Mapping[str, Sequence[str]]
    """Levels of each category that have a column, ascending."""
    numbers: tuple[str, ...]
    """Numbers that have a column."""

    @classmethod
    def learn(cls, features: Features) -> Design:
        """Levels that at least ten of the patients have, and numbers that differ between patients.

        A number that nobody has, or that is the same in all who have it and in nobody missing,
        tells nothing; and scikit-learn cannot bin a column without any value.
        """
        levels = {}
        numbers = []
        for name, kind in features.kind.items():
            if kind == "number":
                known = features.value[name][~np.isnan(features.value[name])]
                if known.size and (known.size < features.n or known.min() < known.max()):
                    numbers.append(name)
            else:
                words, count = np.unique(features.value[name], return_counts=True)
                kept = [str(w) for w, c in zip(words, count, strict=True) if c >= RARE_LEVEL and w]
                levels[name] = tuple(kept)
        return cls(dict(features.kind), levels, tuple(numbers))

    @property
    def columns(self) -> list[str]:
        """(p,) names: the characteristic, and ``name=level`` for a level."""
        out = []
        for name, kind in self.kind.items():
            if kind == "number":
                out += [name] if name in self.numbers else []
            else:
                out += [f"{name}={level}" for level in self.levels[name]]
        return out

    def matrix(self, features: Features) -> FloatArray:
        """(n, p) numbers; NaN where missing. A category that is missing is NaN in all its columns,
        another than the learnt levels 0 in all. One column of zeros where nothing tells patients
        apart: a model of it predicts the shares of the classes.
        """
        columns = []
        for name, kind in self.kind.items():
            value = features.value[name]
            if kind == "number":
                if name in self.numbers:
                    columns.append(np.asarray(value, dtype=np.float64))
                continue
            gone = value == ""
            for level in self.levels[name]:
                columns.append(np.where(gone, np.nan, (value == level).astype(np.float64)))
        return np.column_stack(columns) if columns else np.zeros((features.n, 1))


@dataclass(frozen=True)
class Scaling:
    """Columns for a linear model: medians in the place of missing values, a column that says so,
    mean 0 and standard deviation 1 in the training patients."""

    median: FloatArray
    has_missing: BoolArray
    mean: FloatArray
    spread: FloatArray

    @classmethod
    def learn(cls, matrix: FloatArray) -> Scaling:
        """From training patients. Columns that are all missing count as 0."""
        gone = np.isnan(matrix)
        some = ~gone.all(axis=0)
        median = np.zeros(matrix.shape[1])
        median[some] = np.nanmedian(matrix[:, some], axis=0)
        has_missing: BoolArray = np.asarray(gone.any(axis=0))
        filled = np.column_stack((np.where(gone, median, matrix), gone[:, has_missing]))
        spread = filled.std(axis=0)
        return cls(median, has_missing, filled.mean(axis=0), np.where(spread > 0, spread, 1.0))

    def transform(self, matrix: FloatArray) -> FloatArray:
        """(n, p + columns with missing values)."""
        gone = np.isnan(matrix)
        filled = np.column_stack((np.where(gone, self.median, matrix), gone[:, self.has_missing]))
        return np.asarray((filled - self.mean) / self.spread)
