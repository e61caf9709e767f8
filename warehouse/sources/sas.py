"""SAS transport files (XPT v5 and v8) and sas7bdat, through pyreadstat, some thousand at a time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.spec import ReadOptions
from warehouse.sources.stage import RECORD, Stage, column_names, text_of, write_stage
from warehouse.sources.text import encoding_name
from warehouse.sources.wording import identifier, literal
from warehouse.sources.xport import blank_padding, check_xport

# The reader walks past the earlier records for each chunk, so chunks are large.
_CHUNK_ROWS = 100_000
_DATE = re.compile(
    r"DATE|DDMMYY[BCDNPS]?|MMDDYY[BCDNPS]?|YYMMDD[BCDNPS]?|YYMM[CDNPS]?|MMYY[CDNPS]?|YYQR?[CDNPS]?|"
    r"YYMON|MONYY|MONNAME|MONTH|DAY|YEAR|QTRR?|JULIAN|JULDAY|WEEK[A-Z]*|WORDDAT[EX]|DOWNAME|"
    r"[BE]8601DA|IS8601DA|NLDATE[A-Z]*"
)
_DATETIME = re.compile(
    r"DATETIME|DATEAMPM|MDYAMPM|DT[A-Z]+|[BE]8601(DT|DZ|DN|DX|LX)|IS8601D[TNZ]|NLDATM[A-Z]*"
)
_TIME = re.compile(
    r"TIME|TIMEAMPM|HHMM|HOUR|MMSS|TOD|[BE]8601(TM|TZ|TX|LZ)|IS8601T[MZ]|NLTIM[A-Z]*"
)


def stage_sas(
    connection: duckdb.DuckDBPyConnection, file: Path, options: ReadOptions, out: Path
) -> Stage:
    """Stages a SAS file. Whole numbers lose '.0'; values with a date format become ISO 8601.

    Raises:
        LesionsError: cut off, no SAS file, more than one dataset in it, or another encoding.
    """
    import pyreadstat

    is_transport = file.suffix.lower() == ".xpt"
    expected, source = None, file
    if is_transport:
        transport = check_xport(file)
        expected = transport.records
        if transport.padding:
            source = blank_padding(file, transport.padding, out.with_suffix(".blank.xpt"))
    read = pyreadstat.read_xport if is_transport else pyreadstat.read_sas7bdat
    arguments: dict[str, Any] = {"disable_datetime_conversion": True, "output_format": "dict"}
    if options.encoding is not None:
        # The reader knows encodings by the names of iconv.
        name = encoding_name(file, options.encoding)
        arguments["encoding"] = re.sub(r"^iso8859-", "ISO-8859-", name)
    typed = out.with_suffix(".typed.parquet")
    try:
        _, meta = read(str(source), metadataonly=True, **arguments)
        columns = column_names(file, meta.column_names)
        rows = _write_typed(read, source, meta, columns, arguments, typed)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError) as error:
        raise LesionsError(_problem(file, str(error), options.encoding)) from error
    if not is_transport:
        expected = meta.number_rows
    if expected is not None and rows != expected:
        raise LesionsError(
            f"{file} is cut off: it says that it holds {expected} records, but {rows} are there. "
            "Copy it from its source again."
        )
    formats = meta.original_variable_types
    cells = ", ".join(
        f"{_cell(column, formats.get(name), meta.readstat_variable_types[name])} "
        f"AS {identifier(column)}"
        for name, column in zip(meta.column_names, columns, strict=True)
    )
    query = f"SELECT {cells}, {RECORD} FROM read_parquet({literal(str(typed))})"
    write_stage(connection, query, columns, out)
    typed.unlink()
    return Stage(out, columns, rows)


def _write_typed(
    read: Any, file: Path, meta: Any, columns: tuple[str, ...], arguments: dict[str, Any], out: Path
) -> int:
    """Writes text and numbers as they are, with the number of each record; the records."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = meta.column_names
    kinds = [
        pa.string() if meta.readstat_variable_types[name] == "string" else pa.float64()
        for name in names
    ]
    fields = list(zip(columns, kinds, strict=True))
    schema = pa.schema([*fields, (RECORD, pa.int64())])
    rows = 0
    with pq.ParquetWriter(out, schema) as writer:
        while True:
            frame, _ = read(str(file), row_offset=rows, row_limit=_CHUNK_ROWS, **arguments)
            read_rows = len(frame[names[0]]) if frame else 0
            if read_rows == 0:
                break
            cells = [
                pa.array(frame[name], kind, from_pandas=True)
                for name, kind in zip(names, kinds, strict=True)
            ]
            numbers = pa.array(range(rows + 1, rows + read_rows + 1), pa.int64())
            writer.write_batch(pa.record_batch([*cells, numbers], schema=schema))
            rows += read_rows
            if read_rows < _CHUNK_ROWS:
                break
    return rows


def _cell(column: str, sas_format: str | None, kind: str) -> str:
    """SQL for a typed column as text. SAS counts days and seconds from 1960-01-01."""
    cell = identifier(column)
    if kind == "string":
        return text_of(cell, "VARCHAR")
    base = re.sub(r"[\d.]+$", "", (sas_format or "").upper())
    if _DATETIME.fullmatch(base):
        stamp = f"TIMESTAMP '1960-01-01' + to_microseconds(CAST(round({cell} * 1e6) AS BIGINT))"
        return text_of(f"({stamp})", "TIMESTAMP")
    if _DATE.fullmatch(base):
        return text_of(f"(DATE '1960-01-01' + CAST(floor({cell}) AS INTEGER))", "DATE")
    if _TIME.fullmatch(base):
        return text_of(f"to_microseconds(CAST(round({cell} * 1e6) AS BIGINT))", "INTERVAL")
    return text_of(cell, "DOUBLE")


def _problem(file: Path, reason: str, encoding: str | None) -> str:
    if "encoding" in reason.lower() or "codec" in reason.lower() or "convert" in reason.lower():
        stated = encoding or "UTF-8"
        return (
            f"{file} holds text that is not {stated} ({reason}). If it is Western European text, "
            f"write 'encoding: latin-1' in its entry in study.yml (files: - file: {file.name})."
        )
    return (
        f"{file} cannot be read as a SAS file: {reason}. It is cut off, damaged or of another "
        "format; copy it from its source again."
    )
