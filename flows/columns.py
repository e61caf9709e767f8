"""Tables of results from rows: typed columns, NaN as NULL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

TEXT = pa.string()
NUMBER = pa.float64()
COUNT = pa.int64()
FLAG = pa.bool_()


def table_of_rows(rows: Sequence[Mapping[str, Any]], types: Mapping[str, pa.DataType]) -> pa.Table:
    """One column per name in ``types``, in that order; what a row lacks, and NaN, is NULL."""
    return pa.table(
        {
            name: pa.array([row.get(name) for row in rows], type=kind, from_pandas=True)
            for name, kind in types.items()
        }
    )
