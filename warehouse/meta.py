"""The tables that the engine itself keeps: what was run, what was made, from what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from warehouse.database import qualified, quoted
from warehouse.graph import Graph
from warehouse.models import LAYERS
from warehouse.registry import TableDoc
from warehouse.settings import BY_NAME, as_text

CHECK_TABLE = "quality.check_result"
"""The results of checks: the engine writes it too."""

COLUMN_PAIR_KEY = ("table_name", "column_name", "from_table", "from_column")

META_DOCS: tuple[tuple[TableDoc, Mapping[str, str]], ...] = (
    (
        TableDoc(
            "meta.setting",
            "The settings that this warehouse was made with.",
            "one row per setting",
            ("name",),
            {
                "name": "section.key, as in lesions.toml",
                "value": "the value as text",
                "type": "boolean, integer, number or text",
            },
        ),
        {"name": "VARCHAR", "value": "VARCHAR", "type": "VARCHAR"},
    ),
    (
        TableDoc(
            "meta.run",
            "The runs that published this file or one before it; a failed run publishes nothing "
            "and stands in .lesions/runs.log.",
            "one row per published run",
            ("run_id",),
            {
                "run_id": "id of the run",
                "started_at": "start, UTC",
                "finished_at": "end, UTC",
                "seconds": "duration in seconds",
                "version": "version of lesion-warehouse",
                "duckdb_version": "version of DuckDB",
                "threads": "worker threads",
                "seed": "the project's seed",
                "selectors": "what was asked for; empty for all that was out of date",
                "n_built": "nodes built",
                "n_tables": "tables published",
                "n_checks": "checks made",
                "n_failed_checks": "checks that failed, none of them critical",
            },
        ),
        {
            "run_id": "VARCHAR",
            "started_at": "TIMESTAMP",
            "finished_at": "TIMESTAMP",
            "seconds": "DOUBLE",
            "version": "VARCHAR",
            "duckdb_version": "VARCHAR",
            "threads": "INTEGER",
            "seed": "BIGINT",
            "selectors": "VARCHAR",
            "n_built": "INTEGER",
            "n_tables": "INTEGER",
            "n_checks": "INTEGER",
            "n_failed_checks": "INTEGER",
        },
    ),
    (
        TableDoc(
            "meta.model",
            "What made each table: SQL, a Python step, a seed or loaded sources.",
            "one row per table",
            ("name",),
            {
                "name": "schema.table",
                "fingerprint": "digest of definition, settings and inputs",
                "kind": "source, seed, sql or python",
                "rows": "number of rows",
                "built_at": "when it was built, UTC",
                "seconds": "seconds to build (of a step, all its tables together)",
                "node": "the model or step that makes it",
                "grain": "what a row is",
                "key_columns": "columns that identify a row",
                "run_id": "the run that built it",
                "fingerprint_parts": "the fingerprint's parts as JSON, settings included",
                "doc_digest": "digest of the descriptions",
                "suite_digest": "digest of the suite of checks; NULL where it has none",
            },
        ),
        {
            "name": "VARCHAR",
            "fingerprint": "VARCHAR",
            "kind": "VARCHAR",
            "rows": "BIGINT",
            "built_at": "TIMESTAMP",
            "seconds": "DOUBLE",
            "node": "VARCHAR",
            "grain": "VARCHAR",
            "key_columns": "VARCHAR",
            "run_id": "VARCHAR",
            "fingerprint_parts": "VARCHAR",
            "doc_digest": "VARCHAR",
            "suite_digest": "VARCHAR",
        },
    ),
    (
        TableDoc(
            "meta.run_note",
            "What a Python step had to say about its input.",
            "one row per note",
            ("node", "position"),
            {
                "node": "the step",
                "position": "order of the note, from 1",
                "note": "the text",
                "run_id": "the run that built the step",
            },
        ),
        {"node": "VARCHAR", "position": "INTEGER", "note": "VARCHAR", "run_id": "VARCHAR"},
    ),
    (
        TableDoc(
            "meta.digest",
            "A digest of each table's content as it was published: a run compares what it carries "
            "on, and builds anew what another program has altered.",
            "one row per table, this one aside, and per macro",
            ("table_name",),
            {
                "table_name": "schema.table, or 'macro schema.name'",
                "digest": "of the columns and rows, in whatever order; of the definition of a view "
                "or macro",
                "duckdb_version": "version of DuckDB whose hash it is",
            },
        ),
        {"table_name": "VARCHAR", "digest": "VARCHAR", "duckdb_version": "VARCHAR"},
    ),
    (
        TableDoc(
            "meta.lineage_table",
            "Which table reads which.",
            "one row per table and table read",
            ("table_name", "from_table"),
            {"table_name": "schema.table", "from_table": "a table it reads"},
        ),
        {"table_name": "VARCHAR", "from_table": "VARCHAR"},
    ),
    (
        TableDoc(
            "meta.lineage_column",
            "Which stored columns a column is computed from, read from the SQL; Python steps "
            "stand in meta.lineage_table only. What else decides its value and its rows is in "
            "meta.lineage_influence.",
            "one row per column and column read",
            COLUMN_PAIR_KEY,
            {
                "table_name": "schema.table",
                "column_name": "its column",
                "from_table": "a table read",
                "from_column": "a column of that table",
            },
        ),
        dict.fromkeys(COLUMN_PAIR_KEY, "VARCHAR"),
    ),
    (
        TableDoc(
            "meta.lineage_influence",
            "Which stored columns decide a column's value or its table's rows without being part "
            "of the value: keys of joins, filters, groups, windows and orders, read from the SQL.",
            "one row per column and column that decides",
            COLUMN_PAIR_KEY,
            {
                "table_name": "schema.table",
                "column_name": "its column; * for all of them, which have the same rows",
                "from_table": "a table read",
                "from_column": "a column of that table; * where only its rows count",
            },
        ),
        dict.fromkeys(COLUMN_PAIR_KEY, "VARCHAR"),
    ),
)


MODEL_COLUMNS = next(tuple(types) for doc, types in META_DOCS if doc.name == "meta.model")


def create_schemas(connection: duckdb.DuckDBPyConnection) -> None:
    """Every schema, and the engine's own tables, empty."""
    for layer in (*LAYERS, "meta"):
        connection.execute(f"CREATE SCHEMA {layer}")
    for doc, types in META_DOCS:
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        connection.execute(f"CREATE TABLE {qualified(doc.name)} ({columns})")


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]
) -> None:
    """Adds rows to one of the engine's tables, whose values stand in column order."""
    import pyarrow as pa  # a fifth of a second, which commands that write nothing need not spend

    rows = list(rows)
    if not rows:
        return
    types = next(kinds for doc, kinds in META_DOCS if doc.name == table)
    given = pa.table(dict(zip(types, map(list, zip(*rows, strict=True)), strict=True)))
    cast = ", ".join(f"CAST({name} AS {kind})" for name, kind in types.items())
    connection.register("rows_given", given)
    connection.execute(f"INSERT INTO {qualified(table)} SELECT {cast} FROM rows_given")
    connection.unregister("rows_given")


