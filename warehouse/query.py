"""One SELECT on a published warehouse, shown or written in the format asked for."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import duckdb

from warehouse.database import open_published, quoted
from warehouse.errors import LesionsError

COPY_OPTIONS = {
    "csv": "FORMAT csv, HEADER true",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet",
}


def run_query(
    published: Path, sql: str, output_format: str, output: Path | None, max_rows: int
) -> None:
    """Runs a query read-only, with no access to files outside the warehouse.

    Args:
        published: the warehouse.
        sql: one SELECT.
        output_format: table, csv, json or parquet.
        output: file to write; standard output where None.
        max_rows: rows shown of a table.

    Raises:
        LesionsError: the SQL is wrong, or Parquet is asked for without a file.
    """
    if output_format == "parquet" and output is None:
        raise LesionsError("Parquet is not for reading on a terminal. Name a file: --output FILE.")
    if output is not None and output_format == "table":
        output_format = {".csv": "csv", ".json": "json", ".parquet": "parquet"}.get(
            output.suffix, "csv"
        )
    with open_published(published) as connection:
        try:
            relation = connection.sql(sql)
            if relation is None:
                raise LesionsError("that statement gives no rows; a query is one SELECT.")
            if output_format == "table":
                width = shutil.get_terminal_size((120, 40)).columns
                relation.show(max_rows=max_rows, max_width=width)
                return
            _write(relation, output_format, output)
        except duckdb.Error as error:
            raise LesionsError(f"the query failed: {error}") from error


def _write(relation: duckdb.DuckDBPyRelation, output_format: str, output: Path | None) -> None:
    """Writes to a file; for standard output by way of a temporary one.

    Opening /dev/stdout by its name would overwrite what a redirected output already holds.
    """
    if output is not None:
        _copy(relation, output_format, output)
        return
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result"
        _copy(relation, output_format, result)
        with result.open("rb") as handle:
            sys.stdout.flush()
            shutil.copyfileobj(handle, sys.stdout.buffer)
            sys.stdout.buffer.flush()


def _copy(relation: duckdb.DuckDBPyRelation, output_format: str, target: Path) -> None:
    with duckdb.connect() as writer:
        writer.register("result", relation.to_arrow_reader())
        writer.execute(
            f"COPY (SELECT * FROM result) TO {quoted(str(target))} ({COPY_OPTIONS[output_format]})"
        )
