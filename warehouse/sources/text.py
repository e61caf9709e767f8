"""CSV and TSV, plain or gzipped, through DuckDB's reader."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple, cast

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.bounds import BoundedGzip
from warehouse.sources.spec import ReadOptions
from warehouse.sources.stage import RECORD, Rejected, Stage, column_names, write_stage
from warehouse.sources.text_records import MAX_LENGTH, count_records
from warehouse.sources.wording import did_you_mean, identifier, literal

_ERRORS, _SCANS = "lesions_reject_error", "lesions_reject_scan"
_BLOCK = 1 << 20
_MAX_RECORD_BYTES = 4 * MAX_LENGTH
RAGGED = "rows.2e"  # the defect: a record with more or fewer fields than the header
_ENCODINGS = ("utf-8", "utf-16", "latin-1", "cp1252", "cp1250", "cp1251", "mac-roman", "gb18030")


class _Fault(NamedTuple):
    """A record that DuckDB could not take."""

    line: int
    byte: int
    kind: str
    text: str


def stage_text(
    connection: duckdb.DuckDBPyConnection, file: Path, options: ReadOptions, out: Path
) -> Stage:
    """Stages a CSV or TSV file; records with more or fewer fields than the header are quarantined.

    Raises:
        LesionsError: another encoding, another delimiter, a quote that is never closed, a damaged
            gzip file.
    """
    is_tabbed = ".tsv" in [suffix.lower() for suffix in file.suffixes[-2:]]
    delimiter = options.delimiter or ("\t" if is_tabbed else ",")
    encoding = encoding_name(file, options.encoding)
    try:
        return _stage(connection, file, encoding, delimiter, out, options)
    except UnicodeError as error:
        raise LesionsError(wrong_encoding(file, encoding)) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LesionsError(
            f"{file} is not a whole gzip file: {error}. Copy it from its source again."
        ) from error


def _stage(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    encoding: str,
    delimiter: str,
    out: Path,
    options: ReadOptions,
) -> Stage:
    header = _header(file, encoding, delimiter)
    if header is None:
        raise LesionsError(f"{file} is empty: no header line. Put the real file in its place.")
    _check_delimiter(file, header, delimiter, options.delimiter)
    columns = column_names(file, header)
    source = file
    if encoding != "utf-8":
        source = out.with_suffix(".utf8.csv")
        _transcode(file, encoding, source)
    elif not str(file).isprintable() or any(sign in str(file) for sign in "*?["):
        source = out.with_suffix("".join(file.suffixes[-2:]))
        source.unlink(missing_ok=True)
        source.symlink_to(file.absolute())
    if _begins_blank(source):
        # The reader would take the blank line for the header, and the header for a record.
        source, blank = out.with_suffix(".begun.csv"), source
        _even_line_ends(blank, delimiter, source)
    # To the end, for DuckDB does not compare the checksum of a gzip file and would lose records.
    with (
        _binary(source) as raw,
        io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text,
    ):
        records = count_records(text, file, delimiter, len(columns))
    faults, rows = _read(connection, source, columns, delimiter, out)
    if rows is None:
        # Line ends of both kinds in one file: write them alike, then read again.
        source, mixed = out.with_suffix(".even.csv"), source
        _even_line_ends(mixed, delimiter, source)
        faults, rows = _read(connection, source, columns, delimiter, out)
        if rows is None:
            raise LesionsError(f"{file} cannot be read as CSV: its line ends are damaged.")
    rejected = _rejected(file, source, faults, len(columns))
    if rejected and not rows:
        raise LesionsError(
            f"{file}: no record fits the header's {len(columns)} columns; the first one is "
            f"{rejected[0].text[:200]!r} ({rejected[0].reason}). Look at the header line and at "
            "the delimiter ('delimiter:' in study.yml)."
        )
    if rows + len(rejected) != records:
        where = f" Look first at record {rejected[0].record}." if rejected else ""
        raise LesionsError(
            f"{file} holds {records:,} records, of which the reader took {rows:,} and refused "
            f"{len(rejected):,}: quotes in it can be read in two ways, and records would be lost."
            f"{where} Write the file again with every quote in a value doubled."
        )
    if rejected:
        _shift_records(connection, columns, [record.record for record in rejected], out)
    return Stage(out, columns, rows, tuple(rejected))


def encoding_name(file: Path, name: str | None) -> str:
    """The encoding's name as Python has it; UTF-8 when none is stated."""
    if name is None:
        return "utf-8"
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise LesionsError(
            f"{file}: unknown encoding {name!r}.{did_you_mean(name, _ENCODINGS)} "
            f"Common ones: {', '.join(_ENCODINGS)}."
        ) from None


def _binary(file: Path) -> IO[bytes]:
    if file.suffix.lower() == ".gz":
        return cast(IO[bytes], BoundedGzip(file))
    return file.open("rb")