def write_settings(connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any]) -> None:
    """Fills meta.setting."""
    insert(
        connection,
        "meta.setting",
        [(name, as_text(value), BY_NAME[name].type_name) for name, value in values.items()],
    )


def write_comments(
    connection: duckdb.DuckDBPyConnection, docs: Iterable[TableDoc], present: set[str]
) -> None:
    """Stores descriptions as the database's own comments, for the tables that are present."""
    views = view_names(connection)
    connection.execute("BEGIN")
    for doc in docs:
        if doc.name not in present:
            continue
        table = qualified(doc.name)
        text = f"{doc.description}\nGrain: {doc.grain}"
        kind = "VIEW" if doc.name in views else "TABLE"
        connection.execute(f"COMMENT ON {kind} {table} IS {quoted(text)}")
        for column, comment in doc.columns.items():
            connection.execute(f'COMMENT ON COLUMN {table}."{column}" IS {quoted(comment)}')
    connection.execute("COMMIT")


def view_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The views of a warehouse, ``schema.view``."""
    rows = connection.execute(
        "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal"
    )
    return {row[0] for row in rows.fetchall()}


def described_tables(graph: Graph) -> list[TableDoc]:
    """Descriptions of every table of a warehouse: the graph's and the engine's."""
    return [*graph.table_docs.values(), *(doc for doc, _ in META_DOCS)]
