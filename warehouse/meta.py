"""The tables that the engine itself keeps: what was run, what was made, from what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from warehouse.database import qualified, quoted
from warehouse.declarations import declared
from warehouse.graph import Graph
from warehouse.models import LAYERS
from warehouse.registry import TableDoc
from warehouse.settings import BY_NAME, as_text

CHECK_TABLE = "quality.check_result"
"""The results of checks: the engine writes it too."""

COLUMN_PAIR_KEY = ("table_name", "column_name", "from_table", "from_column")

META_DOCS = tuple(
    declared(f"meta.{name}")
    for name in (
        "setting",
        "run",
        "model",
        "run_note",
        "digest",
        "lineage_table",
        "lineage_column",
        "lineage_influence",
    )
)


def create_schemas(connection: duckdb.DuckDBPyConnection) -> None:
    """Every schema, and the engine's own tables, empty."""
    for layer in (*LAYERS, "meta"):
        connection.execute(f"CREATE SCHEMA {layer}")
    for doc in META_DOCS:
        columns = ", ".join(f"{name} {kind}" for name, kind in doc.types.items())
        connection.execute(f"CREATE TABLE {qualified(doc.name)} ({columns})")


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]
) -> None:
    """Adds rows to one of the engine's tables, whose values stand in column order."""
    import pyarrow as pa  # a fifth of a second, which commands that write nothing need not spend

    rows = list(rows)
    if not rows:
        return
    types = declared(table).types
    given = pa.table(dict(zip(types, map(list, zip(*rows, strict=True)), strict=True)))
    cast = ", ".join(f"CAST({name} AS {kind})" for name, kind in types.items())
    connection.register("rows_given", given)
    connection.execute(f"INSERT INTO {qualified(table)} SELECT {cast} FROM rows_given")
    connection.unregister("rows_given")


def write_settings(connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any]) -> None:
    """Fills meta.setting; readers of the file have no business with private ones."""
    insert(
        connection,
        "meta.setting",
        [
            (name, as_text(value), BY_NAME[name].type_name)
            for name, value in values.items()
            if not BY_NAME[name].is_private
        ],
    )


def write_comments(
    connection: duckdb.DuckDBPyConnection, docs: Iterable[TableDoc], present: set[str]
) -> None:
    """Stores descriptions as the database's own comments, for the tables that are present.

    Those that stand there already are left: a statement for each of thousands takes seconds.
    """
    views = view_names(connection)
    known = _comments(connection)
    with connection.cursor() as cursor:
        # There is nothing to optimize in them, and to see that takes a fifth of their time.
        cursor.execute("PRAGMA disable_optimizer")
        cursor.execute("BEGIN")
        for doc in docs:
            if doc.name not in present:
                continue
            table = qualified(doc.name)
            text = f"{doc.description}\nGrain: {doc.grain}"
            kind = "VIEW" if doc.name in views else "TABLE"
            if known.get((doc.name, None)) != text:
                cursor.execute(f"COMMENT ON {kind} {table} IS {quoted(text)}")
            for column, comment in doc.columns.items():
                if known.get((doc.name, column)) != comment:
                    cursor.execute(f'COMMENT ON COLUMN {table}."{column}" IS {quoted(comment)}')
        cursor.execute("COMMIT")


def _comments(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str | None], str]:
    """The comments of tables, views and columns, by table and column."""
    here = "WHERE database_name = current_database() AND comment IS NOT NULL"
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name, column_name, comment "
        f"FROM duckdb_columns() {here} UNION ALL "
        f"SELECT schema_name || '.' || table_name, NULL, comment FROM duckdb_tables() {here} "
        "UNION ALL "
        f"SELECT schema_name || '.' || view_name, NULL, comment FROM duckdb_views() {here}"
    ).fetchall()
    return {(table, column): comment for table, column, comment in rows}


def view_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The views of a warehouse, ``schema.view``."""
    rows = connection.execute(
        "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal"
    )
    return {row[0] for row in rows.fetchall()}


def described_tables(graph: Graph) -> list[TableDoc]:
    """Descriptions of every table of a warehouse: the graph's and the engine's."""
    return [*graph.table_docs.values(), *META_DOCS]
