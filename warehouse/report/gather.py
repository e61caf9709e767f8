"""Reads what the figures show from a published warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from warehouse.errors import LesionsError
from warehouse.report.parts import Figure, Section

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Rows:
    """What a figure shows, or why it cannot be drawn."""

    figure: Figure
    missing: str = ""
    """Why it is left out; empty where it is drawn."""
    table: pa.Table | None = None
    sources: Mapping[str, pa.Table] | None = None
    comments: Mapping[str, str] | None = None
    chosen: tuple[str, ...] = ()
    """Value at first of each filter; empty text for all values."""
    counts: tuple[tuple[str, int], ...] = ()
    """Numbers behind the figure as first shown, each with its words."""


def gather(connection: duckdb.DuckDBPyConnection, sections: Sequence[Section]) -> dict[str, Rows]:
    """The rows of every figure by its name.

    Raises:
        LesionsError: a table is there without the columns that the figure was made for.
    """
    present = {
        f"{schema}.{name}"
        for schema, name in connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() "
            "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
    }
    return {
        figure.name: _rows(connection, figure, present)
        for section in sections
        for figure in section.figures
    }


def _rows(connection: duckdb.DuckDBPyConnection, figure: Figure, present: set[str]) -> Rows:
    absent = [name for name in figure.needs if name not in present]
    if absent:
        names = ", ".join(absent)
        return Rows(figure, f"This warehouse has no table {names}: it was made without it.")
    try:
        table = connection.sql(figure.sql).to_arrow_table()
        if not table.num_rows:
            return Rows(figure, figure.if_empty)
        chosen = _chosen(figure, table)
        counts = _counts(connection, figure, table, chosen)
        sources = {
            name: connection.sql(sql).to_arrow_table() for name, sql in figure.sources.items()
        }
    except duckdb.Error as error:
        raise LesionsError(
            f"figure {figure.name} cannot be made from {', '.join(figure.needs)}: "
            f"{str(error).splitlines()[0]} The warehouse was made by another version: "
            "'lesions run' brings it up to date."
        ) from error
    comments = dict(
        connection.execute(
            "SELECT column_name, any_value(comment) FROM duckdb_columns() "
            "WHERE list_contains(?, schema_name || '.' || table_name) AND comment IS NOT NULL "
            "GROUP BY column_name",
            [list(figure.needs)],
        ).fetchall()
    )
    return Rows(figure, "", table, sources, comments, chosen, counts)


def _chosen(figure: Figure, table: pa.Table) -> tuple[str, ...]:
    """The filters' first values: of each in turn, among the rows that those before it leave."""
    import pyarrow.compute as pc

    chosen: list[str] = []
    left = table
    for one in figure.filters:
        if one.is_optional and one.default is None:
            chosen.append("")
            continue
        values = [v for v in pc.unique(left.column(one.column)).to_pylist() if v is not None]
        value = one.default if one.default in values else (values[0] if values else "")
        chosen.append(str(value))
        left = _where(left, one.column, str(value))
    return tuple(chosen)


def _where(table: pa.Table, column: str, value: str) -> pa.Table:
    """The rows whose column, as text, is a value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.equal(pc.cast(table.column(column), pa.string()), value))


def _counts(
    connection: duckdb.DuckDBPyConnection, figure: Figure, table: pa.Table, chosen: Sequence[str]
) -> tuple[tuple[str, int], ...]:
    for one, value in zip(figure.filters, chosen, strict=True):
        if value:
            table = _where(table, one.column, value)
    found = []
    with connection.cursor() as cursor:
        cursor.register("shown", table)
        for count in figure.counts:
            ((number,),) = cursor.execute(count.sql).fetchall()
            found.append((count.words, int(number or 0)))
        cursor.unregister("shown")
    return tuple(found)
