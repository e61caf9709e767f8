"""The marts in one schema of another DuckDB file, which may hold other things too."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.database import STORAGE_VERSION, ident, quoted
from warehouse.errors import LesionsError
from warehouse.publishing.marts import PUBLICATION, Marts, open_marts, refuse_missing

TARGET = "publish_target"


@dataclass(frozen=True)
class Copied:
    """What a publish to a DuckDB file did."""

    n_tables: int
    n_rows: int
    seconds: float


def publish_to_duckdb(published: Path, target: Path, schema: str) -> Copied:
    """Replaces the tables of one schema in a DuckDB file, in one transaction.

    Views of others on these tables, in other schemas, stay: DuckDB looks at a view's tables when it
    is read. The file is made where it is not there, in the storage that DuckDB 1.5 reads.

    Args:
        published: the published warehouse.
        target: the file.
        schema: the schema, made at the first publish and owned by us from then on.

    Raises:
        LesionsError: no warehouse; the file is the warehouse itself, is no DuckDB file, or is held
            by another program; the schema holds something else.
    """
    started = time.perf_counter()
    refuse_missing(published)
    if target.exists() and target.samefile(published):
        raise LesionsError(f"{target} is the published warehouse itself. Name another file.")
    with open_marts(published) as marts:
        connection = marts.connection
        try:
            # A file that is there keeps its own version.
            option = "" if target.exists() else f"(STORAGE_VERSION '{STORAGE_VERSION}')"
            connection.execute(f"ATTACH {quoted(str(target))} AS {TARGET} {option}")
            connection.execute("BEGIN")
            _claim(connection, schema, target)
            _copy(marts, schema)
            connection.execute("COMMIT")
            connection.execute(f"DETACH {TARGET}")
        except (duckdb.Error, OSError) as error:
            raise LesionsError(
                f"publishing to {target} failed: {str(error).splitlines()[0]} Nothing in it was "
                "changed. A DuckDB file is written by one program at a time."
            ) from error
        n_rows = sum(mart.n_rows for mart in marts.tables)
        return Copied(len(marts.tables), n_rows, time.perf_counter() - started)


def _claim(connection: duckdb.DuckDBPyConnection, schema: str, target: Path) -> None:
    """Empties the schema, which is ours where it is new or holds a publication.

    Raises:
        LesionsError: it holds something that no publish made.
    """
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? "
        "UNION ALL SELECT view_name FROM duckdb_views() WHERE database_name = ? "
        "AND schema_name = ? AND NOT internal ORDER BY ALL",
        [TARGET, schema] * 2,
    ).fetchall()
    names = [name for (name,) in tables]
    path = f"{TARGET}.{ident(schema)}"
    ours: set[str] = set()
    if PUBLICATION in names:
        listed = connection.execute(f"SELECT table_name FROM {path}.{PUBLICATION}").fetchall()
        ours = {name for (name,) in listed} | {PUBLICATION}
    strangers = [name for name in names if name not in ours]
    if strangers:
        raise LesionsError(
            f"the schema {schema} of {target} holds {', '.join(strangers[:3])}, which lesions did "
            "not make. Name another with --schema."
        )
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {path}")
    for name in names:
        connection.execute(f"DROP TABLE {path}.{ident(name)}")


def _copy(marts: Marts, schema: str) -> None:
    for mart in marts.tables:
        table = f"{TARGET}.{ident(schema)}.{ident(mart.name)}"
        marts.connection.execute(f"CREATE TABLE {table} AS {mart.sql}")
        text = f"{mart.description}\nKey: {', '.join(mart.key)}"
        marts.connection.execute(f"COMMENT ON TABLE {table} IS {quoted(text)}")
        for column in mart.columns:
            marts.connection.execute(
                f"COMMENT ON COLUMN {table}.{ident(column.name)} IS {quoted(column.comment)}"
            )