def _begins_blank(file: Path) -> bool:
    """Whether a file begins with a line end, a byte order mark aside."""
    with _binary(file) as raw:
        return raw.read(4).removeprefix(codecs.BOM_UTF8)[:1] in (b"\n", b"\r")


def _header(file: Path, encoding: str, delimiter: str) -> list[str] | None:
    decoder = "utf-8-sig" if encoding == "utf-8" else encoding
    with _binary(file) as raw, io.TextIOWrapper(raw, encoding=decoder, newline="") as text:
        try:
            for row in csv.reader(text, delimiter=delimiter, strict=True):
                if row:
                    return row
        except csv.Error as error:
            raise LesionsError(
                f"{file}, line 1: the header cannot be read: {error}. Look at its quotes."
            ) from error
    return None


def _check_delimiter(file: Path, header: list[str], used: str, stated: str | None) -> None:
    if len(header) > 1 or stated is not None:
        return
    for sign, name in ((";", "';'"), ("\t", "tab"), ("|", "'|'"), (",", "','")):
        if sign != used and sign in header[0]:
            raise LesionsError(
                f"{file}: the header has no {used!r}, but it has {sign!r}. If that separates the "
                f"columns, add delimiter: {name} to the file's entry in study.yml."
            )


def _transcode(file: Path, encoding: str, out: Path) -> None:
    with (
        _binary(file) as raw,
        io.TextIOWrapper(raw, encoding=encoding, newline="") as text,
        out.open("w", encoding="utf-8", newline="") as target,
    ):
        while block := text.read(_BLOCK):
            target.write(block)


def _even_line_ends(file: Path, delimiter: str, out: Path) -> None:
    csv.field_size_limit(1 << 30)
    with (
        _binary(file) as raw,
        io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text,
        out.open("w", encoding="utf-8", newline="") as target,
    ):
        # All quoted, for the writer would leave a lone carriage return inside a field bare.
        writer = csv.writer(target, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows(row for row in csv.reader(text, delimiter=delimiter) if row)


def _read(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    columns: Sequence[str],
    delimiter: str,
    out: Path,
) -> tuple[list[_Fault], int | None]:
    """One pass; the records quarantined, and the rows written (None = uneven line ends)."""
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    cells = ", ".join(f"nullif({identifier(name)}, '') AS {identifier(name)}" for name in columns)
    query = (
        f"SELECT {cells}, row_number() OVER () AS {RECORD} FROM read_csv({literal(str(file))}, "
        f"columns = {{{types}}}, auto_detect = false, header = true, delim = {literal(delimiter)}, "
        # Side by side, it guesses at each part's begin whether a quote is open, and may be wrong.
        f"parallel = false, max_line_size = {_MAX_RECORD_BYTES}, "
        "quote = '\"', escape = '\"', store_rejects = true, rejects_limit = 0, "
        f"rejects_table = '{_ERRORS}', rejects_scan = '{_SCANS}')"
    )
    try:
        rows = write_stage(connection, query, columns, out)
        found = connection.execute(
            "SELECT line, line_byte_position, CAST(error_type AS VARCHAR), csv_line "
            f"FROM {_ERRORS} ORDER BY line, line_byte_position, error_type"
        ).fetchall()
    except duckdb.Error as error:
        if str(out) in str(error):
            raise  # it could not be written; nothing is wrong with the file
        if "invalid state" in str(error):
            return [], None
        if "codec can't decode" in str(error) or "utf-8" in str(error).lower():
            raise UnicodeError(str(error)) from error
        reason = str(error).splitlines()[0]
        raise LesionsError(f"{file} cannot be read as CSV: {reason}") from error
    finally:
        for table in (_ERRORS, _SCANS):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
    faults = [_Fault(*row) for row in found]
    if any(fault.kind == "UNQUOTED VALUE" and fault.text.endswith("\r") for fault in faults):
        return [], None
    return faults, rows


def _rejected(file: Path, source: Path, faults: Sequence[_Fault], n_columns: int) -> list[Rejected]:
    if not faults:
        return []
    by_line: dict[int, _Fault] = {}
    for fault in faults:
        if fault.kind == "INVALID ENCODING":
            raise UnicodeError(fault.text)
        if fault.kind == "UNQUOTED VALUE" and "\n" in fault.text.strip("\r\n"):
            raise LesionsError(
                f"{file}, line {fault.line}: a quote is opened and never closed, so the end of the "
                f"record cannot be told: {fault.text.strip()[:80]!r}. Close or double the quote."
            )
        by_line.setdefault(fault.line, fault)
    # Where there is one column, a blank line is a record without a value.
    blank = (
        _blank_lines_before(source, [by_line[line] for line in sorted(by_line)])
        if n_columns > 1
        else [0] * len(by_line)
    )
    return [
        _describe(by_line[line], line - 1 - before, n_columns)
        for line, before in zip(sorted(by_line), blank, strict=True)
    ]


def _describe(fault: _Fault, record: int, n_columns: int) -> Rejected:
    text = fault.text.strip("\r\n")[:10_000]
    if fault.kind in ("MISSING COLUMNS", "TOO MANY COLUMNS"):
        few = "fewer" if fault.kind == "MISSING COLUMNS" else "more"
        return Rejected(
            record,
            text,
            f"the record has {few} fields than the header's {n_columns}",
            "add or remove delimiters, or quote a field that holds one",
            defect_id=RAGGED,
        )
    if fault.kind == "UNQUOTED VALUE":
        return Rejected(
            record,
            text,
            "text stands after a closing quote",
            "double the quotes that belong to the text",
            defect_id=RAGGED,
        )
    return Rejected(
        record, text, f"the record cannot be read ({fault.kind.lower()})", "correct the record"
    )


def _blank_lines_before(file: Path, faults: Sequence[_Fault]) -> list[int]:
    """Blank lines (which are no records) before each fault; faults in the file's order."""
    starts = [fault.byte - 1 + len(fault.text) - len(fault.text.lstrip("\r\n")) for fault in faults]
    counts: list[int] = []
    blank, position, quoted = 0, 0, False
    with _binary(file) as lines:
        for line in lines:
            while len(counts) < len(starts) and starts[len(counts)] <= position:
                counts.append(blank)
                quoted = False
            if len(counts) == len(starts):
                break
            if not quoted and not line.strip(b"\r\n"):
                blank += 1
            quoted ^= line.count(b'"') % 2 == 1
            position += len(line)
    return counts + [blank] * (len(starts) - len(counts))


def _shift_records(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], missing: list[int], out: Path
) -> None:
    """Numbers the staged records as in the file, where those of ``missing`` also count."""
    # The k-th staged record is record k + i when i of the missing ones come before it.
    shifts: dict[int, int] = {}
    for place, record in enumerate(sorted(missing), 1):
        shifts[record - place + 1] = place
    values = ", ".join(f"({start}, {shift})" for start, shift in shifts.items())
    names = ", ".join(f"s.{identifier(name)}" for name in columns)
    numbered = out.with_suffix(".numbered.parquet")
    write_stage(
        connection,
        f"SELECT {names}, s.{RECORD} + coalesce(m.shift, 0) AS {RECORD} "
        f"FROM read_parquet({literal(str(out))}) AS s ASOF LEFT JOIN (VALUES {values}) "
        f"AS m(start, shift) ON s.{RECORD} >= m.start ORDER BY s.{RECORD}",
        columns,
        numbered,
    )
    numbered.replace(out)


