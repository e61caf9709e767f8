"""One SELECT on a published warehouse, shown or written in the format asked for."""

from __future__ import annotations

import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb

from warehouse.database import open_published, quoted
from warehouse.display import PIPED_WIDTH
from warehouse.errors import LesionsError, printable
from warehouse.leftovers import replacing

COPY_OPTIONS = {
    "csv": "FORMAT csv, HEADER true",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet",
}
BY_SUFFIX = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".xlsx": "excel"}
SHOWN_LIMIT = 10_000
"""Rows fetched for a terminal, of which some are shown and all are counted."""
MIN_BLOCKS = 3
BATCH = 10_000


def run_query(
    published: Path, sql: str, output_format: str, output: Path | None, max_rows: int
) -> None:
    """Runs a query read-only, with no access to files outside the warehouse.

    Args:
        published: the warehouse.
        sql: one SELECT.
        output_format: table, csv, json, parquet or excel.
        output: file to write; standard output where None.
        max_rows: rows shown of a table.

    Raises:
        LesionsError: the SQL is wrong, or Parquet or Excel is asked for without a file.
    """
    if output_format in ("parquet", "excel") and output is None:
        raise LesionsError(
            f"{output_format.capitalize()} is not for reading on a terminal. "
            "Name a file: --output FILE."
        )
    if output is not None and output_format == "table":
        output_format = _format_of(output)
    if output is not None and not output.absolute().parent.is_dir():
        raise LesionsError(f"{output.absolute().parent} is no folder. Make it, or name another.")
    if output is not None and output.is_dir():
        raise LesionsError(f"{output} is a folder. Name the file to write.")
    with ExitStack() as stack:
        connection = stack.enter_context(open_published(published))
        target = output if output is None else stack.enter_context(replacing(output))
        try:
            if len(duckdb.extract_statements(sql)) > 1:
                raise LesionsError("that is more than one statement; a query is one SELECT.")
            relation = connection.sql(sql)
            if relation is None:
                raise LesionsError("that statement gives no rows; a query is one SELECT.")
            if output_format == "table":
                show(relation, max_rows, terminal_width())
            elif output_format == "excel":
                from warehouse.publishing.excel import write_excel

                assert target is not None  # refused above
                n_rows = relation.aggregate("count(*)").fetchall()[0][0]
                write_excel(relation.columns, n_rows, _rows(connection, sql), sql, target)
            else:
                _write(relation, output_format, target)
        except duckdb.Error as error:
            raise LesionsError(f"the query failed: {error}") from error


def _format_of(output: Path) -> str:
    """The format that a file's ending says; csv where it has none."""
    suffix = output.suffix.lower()
    if suffix and suffix not in BY_SUFFIX:
        raise LesionsError(
            f"{output}: the ending {suffix} says no format. Name it {', '.join(BY_SUFFIX)}, or say "
            "which with --format."
        )
    return BY_SUFFIX.get(suffix, "csv")


def terminal_width() -> int:
    """Columns of text to fill: the terminal's, or PIPED_WIDTH where there is none."""
    return shutil.get_terminal_size((PIPED_WIDTH, 40)).columns


def show(relation: duckdb.DuckDBPyRelation, max_rows: int, width: int) -> None:
    """Prints a result: as a table where its columns fit, else each row as a block of lines.

    A table that does not fit would lose its middle columns; a block leaves none out.

    Args:
        relation: the result.
        max_rows: rows shown of a table; of blocks, as many as have that many lines, at least
            MIN_BLOCKS.
        width: columns of text.
    """
    with duckdb.connect() as memory:
        memory.execute("SET enable_progress_bar = false")
        memory.register("result", relation.limit(SHOWN_LIMIT).to_arrow_table())
        result = memory.sql("FROM result")
        rows = result.limit(max(max_rows, 1)).project("CAST(COLUMNS(*) AS VARCHAR)").fetchall()
        names = list(zip(relation.columns, map(str, relation.types), strict=True))
        needed = 1 + sum(
            3 + max(len(name), len(kind), *(len(row[i] or "NULL") for row in rows), 0)
            for i, (name, kind) in enumerate(names)
        )
        if needed <= width or len(names) == 1:
            result.show(max_rows=max_rows, max_width=width)
            return
        total = memory.sql("SELECT count(*) FROM result").fetchall()[0][0]
    _show_blocks([name for name, _ in names], rows, total, max_rows, width)


def _show_blocks(
    names: Sequence[str], rows: Sequence[Sequence[str | None]], total: int, lines: int, width: int
) -> None:
    shown = rows[: max(MIN_BLOCKS, lines // (len(names) + 1))]
    left = max(len(name) for name in names)
    for number, row in enumerate(shown, start=1):
        print(f"── row {number} ".ljust(min(width, left + 20), "─"))
        for name, value in zip(names, row, strict=True):
            text = "NULL" if value is None else printable(value)
            room = max(20, width - left - 2)
            first, *others = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
            print(f"{name.rjust(left)}  {first}")
            for line in others:
                print(" " * (left + 2) + line)
    counted = f"{total:,}" if total < SHOWN_LIMIT else f"{SHOWN_LIMIT:,} or more"
    counts = (
        f"{len(shown)} of {counted} rows, {len(names)} columns: too wide for a table of {width}. "
        "For all of it: --rows N, -o result.xlsx (or .csv); for a table: name fewer columns."
    )
    print(textwrap.fill(counts, width, break_on_hyphens=False))


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[Sequence[Any]]:
    """All rows, a batch at a time."""
    result = connection.execute(sql)
    while batch := result.fetchmany(BATCH):
        yield from batch


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
