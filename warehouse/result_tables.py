"""Rows and columns of results as tables, typed as their declarations say; NaN is NULL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from warehouse.registry import TableDoc

ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "BIGINT": pa.int64(),
    "TIMESTAMP": pa.timestamp("us"),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
    "DOUBLE[]": pa.list_(pa.float64()),
}


def result_table(
    doc: TableDoc, given: Iterable[Mapping[str, Any]] | Mapping[str, Any] = ()
) -> pa.Table:
    """The table of rows, or of columns, with the declared columns in their order.

    Every row has exactly the table's names. What it has no value for it says (``nulls``): a
    misspelled or forgotten name would leave its column empty without a word.

    Args:
        doc: the table, with types.
        given: rows, each a value per column; or columns, each a sequence of values or an Arrow
            array of the column's own type. Nothing gives an empty table.

    Raises:
        TypeError: a name is missing or unknown, or a value is not of its column's type.
    """
    types = {name: ARROW_TYPES[kind] for name, kind in doc.types.items()}
    if not isinstance(given, Mapping) or not given:
        rows = list(given)
        for row in rows:
            _check_names(doc, row)
        given = {name: [row[name] for row in rows] for name in types}
    _check_names(doc, given)
    return pa.table({name: _column(doc, name, given[name], kind) for name, kind in types.items()})


def joined(doc: TableDoc, parts: Sequence[pa.Table]) -> pa.Table:
    """The parts of a table one after the other; without parts an empty one."""
    return pa.concat_tables([result_table(doc), *parts])


def nulls(names: Iterable[str]) -> dict[str, Any]:
    """What a row has no value for."""
    return dict.fromkeys(names)


def _check_names(doc: TableDoc, given: Mapping[str, Any]) -> None:
    if given.keys() == doc.types.keys():
        return
    missing, unknown = sorted(doc.types.keys() - given), sorted(given.keys() - doc.types)
    raise TypeError(
        f"{doc.name}: missing: {', '.join(missing) or 'none'}; no column of the table: "
        f"{', '.join(unknown) or 'none'}; given: {', '.join(given)}"
    )


def _column(doc: TableDoc, name: str, values: Any, kind: pa.DataType) -> pa.Array:
    column = f"column {name} of {doc.name} is {doc.types[name]}"
    if isinstance(values, pa.Array | pa.ChunkedArray):
        if values.type != kind and not pa.types.is_null(values.type):
            raise TypeError(f"{column}, given is {values.type}")
        return values.cast(kind)
    if not isinstance(values, np.ndarray) or values.dtype.kind in "OUS":
        values = list(values)
        _check_values(column, values, kind)
    elif (values.dtype.kind == "b") != pa.types.is_boolean(kind):
        raise TypeError(f"{column}, given is {values.dtype}")
    try:
        return pa.array(values, type=kind, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TypeError(f"{column}: {error}") from error


def _check_values(column: str, values: list[Any], kind: pa.DataType) -> None:
    """Refuses what Arrow would change without a word: truth values as numbers, and fractions as
    whole numbers where NaN may stand for NULL."""
    if not pa.types.is_boolean(kind):
        for value in values:
            if isinstance(value, bool | np.bool_):
                raise TypeError(f"{column} and has a truth value")
    if pa.types.is_integer(kind):
        for value in values:
            if isinstance(value, float) and not math.isnan(value) and not value.is_integer():
                raise TypeError(f"{column} and has {value}")
