"""Variables of mixed types, and how each becomes numbers whose differences are distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind = Literal["numeric", "logratio", "ordinal", "nominal", "symmetric", "asymmetric"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Variable:
    """One variable of n rows.

    Kinds, with R daisy's letters: ``numeric`` (I), ``logratio`` (numbers above 0, compared by
    their logarithms, T), ``ordinal`` (compared by ranks, O), ``nominal`` (N), ``symmetric`` binary
    (S) and ``asymmetric`` binary (A: two rows that both lack it are not thereby alike). Binaries
    hold 0/1 or False/True. NaN and None are missing.
    """

    name: str
    values: ArrayLike
    """(n,) numbers, booleans or texts."""
    kind: Kind = "numeric"
    weight: float = 1.0
    """Its share in the mean over variables; 0 or more."""
    limits: tuple[float, float] | None = None
    """Lowest and highest value, for ``numeric`` and ``logratio``, in the variable's own unit; by
    default those of the data."""
    levels: Sequence[Any] | None = None
    """For ``ordinal``: all values in order, ranked by their places in it (an R ``ordered`` factor).
    Without it the values must be numbers, and the distinct ones present are ranked (``ordratio``).
    """


@dataclass(frozen=True)
class Coded:
    """A variable ready for comparison."""

    codes: FloatArray
    """(n,) NaN where missing. Numbers and ranks in units of their range; categories as integers."""
    weight: float
    is_category: bool
    is_asymmetric: bool
    has_missing: bool


def code_variables(variables: Sequence[Variable], starts: IntArray, n_rows: int) -> list[Coded]:
    """Every variable as numbers, scaled by its range within each stretch of rows.

    Args:
        variables: at least one, each of ``n_rows`` rows.
        starts: first rows of the stretches over which ranges (and ranks) are taken; the first is 0.
        n_rows: number of rows; at least 1.

    Raises:
        ValueError: names the variable and what is wrong with it.
    """
    if not variables:
        raise ValueError("no variable to compare by")
    return [_coded(variable, starts, n_rows) for variable in variables]


def _coded(variable: Variable, starts: IntArray, n_rows: int) -> Coded:
    kinds = get_args(Kind)
    if variable.kind not in kinds:
        raise ValueError(
            f"variable {variable.name}: kind {variable.kind!r} is none of {', '.join(kinds)}"
        )
    if not 0 <= variable.weight < np.inf:
        raise ValueError(f"variable {variable.name}: weight {variable.weight} must be 0 or more")
    if variable.limits is not None and variable.kind not in ("numeric", "logratio"):
        raise ValueError(f"variable {variable.name}: only numbers have limits, not {variable.kind}")
    values = np.asarray(variable.values)
    if values.shape != (n_rows,):
        raise ValueError(f"variable {variable.name}: shape {values.shape}, wanted ({n_rows},)")
    coders = {"nominal": _categories, "symmetric": _binary, "asymmetric": _binary}
    if variable.kind in coders:
        codes = coders[variable.kind](variable, values)
    elif variable.kind == "ordinal":
        codes = _scaled(_ranks(variable, values, starts), starts)
    else:
        codes = _measured(variable, values, starts)
    return Coded(
        codes=codes,
        weight=float(variable.weight),
        is_category=variable.kind in coders,
        is_asymmetric=variable.kind == "asymmetric",
        has_missing=bool(np.isnan(codes).any()),
    )


def _numbers(variable: Variable, values: NDArray[Any]) -> FloatArray:
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"variable {variable.name}: {variable.kind} values must be numbers: {error}"
        ) from error
    if np.isinf(numbers).any():
        row = int(np.flatnonzero(np.isinf(numbers))[0])
        raise ValueError(f"variable {variable.name}: row {row} is infinite")
    return numbers


def _measured(variable: Variable, values: NDArray[Any], starts: IntArray) -> FloatArray:
    """Numbers, or their logarithms, in units of their range."""
    numbers = _numbers(variable, values)
    limits = variable.limits
    if variable.kind == "logratio":
        if (numbers <= 0).any() or (limits is not None and min(limits) <= 0):
            raise ValueError(f"variable {variable.name}: a logratio value must be above 0")
        numbers = np.log10(numbers)
        limits = (
            None if limits is None else (float(np.log10(limits[0])), float(np.log10(limits[1])))
        )
    if limits is None:
        return _scaled(numbers, starts)
    low, high = limits
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise ValueError(f"variable {variable.name}: limits {variable.limits} are no range")
    if (numbers < low).any() or (numbers > high).any():
        row = int(np.flatnonzero((numbers < low) | (numbers > high))[0])
        raise ValueError(
            f"variable {variable.name}: row {row} lies outside the limits {variable.limits}"
        )
    return (numbers - low) / (high - low) if high > low else numbers - low


def _scaled(numbers: FloatArray, starts: IntArray) -> FloatArray:
    """Numbers from 0 to 1 over each stretch's range; 0 where the range is 0."""
    length = np.diff(np.append(starts, numbers.size))
    low = np.fmin.reduceat(numbers, starts)
    span = np.fmax.reduceat(numbers, starts) - low
    span[span == 0] = 1.0
    return (numbers - np.repeat(low, length)) / np.repeat(span, length)


