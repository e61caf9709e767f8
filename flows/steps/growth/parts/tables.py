"""The tables of the step ``growth``, and how rows of a fit become one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.declarations import declared
from warehouse.registry import TableDoc
from warehouse.result_tables import result_table

GROWTH_FIT = declared("analysis.growth_fit")
GROWTH_POPULATION = declared("analysis.growth_population")
GROWTH_DROPOUT = declared("analysis.growth_dropout")
GROWTH_TRACE = declared("analysis.growth_trace")
GROWTH_LESION = declared("analysis.growth_lesion")
GROWTH_EXCLUDED = declared("analysis.growth_excluded")
GROWTH_INFLUENCE = declared("analysis.growth_influence")
GROWTH_CURVE = declared("analysis.growth_curve")
MODELLED_EVENT = declared("analysis.modelled_event")
TABLES = (
    GROWTH_FIT,
    GROWTH_POPULATION,
    GROWTH_DROPOUT,
    GROWTH_TRACE,
    GROWTH_LESION,
    GROWTH_EXCLUDED,
    GROWTH_INFLUENCE,
    GROWTH_CURVE,
    MODELLED_EVENT,
)


def fit_table(
    doc: TableDoc, given: Iterable[Mapping[str, Any]] | Mapping[str, Any] = ()
) -> pa.Table:
    """A table of rows or columns (see ``result_table``), with the subset of each fit's id.

    The id of a fit is its subset, a slash and its model.
    """
    if not isinstance(given, Mapping):
        rows = [dict(row) for row in given]
        if "fit_id" in doc.columns and "subset" in doc.columns:
            for row in rows:
                row.setdefault("subset", row["fit_id"].rpartition("/")[0])
        return result_table(doc, rows)
    columns = dict(given)
    if "subset" in doc.columns and "subset" not in columns:
        ids = columns["fit_id"]
        if not isinstance(ids, pa.Array | pa.ChunkedArray):
            ids = pa.array(ids, pa.string())
        columns["subset"] = pc.replace_substring_regex(ids, pattern=r"/[^/]*$", replacement="")
    return result_table(doc, columns)


def empty_tables() -> dict[str, pa.Table]:
    """All tables without rows."""
    return {doc.name: result_table(doc) for doc in TABLES}
