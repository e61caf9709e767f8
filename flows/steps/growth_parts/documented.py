"""A table with the types and comments of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flows.columns import check_names, table_of_rows
from warehouse.registry import TableDoc

Column = tuple[pa.DataType, str]
TEXT, REAL, WHOLE, FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
FIT_ID: Column = (TEXT, "analysis.growth_fit: subset and model")
LESION_ID: Column = (TEXT, "core.lesion")
SUBSET: Column = (TEXT, "lesions that were fitted together, or all (analysis.growth_subset)")
ORGAN: Column = (TEXT, "core.organ")
PARAMETER: Column = (TEXT, "growth parameter; for two_population kg, kd (per day) or f")
GAUSSIAN = "on the scale of estimation: log, for f logit"


@dataclass(frozen=True)
class Documented:
    """A table's documentation and types."""

    doc: TableDoc
    types: Mapping[str, pa.DataType]

    @property
    def name(self) -> str:
        """schema.table"""
        return self.doc.name

    def of_columns(self, columns: Mapping[str, Any] | None = None) -> pa.Table:
        """The table; without columns an empty one. NaN becomes null."""
        given = dict(columns if columns is not None else {name: [] for name in self.types})
        if "subset" in self.types and "subset" not in given:
            given["subset"] = subsets_of(given["fit_id"])
        check_names(given, self.types)
        arrays = {}
        for name, kind in self.types.items():
            values = given[name]
            if isinstance(values, pa.Array | pa.ChunkedArray):
                arrays[name] = values
            elif isinstance(values, np.ndarray) and values.dtype.kind in "UO":
                arrays[name] = pa.array(values.tolist(), type=kind, from_pandas=True)
            else:
                arrays[name] = pa.array(values, type=kind, from_pandas=True)
        return pa.table(arrays)

    def of_rows(self, rows: Sequence[dict[str, Any]]) -> pa.Table:
        """The table from rows, which have all its columns but the fit's subset.

        Raises:
            TypeError: as ``table_of_rows``.
        """
        is_derived = "fit_id" in self.types
        types = {n: kind for n, kind in self.types.items() if n != "subset" or not is_derived}
        found = table_of_rows(rows, types)
        return self.of_columns({name: found[name] for name in found.column_names})


def with_subset(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns with ``subset`` behind ``fit_id``, where there is one without."""
    if "fit_id" not in columns or "subset" in columns:
        return dict(columns)
    found: dict[str, Column] = {}
    for name, column in columns.items():
        found[name] = column
        if name == "fit_id":
            found["subset"] = SUBSET
    return found


def subsets_of(fit_ids: Any) -> pa.Array:
    """The subset of each fit's id, which is subset and model."""
    ids = fit_ids if isinstance(fit_ids, pa.Array | pa.ChunkedArray) else pa.array(fit_ids, TEXT)
    return pc.replace_substring_regex(ids, pattern=r"/[^/]*$", replacement="")


def documented(
    name: str, description: str, grain: str, key: tuple[str, ...], columns: Mapping[str, Column]
) -> Documented:
    """Declares ``analysis.<name>``; the subset stands behind a fit's id."""
    columns = with_subset(columns)
    doc = TableDoc(
        name=f"analysis.{name}",
        description=description,
        grain=grain,
        key=key,
        columns={column: comment for column, (_, comment) in columns.items()},
        tags=("public",),
    )
    return Documented(doc, {column: kind for column, (kind, _) in columns.items()})


def repeated(text: str, count: int) -> pa.Array:
    """``count`` times the same text."""
    return pa.repeat(pa.scalar(text, TEXT), count)