def _ranks(variable: Variable, values: NDArray[Any], starts: IntArray) -> FloatArray:
    if variable.levels is not None:
        place = {level: float(i) for i, level in enumerate(variable.levels)}
        return _looked_up(variable, values, place)
    if values.dtype.kind in "US" or (values.dtype == object and _has_text(values)):
        raise ValueError(f"variable {variable.name}: ordinal texts need their levels in order")
    return _dense_ranks(_numbers(variable, values), starts)


def _dense_ranks(numbers: FloatArray, starts: IntArray) -> FloatArray:
    """Place of each number among the distinct numbers of its stretch, from 0; NaN stays NaN."""
    length = np.diff(np.append(starts, numbers.size))
    stretch = np.repeat(np.arange(starts.size), length)
    order = np.lexsort((numbers, stretch))
    ordered = numbers[order]
    rises = np.zeros(numbers.size, dtype=np.int64)
    rises[1:] = ordered[1:] != ordered[:-1]
    climbed = np.cumsum(rises)
    ranks = np.empty(numbers.size)
    ranks[order] = climbed - np.repeat(climbed[starts], length)
    ranks[np.isnan(numbers)] = np.nan
    return ranks


def _categories(variable: Variable, values: NDArray[Any]) -> FloatArray:
    """Any number per distinct value; NaN where missing."""
    if values.dtype != object:
        _, codes = np.unique(values, return_inverse=True)
        coded = codes.astype(np.float64)
        if values.dtype.kind == "f":
            coded[np.isnan(values)] = np.nan
        return coded
    return _looked_up(variable, values, None)


def _looked_up(
    variable: Variable, values: NDArray[Any], place: dict[Any, float] | None
) -> FloatArray:
    """Each value's number in ``place``; where that is None, the order of first appearance."""
    known: dict[Any, float] = {} if place is None else place
    codes = []
    for row, value in enumerate(values.tolist()):
        if value is None or value != value:
            codes.append(np.nan)
            continue
        if place is None:
            known.setdefault(value, float(len(known)))
        elif value not in known:
            raise ValueError(f"variable {variable.name}: row {row}, {value!r} is not a level")
        codes.append(known[value])
    return np.array(codes, dtype=np.float64)


def _binary(variable: Variable, values: NDArray[Any]) -> FloatArray:
    numbers = _numbers(variable, values)
    wrong = ~np.isnan(numbers) & (numbers != 0) & (numbers != 1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"variable {variable.name}: row {row} is {numbers[row]:g}; a binary is 0, 1 or missing"
        )
    return numbers


def _has_text(values: NDArray[Any]) -> bool:
    return any(isinstance(value, str) for value in values)
