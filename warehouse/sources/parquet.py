"""Parquet, through DuckDB's reader."""

from __future__ import annotations

from pathlib import Path

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.spec import ReadOptions
from warehouse.sources.stage import RECORD, Stage, column_names, text_of, write_stage
from warehouse.sources.wording import identifier, literal


def stage_parquet(
    connection: duckdb.DuckDBPyConnection, file: Path, options: ReadOptions, out: Path
) -> Stage:
    """Stages a Parquet file; numbers and dates become text as :func:`text_of` says.

    Raises:
        LesionsError: the file is damaged or no Parquet file.
    """
    source = file
    if any(sign in str(file) for sign in "*?["):
        source = out.with_suffix(".source.parquet")
        source.unlink(missing_ok=True)
        source.symlink_to(file.absolute())
    relation = f"read_parquet({literal(str(source))})"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        names = [str(row[0]) for row in described]
        columns = column_names(file, names)
        cells = ", ".join(
            f"{text_of(identifier(name), str(row[1]))} AS {identifier(column)}"
            for name, column, row in zip(names, columns, described, strict=True)
        )
        query = f"SELECT {cells}, row_number() OVER () AS {RECORD} FROM {relation}"
        rows = write_stage(connection, query, columns, out)
    except duckdb.Error as error:
        if str(out) in str(error):
            raise  # it could not be written; nothing is wrong with the file
        reason = str(error).splitlines()[0]
        raise LesionsError(
            f"{file} cannot be read as Parquet: {reason} Copy it from its source again."
        ) from error
    return Stage(out, columns, rows)