def guess_encoding(high: Counter[int]) -> tuple[str, str]:
    """The Western encoding of bytes above 0x7F that are not UTF-8, and why.

    Args:
        high: the bytes, with their counts.
    """
    windows = sorted(byte for byte in high if 0x80 <= byte <= 0x9F)
    undefined = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
    examples = " ".join(f"0x{byte:02X}" for byte, _ in high.most_common(3))
    if windows and not undefined.intersection(windows):
        shown = bytes(windows[:1]).decode("cp1252")
        return (
            "cp1252",
            f"0x{windows[0]:02X} is a sign of Windows' Western encoding only, {shown!r}",
        )
    if windows:
        return "latin-1", f"bytes {examples}, of which Windows' Western encoding lacks some"
    return "latin-1", f"Western letters by their bytes, {examples}"


def wrong_encoding(file: Path, encoding: str, *, can_say: bool = True) -> str:
    """Where the first byte is that the encoding does not know, and what to do.

    ``can_say``: whether the format has the option ``encoding``.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    line, seen = 1, 0
    place = ""
    with _binary(file) as blocks:
        while block := blocks.read(_BLOCK):
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                at = seen - held + error.start
                bad = error.object[error.start]
                line += block[: max(error.start - held, 0)].count(b"\n")
                place = f": line {line}, byte {at + 1} is 0x{bad:02X}"
                break
            line += block.count(b"\n")
            seen += len(block)
    stated = "UTF-8" if encoding == "utf-8" else encoding
    if not can_say:
        return f"{file} is not UTF-8{place}, as its format demands. Write it again as UTF-8."
    with _binary(file) as blocks:
        if blocks.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return (
                f"{file} is not {stated}: it begins as UTF-16 does. Write 'encoding: utf-16' in "
                f"its entry in study.yml (files: - file: {file.name}), or save it as UTF-8."
            )
    high: Counter[int] = Counter()
    with _binary(file) as blocks:
        while block := blocks.read(_BLOCK):
            high.update(byte for byte in block if byte >= 0x80)
    guess, why = guess_encoding(high)
    if guess == encoding:
        guess = "latin-1"
    return (
        f"{file} is not {stated}{place}. It looks like {guess} ({why}): write 'encoding: {guess}' "
        f"in its entry in study.yml (files: - file: {file.name}), or save the file as UTF-8."
    )
