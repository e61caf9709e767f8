"""Tables of results from rows: typed columns, NaN as NULL."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

TEXT = pa.string()
NUMBER = pa.float64()
COUNT = pa.int64()
FLAG = pa.bool_()


def table_of_rows(rows: Sequence[Mapping[str, Any]], types: Mapping[str, pa.DataType]) -> pa.Table:
    """One column per name in ``types``, in that order; what a row lacks, and NaN, is NULL.

    Raises:
        TypeError: a value is not of its column's type.
    """
    return pa.table(
        {name: _column([row.get(name) for row in rows], name, kind) for name, kind in types.items()}
    )


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
