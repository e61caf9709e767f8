"""Tables of results from rows: typed columns, NaN as NULL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

TEXT = pa.string()
NUMBER = pa.float64()
COUNT = pa.int64()
FLAG = pa.bool_()


def table_of_rows(rows: Sequence[Mapping[str, Any]], types: Mapping[str, pa.DataType]) -> pa.Table:
    """One column per name in ``types``, in that order; NaN is NULL.

    Every row has exactly these names. What it has no value for it says (``nulls``): a misspelled
    or forgotten name would leave its column empty without a word.

    Raises:
        TypeError: a row lacks a name or has another one, or a value is not of its column's type.
    """
    for row in rows:
        check_names(row, types)
    return pa.table(
        {name: _column([row[name] for row in rows], name, kind) for name, kind in types.items()}
    )


def check_names(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse a row, or columns, with other names than a table has.

    Raises:
        TypeError: says which are missing and which unknown.
    """
    if given.keys() == wanted.keys():
        return
    missing, unknown = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    raise TypeError(
        f"missing: {', '.join(missing) or 'none'}; no column of the table: "
        f"{', '.join(unknown) or 'none'}; given: {', '.join(given)}"
    )


def nulls(names: Iterable[str]) -> dict[str, Any]:
    """What a row has no value for."""
    return dict.fromkeys(names)


def columns_of(
    rows: Iterable[Mapping[str, Any]], types: Mapping[str, pa.DataType]
) -> list[dict[str, Any]]:
    """The rows with the names in ``types`` alone, where several tables are made of one list."""
    return [{name: row[name] for name in types} for row in rows]


def _column(values: list[Any], name: str, kind: pa.DataType) -> pa.Array:
    if not pa.types.is_boolean(kind) and any(
        isinstance(value, bool | np.bool_) for value in values
    ):
        raise TypeError(f"column {name} is {kind} and has a truth value")
    if pa.types.is_integer(kind):
        # Arrow cuts fractions off without a word where NaN may stand for NULL.
        for value in values:
            if isinstance(value, float) and not math.isnan(value) and not value.is_integer():
                raise TypeError(f"column {name} is {kind} and has {value}")
    try:
        return pa.array(values, type=kind, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TypeError(f"column {name} is {kind}: {error}") from error
