"""The stage: a file's cells as text in one Parquet file, in the order of its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.wording import identifier, listed, literal

# Number of the record in its file; a name that no source column has.
RECORD = "_record_number"
_CHUNK_ROWS = 20_000
_MIN_HEADER = 2
"""Columns of a header that a record can be said to repeat: one word may be a value too."""
_COMPARED = 100
"""Columns of a record that are compared with the header."""


@dataclass(frozen=True)
class Rejected:
    """One record that the reader could not take."""

    record: int
    text: str
    reason: str
    remedy: str
    column: str | None = None
    defect_id: str | None = None


@dataclass(frozen=True)
class Stage:
    """A staged file.

    Attributes:
        path: Parquet file with the source's columns (VARCHAR, blank = NULL) and RECORD (BIGINT).
        columns: the source's column names, in its order.
        rows: records in the Parquet file.
        rejected: records that are not in it.
    """

    path: Path
    columns: tuple[str, ...]
    rows: int
    rejected: tuple[Rejected, ...] = ()

    @property
    def relation(self) -> str:
        """The stage as an SQL table expression."""
        return f"read_parquet({literal(str(self.path))})"


def column_names(file: Path, header: Sequence[str | None]) -> tuple[str, ...]:
    """Names of columns from a header: trimmed, a blank one named by its place.

    Raises:
        LesionsError: a name is there twice (letter case aside, as in SQL).
    """
    names = [(name or "").strip() or f"column_{place}" for place, name in enumerate(header, 1)]
    if any("\0" in name for name in names):
        raise LesionsError(f"{file}: a column name holds a NUL byte. Take it out of the header.")
    counts = Counter(name.casefold() for name in names)
    repeated = sorted({name for name in names if counts[name.casefold()] > 1})
    if repeated:
        places = {
            name: [n for n, other in enumerate(names, 1) if other == name] for name in repeated
        }
        details = listed(f"{name!r} (column {listed(map(str, at))})" for name, at in places.items())
        raise LesionsError(
            f"{file}: a column name is used twice: {details}. Rename one of them in the header."
        )
    return tuple(names)


def text_of(expression: str, sql_type: str) -> str:
    """SQL that renders a typed value as source text.

    Whole numbers lose their '.0', dates are ISO 8601, a timestamp at midnight is a date, blank is
    NULL. ``21.0 -> '21'``, ``0.1 -> '0.1'``.
    """
    kind = sql_type.upper()
    if kind in ("DOUBLE", "FLOAT", "REAL"):
        whole = f"{expression} = trunc({expression}) AND abs({expression}) < 1e18"
        return (
            f"CASE WHEN NOT isfinite({expression}) THEN NULL WHEN {whole} "
            f"THEN CAST(CAST({expression} AS BIGINT) AS VARCHAR) "
            f"ELSE CAST({expression} AS VARCHAR) END"
        )
    if kind.startswith("TIMESTAMP"):
        stamp = f"CAST({expression} AS TIMESTAMP)"
        date = f"CAST(CAST({stamp} AS DATE) AS VARCHAR)"
        whole = f"{stamp} = CAST(CAST({stamp} AS DATE) AS TIMESTAMP)"
        return f"CASE WHEN {whole} THEN {date} ELSE replace(CAST({stamp} AS VARCHAR), ' ', 'T') END"
    if kind == "BLOB":
        return f"nullif(decode({expression}), '')"
    return f"nullif(CAST({expression} AS VARCHAR), '')"


def write_stage(
    connection: duckdb.DuckDBPyConnection, query: str, columns: Sequence[str], out: Path
) -> int:
    """Copies a query (its columns those of a stage) to Parquet, streaming; the number of rows."""
    names = ", ".join(identifier(name) for name in (*columns, RECORD))
    copied = connection.execute(
        f"COPY (SELECT {names} FROM ({query})) TO {literal(str(out))} (FORMAT parquet)"
    ).fetchall()
    return int(copied[0][0])


def quarantine_repeated_headers(connection: duckdb.DuckDBPyConnection, stage: Stage) -> Stage:
    """The stage without records that repeat the header, as in files joined one below the other."""
    if len(stage.columns) < _MIN_HEADER:
        return stage
    is_header = " AND ".join(
        f"upper(trim({identifier(name)})) IS NOT DISTINCT FROM upper({literal(name)})"
        for name in stage.columns[:_COMPARED]
    )
    return _without(
        connection,
        stage,
        is_header,
        "the record repeats the header line",
        "remove the line; it stands there where files were joined one below the other",
    )


def quarantine_nul(connection: duckdb.DuckDBPyConnection, stage: Stage) -> Stage:
    """The stage without records that hold a NUL byte: no text does, and PostgreSQL takes none."""
    has_nul = " OR ".join(f"contains({identifier(name)}, chr(0))" for name in stage.columns)
    return _without(
        connection,
        stage,
        f"coalesce({has_nul}, false)",
        "the record holds a NUL byte",
        "take the byte (0x00) out of the file; it often stands where a disk or a transfer failed",
    )


def quarantine_made_nul(
    connection: duckdb.DuckDBPyConnection, stage: Stage, texts: Sequence[str], out: Path
) -> Stage:
    """The stage without records of which an SQL text of study.yml makes a NUL byte.

    It is written to ``out``, for the other entries of the file have other texts.
    """
    if not texts:
        return stage
    has_nul = " OR ".join(f"contains({text}, chr(0))" for text in texts)
    return _without(
        connection,
        stage,
        f"coalesce({has_nul}, false)",
        "an expression of study.yml makes a NUL byte of the record",
        "correct the record or the expression: no text holds the byte 0x00",
        out,
    )


def _without(
    connection: duckdb.DuckDBPyConnection,
    stage: Stage,
    condition: str,
    reason: str,
    remedy: str,
    out: Path | None = None,
) -> Stage:
    """The stage without the records of which a condition holds; they are rejected.

    It takes the former's place, or ``out``.
    """
    cells = ", ".join(f"{identifier(name)} := {identifier(name)}" for name in stage.columns)
    told = f"SELECT *, {condition} AS _is_out FROM {stage.relation}"  # it may hold windows
    if not connection.execute(f"SELECT 1 FROM ({told}) WHERE _is_out LIMIT 1").fetchall():
        return stage  # as nearly always: to write the cells out would cost more than this
    found = connection.execute(
        f"SELECT {RECORD}, substr(CAST(to_json(struct_pack({cells})) AS VARCHAR), 1, 10000) "
        f"FROM ({told}) WHERE _is_out ORDER BY {RECORD}"
    ).fetchall()
    kept = stage.path.with_suffix(".kept.parquet")
    query = f"SELECT * FROM ({told}) WHERE NOT _is_out ORDER BY {RECORD}"
    rows = write_stage(connection, query, stage.columns, kept)
    kept.replace(out or stage.path)
    refused = tuple(Rejected(int(record), text, reason, remedy) for record, text in found)
    rejected = sorted((*stage.rejected, *refused), key=lambda item: item.record)
    return Stage(out or stage.path, stage.columns, rows, tuple(rejected))


def write_records(
    columns: Sequence[str], records: Iterable[tuple[int, Sequence[str | None]]], out: Path
) -> int:
    """Writes (record number, cells) pairs to a stage, some thousand at a time; their number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([*((name, pa.string()) for name in columns), (RECORD, pa.int64())])
    rows = 0
    with pq.ParquetWriter(out, schema) as writer:
        for chunk in _chunks(records):
            numbers = pa.array([number for number, _ in chunk], pa.int64())
            cells = [
                pa.array([values[place] or None for _, values in chunk], pa.string())
                for place in range(len(columns))
            ]
            writer.write_batch(pa.record_batch([*cells, numbers], schema=schema))
            rows += len(chunk)
    return rows


def _chunks(
    records: Iterable[tuple[int, Sequence[str | None]]],
) -> Iterator[list[tuple[int, Sequence[str | None]]]]:
    chunk: list[tuple[int, Sequence[str | None]]] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == _CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
