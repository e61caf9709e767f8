"""What there is to publish: the tables and views of ``mart``, as one published file has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.database import NO_PROGRESS_BAR, OFFLINE, ident, qualified, quoted
from warehouse.engines.store import stored_folders
from warehouse.errors import LesionsError

SCHEMA = "mart"
PUBLICATION = "publication"


@dataclass(frozen=True)
class Column:
    """One column: its name, its DuckDB type, what it means."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Mart:
    """One table or view of ``mart``, without the schema in its name."""

    name: str
    description: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    n_rows: int
    built_by: str
    """The run that built the table: the same run, the same rows. Empty for a view, whose rows are
    those of the tables behind it."""
    sql: str
    """The query that reads it, its rows ordered by the key."""


@dataclass(frozen=True)
class Marts:
    """All marts of one published file, and a connection that reads them."""

    connection: duckdb.DuckDBPyConnection
    tables: tuple[Mart, ...]
    run_id: str
    """The run that published the file."""
    finished_at: str
    """When that run ended, UTC, ISO 8601."""
    version: str
    """Version of lesion-warehouse that ran it."""


PUBLICATION_DESCRIPTION = (
    "One table of this publication: what was copied, and from which run of the warehouse.\n"
    "Why: says how fresh the tables are; all of them are always of one run."
)
PUBLICATION_COLUMNS = (
    Column("table_name", "VARCHAR", "a table beside this one"),
    Column("n_rows", "BIGINT", "its rows"),
    Column("grain", "VARCHAR", "what one of its rows is"),
    Column("key_columns", "VARCHAR", "columns that identify a row"),
    Column("built_by", "VARCHAR", "the run that built the table; empty for a view"),
    Column("run_id", "VARCHAR", "the run that published the warehouse, meta.run"),
    Column("finished_at", "TIMESTAMP", "when that run ended, UTC"),
    Column("version", "VARCHAR", "version of lesion-warehouse"),
)


def refuse_missing(published: Path) -> None:
    """Asked before anything is made for a copy.

    Raises:
        LesionsError: there is no published warehouse.
    """
    if not published.is_file():
        raise LesionsError(f"{published} is not there yet. 'lesions run' makes it.")


@contextmanager
def open_marts(published: Path) -> Iterator[Marts]:
    """The marts of a published warehouse, read from one state of the file until the end.

    A run that publishes meanwhile puts another file in its place; this one stays as it is.

    Raises:
        LesionsError: there is no warehouse, or it cannot be opened.
    """
    refuse_missing(published)
    with duckdb.connect(config=dict(OFFLINE)) as connection:
        connection.execute(NO_PROGRESS_BAR)
        try:
            connection.execute(f"ATTACH {quoted(str(published))} AS warehouse (READ_ONLY)")
            connection.execute("USE warehouse")
            run_id, finished_at, version = connection.execute(
                "SELECT run_id, strftime(finished_at, '%Y-%m-%dT%H:%M:%S.%f'), version "
                "FROM meta.run ORDER BY finished_at DESC, run_id DESC LIMIT 1"
            ).fetchall()[0]
            tables = _read_tables(connection)
        except (duckdb.Error, IndexError) as error:
            raise LesionsError(
                f"{published} cannot be read as a warehouse of lesions: {error}"
            ) from error
        if not tables:
            raise LesionsError(
                f"{published} has no table of mart: a run of selected models made it. 'lesions "
                "run' without a selection builds them."
            )
        yield Marts(
            connection,
            (*tables, _publication(tables, run_id, finished_at, version)),
            run_id,
            finished_at,
            version,
        )


def _read_tables(connection: duckdb.DuckDBPyConnection) -> list[Mart]:
    columns: dict[str, list[Column]] = {}
    for table, name, kind, comment in connection.execute(
        "SELECT table_name, column_name, data_type, coalesce(comment, '') FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name = ? "
        "ORDER BY table_name, column_index",
        [SCHEMA],
    ).fetchall():
        columns.setdefault(table, []).append(Column(name, kind, comment))
    described = connection.execute(
        "SELECT table_name, comment, false FROM duckdb_tables() WHERE schema_name = $1 "
        "UNION ALL SELECT view_name, comment, true FROM duckdb_views() WHERE schema_name = $1",
        [SCHEMA],
    ).fetchall()
    comments: dict[str, str] = {name: comment or "" for name, comment, _ in described}
    # What lies in Parquet is shown as a view, and changes as a table does.
    stored = {name.removeprefix(f"{SCHEMA}.") for name in stored_folders(connection)}
    views = {name for name, _, is_view in described if is_view} - stored
    models = connection.execute(
        "SELECT split_part(name, '.', 2), grain, key_columns, rows, run_id FROM meta.model "
        "WHERE split_part(name, '.', 1) = ? ORDER BY name",
        [SCHEMA],
    ).fetchall()
    found = []
    for name, grain, key_text, n_rows, run_id in models:
        key = tuple(word.strip() for word in key_text.split(","))
        names = ", ".join(ident(column.name) for column in columns[name])
        order = ", ".join(ident(column) for column in key)
        sql = f"SELECT {names} FROM {qualified(f'{SCHEMA}.{name}')} ORDER BY {order}"
        own = tuple(columns[name])
        built_by = "" if name in views else run_id
        found.append(Mart(name, comments[name], grain, key, own, n_rows, built_by, sql))
    return found


def _publication(tables: list[Mart], run_id: str, finished_at: str, version: str) -> Mart:
    rows = ", ".join(
        f"({quoted(mart.name)}, {mart.n_rows}, {quoted(mart.grain)}, "
        f"{quoted(', '.join(mart.key))}, {quoted(mart.built_by)})"
        for mart in tables
    )
    sql = (
        "SELECT table_name, CAST(n_rows AS BIGINT) AS n_rows, grain, key_columns, "
        f"built_by, {quoted(run_id)} AS run_id, "
        f"CAST({quoted(finished_at)} AS TIMESTAMP) AS finished_at, "
        f"{quoted(version)} AS version "
        f"FROM (VALUES {rows}) AS t (table_name, n_rows, grain, key_columns, built_by) "
        "ORDER BY table_name"
    )
    return Mart(
        PUBLICATION,
        PUBLICATION_DESCRIPTION,
        "one row per table_name",
        ("table_name",),
        PUBLICATION_COLUMNS,
        len(tables),
        "",
        sql,
    )
