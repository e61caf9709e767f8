"""Rows at risk: what a hazard model is fitted to, checked once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.hazards.arrays import BoolArray, FloatArray, IntArray
from udfs.hazards.design import Design, Term, is_missing
from udfs.hazards.errors import (
    ConstantTermError,
    EmptyLevelError,
    NoEventError,
    NoRepetitionError,
)


@dataclass(frozen=True)
class CoxData:
    """n rows, each one stretch of time at risk. Made by ``cox_data``, which checks it."""

    stop: FloatArray
    """(n,) end of the stretch, in the user's unit of time (here: days)."""
    event: BoolArray
    """(n,) whether the event happened at ``stop``."""
    design: Design
    start: FloatArray | None = None
    """(n,) the row is at risk in (start, stop]; None: from the beginning of time."""
    group: NDArray[Any] | None = None
    """(n,) label of the row's random effect (here: the patient)."""
    stratum: NDArray[Any] | None = None
    """(n,) label of the row's baseline hazard."""
    weight: FloatArray | None = None
    """(n,) case weights above 0."""
    offset: FloatArray | None = None
    """(n,) known part of the log hazard."""

    @property
    def n_rows(self) -> int:
        return len(self.stop)

    def rows(self, chosen: IntArray | BoolArray) -> CoxData:
        """The data of some of the rows, given by positions or flags."""
        return CoxData(
            self.stop[chosen],
            self.event[chosen],
            self.design.rows(chosen),
            *(None if v is None else v[chosen] for v in self._optional()),
        )

    def with_design(self, design: Design) -> CoxData:
        """The same rows with other columns.

        Raises:
            ValueError: the design has another number of rows.
        """
        if design.n_rows != self.n_rows:
            raise ValueError(f"the design has {design.n_rows} rows, the data {self.n_rows}")
        return replace(self, design=design)

    def _optional(self) -> tuple[NDArray[Any] | None, ...]:
        return self.start, self.group, self.stratum, self.weight, self.offset


def cox_data(
    stop: ArrayLike,
    event: ArrayLike,
    design: Design,
    *,
    start: ArrayLike | None = None,
    group: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> CoxData:
    """Checked rows for a hazard model. See ``CoxData`` for shapes and units.

    Times are compared exactly: round times computed by subtraction before giving them.

    Raises:
        ValueError: a column has another number of rows or a value that it may not have; nothing
            is at risk; there is no event.
    """
    stops = _numbers("stop", stop, None)
    n = len(stops)
    if n == 0:
        raise ValueError("no rows: nothing is at risk")
    if design.n_rows != n:
        raise ValueError(f"the design has {design.n_rows} rows, but there are {n} times")
    starts = None if start is None else _numbers("start", start, n)
    if starts is not None and not (stops > starts).all():
        k = int(np.flatnonzero(~(stops > starts))[0])
        raise ValueError(
            f"row {k} stops at {stops[k]:g} but starts at {starts[k]:g}: a row must be at risk for "
            "some time; leave out or correct rows with stop at or before start"
        )
    weights = None if weight is None else _numbers("weight", weight, n)
    if weights is not None and not (weights > 0).all():
        k = int(np.flatnonzero(weights <= 0)[0])
        raise ValueError(f"row {k} has weight {weights[k]:g}; weights must be above 0")
    events = _flags(event, n)
    if not events.any():
        raise NoEventError(f"none of the {n} rows has an event: no hazard can be compared")
    return CoxData(
        stops,
        events,
        design,
        starts,
        None if group is None else _labels("group", group, n),
        None if stratum is None else _labels("stratum", stratum, n),
        weights,
        None if offset is None else _numbers("offset", offset, n),
    )


def check_columns(design: Design, event: BoolArray) -> None:
    """Refuse columns whose coefficient has no estimate whatever the times are.

    Raises:
        ValueError: a column is constant, or a factor's level has no event.
    """
    for term in design.terms:
        if term.codes is None:
            assert term.values is not None
            for label, column in zip(term.labels, term.values.T, strict=True):
                if column.min() == column.max():
                    raise ConstantTermError(
                        f"column {label!r} is {column[0]:g} in every row: a constant says nothing "
                        "about the hazard; leave it out",
                        term.name,
                        label,
                    )
        else:
            _check_levels(term, event)


def _check_levels(term: Term, event: BoolArray) -> None:
    assert term.codes is not None
    names = (term.reference, *term.labels)
    rows = np.bincount(term.codes, minlength=len(names))
    events = np.bincount(term.codes[event], minlength=len(names))
    if rows.max() == rows.sum():
        raise ConstantTermError(
            f"term {term.name!r}: every row has level {names[int(rows.argmax())]!r}, a constant "
            "column; leave the term out",
            term.name,
        )
    for j in np.flatnonzero(events == 0):
        what = "the reference level" if j == 0 else "level"
        if rows[j] == 0:
            raise EmptyLevelError(
                f"term {term.name!r}: {what} {names[j]!r} has no row; name another",
                term.name,
                names[j],
            )
        raise EmptyLevelError(
            f"term {term.name!r}: {what} {names[j]!r} has {rows[j]} rows but no event, so its "
            "hazard ratio cannot be estimated; merge it with another level, or leave out its rows",
            term.name,
            names[j],
        )


def check_groups(n_groups: int, n_rows: int) -> None:
    """Refuse a random effect that cannot be told from the baseline hazard.

    Raises:
        ValueError: there is one group, or each group has one row.
    """
    if n_groups == 1:
        raise NoRepetitionError(
            "all rows are of one group: the variance of a random effect needs several"
        )
    if n_groups == n_rows:
        raise NoRepetitionError(
            f"each of the {n_groups} groups has one row: the variance of the random effect cannot "
            "be told from the baseline hazard; name another group, or fit without one (variance=0)"
        )


def _numbers(name: str, values: ArrayLike, n: int | None) -> FloatArray:
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}; numbers are wanted") from None
    if numbers.ndim != 1 or (n is not None and len(numbers) != n):
        raise ValueError(f"{name} has shape {numbers.shape}, not ({'n' if n is None else n},)")
    bad = ~np.isfinite(numbers)
    if bad.any():
        raise ValueError(
            f"{name} is missing or infinite in {int(bad.sum())} of {len(numbers)} rows, the first "
            f"is row {int(np.flatnonzero(bad)[0])}"
        )
    return numbers


def _flags(event: ArrayLike, n: int) -> BoolArray:
    numbers = _numbers("event", event, n)
    if not np.isin(numbers, (0.0, 1.0)).all():
        k = int(np.flatnonzero(~np.isin(numbers, (0.0, 1.0)))[0])
        raise ValueError(f"event is {numbers[k]:g} in row {k}; it must be 0 (censored) or 1")
    return numbers == 1.0


def _labels(name: str, values: ArrayLike, n: int) -> NDArray[Any]:
    labels = np.asarray(values)
    if labels.shape != (n,):
        raise ValueError(f"{name} has shape {labels.shape}, not ({n},)")
    missing = is_missing(labels)
    if missing.any():
        raise ValueError(
            f"{name} is missing in {int(missing.sum())} of {n} rows, the first is row "
            f"{int(np.flatnonzero(missing)[0])}"
        )
    return labels.astype(str) if labels.dtype.kind == "O" else labels
