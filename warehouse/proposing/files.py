"""Finds the tables in files and folders, and how each of them is to be read."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.formats import is_data_file, stage_file, suffix_of
from warehouse.sources.spec import ReadOptions
from warehouse.sources.stage import Stage
from warehouse.sources.text import guess_encoding

_USUAL = ReadOptions()
_SAMPLE_LINES = 50
_DELIMITERS = ",;\t|"
_HEADER_SEARCH = 80
"""Rows of a sheet among which its header is looked for."""


@dataclass(frozen=True)
class Source:
    """One table: a file, and the options that read it.

    Attributes:
        path: the file.
        options: how to read it.
        reasons: option -> why, in words.
    """

    path: Path
    options: ReadOptions = _USUAL
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The file, and the sheet where it has several."""
        return self.path.name + (f", sheet {self.options.sheet}" if self.options.sheet else "")


@dataclass(frozen=True)
class Table:
    """A table that was read: its cells, and the labels that its file gives the columns."""

    source: Source
    stage: Stage
    labels: dict[str, str]


def data_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The data files that paths name or hold, and other files there, sorted by name.

    Raises:
        LesionsError: a path that is not there, or no data file at all.
    """
    found: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if not path.exists():
            raise LesionsError(
                f"{path} is not there. Name data files, or a folder that holds them."
            )
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        for item in inside:
            if not item.is_file() or item.name.startswith((".", "~")):
                continue
            (found if is_data_file(item) else others).append(item)
    if not found:
        raise LesionsError(
            f"no data file in {', '.join(str(path) for path in paths)}. Known: .csv, .tsv (also "
            ".gz), .parquet, .xpt, .sas7bdat, .xlsx, .json, .ndjson and .dsjc (Dataset-JSON)."
        )
    return found, others


def sources_of(path: Path) -> list[Source]:
    """The tables of a file: one, or one per sheet of a workbook."""
    suffix = suffix_of(path)
    if suffix in (".xlsx", ".xlsm"):
        return _sheets(path)
    if suffix.startswith((".csv", ".tsv")):
        return [_text(path)]
    return [Source(path)]


def read_table(connection: duckdb.DuckDBPyConnection, source: Source, out: Path) -> Table:
    """Stages a table; what the file is refused for is the caller's to say."""
    stage = stage_file(connection, source.path, source.options, out)
    return Table(source, stage, _labels(source.path))


def _text(path: Path) -> Source:
    """Encoding and delimiter of a text file, by its bytes and the evenness of its lines."""
    reasons: dict[str, str] = {}
    encoding, why = _encoding(path)
    if encoding is not None:
        reasons["encoding"] = why
    is_tabbed = ".tsv" in [suffix.lower() for suffix in path.suffixes[-2:]]
    usual = "\t" if is_tabbed else ","
    lines = _first_lines(path, encoding or "utf-8")
    best, count = usual, 0
    for sign in _DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=sign) if row)
        if not widths:
            continue
        width, even = widths.most_common(1)[0]
        # Most lines have as many fields as the header: that many signs are no accident.
        header = len(next(csv.reader(lines, delimiter=sign)))
        if header > 1 and width == header and even * header > count:
            best, count = sign, even * header
    options = ReadOptions(encoding=encoding)
    if best != usual:
        name = {"\t": "a tab"}.get(best, repr(best))
        reasons["delimiter"] = f"{name} parts the header and the lines below it alike"
        options = replace(options, delimiter=best)
    return Source(path, options, reasons)


def _open_bytes(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")


def _encoding(path: Path) -> tuple[str | None, str]:
    """An encoding other than UTF-8 and why; None where it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    high: Counter[int] = Counter()
    is_utf8 = True
    with _open_bytes(path) as handle:
        start = handle.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", "the file begins with the mark of UTF-16"
        block = start
        while block:
            if is_utf8:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    is_utf8 = False
            high.update(byte for byte in block if byte >= 0x80)
            block = handle.read(1 << 20)
    if is_utf8:
        return None, ""
    guess, why = guess_encoding(high)
    return guess, f"not UTF-8; {why}"


def _first_lines(path: Path, encoding: str) -> list[str]:
    with _open_bytes(path) as raw:
        text = io.TextIOWrapper(
            raw,
            encoding="utf-8-sig" if encoding == "utf-8" else encoding,
            errors="replace",
            newline="",
        )
        lines = []
        for line in text:
            if line.strip():
                lines.append(line)
            if len(lines) >= _SAMPLE_LINES:
                break
        return lines


def _sheets(path: Path) -> list[Source]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            workbook = openpyxl.load_workbook(path, data_only=True, keep_links=False)
        except Exception as error:  # openpyxl raises many kinds for a damaged file
            raise LesionsError(
                f"{path} cannot be read as an Excel workbook ({error}). It is damaged, protected "
                "by a password, or of the old .xls format: save it again as .xlsx."
            ) from error
    try:
        sheets = [sheet for sheet in workbook.worksheets if sheet.max_row > 1]
        found = [(sheet.title, _sheet_table(sheet)) for sheet in sheets]
        tables = [(title, *table) for title, table in found if table is not None]
        named = len(workbook.sheetnames) > 1
        return [
            Source(path, replace(options, sheet=title if named else None), reasons)
            for title, options, reasons in tables
        ]
    finally:
        workbook.close()


def _sheet_table(sheet: Any) -> tuple[ReadOptions, dict[str, str]] | None:
    """Where the header, the first and the last record of a sheet are; None where there is none."""
    rows = [
        [_shown(cell) for cell in row]
        for row in sheet.iter_rows(max_row=_HEADER_SEARCH, values_only=True)
    ]
    covered = _with_merged(sheet, rows)
    widths = [sum(cell is not None for cell in row) for row in rows]
    data = _first_data_row(sheet, rows, widths)
    if data is None:
        return None
    header = [data - 1]
    while header[0] > 1 and _is_header_row(rows, covered, header[0] - 1, data):
        header.insert(0, header[0] - 1)
    options = ReadOptions()
    reasons = {}
    if header != [1]:
        options = replace(options, header_rows=tuple(header))
        above = header[0] - 1
        reasons["header_rows"] = f"row {data} is the first with values below a row of names" + (
            f"; {above} rows above are no names" if above else ""
        )
    stop = _stop(sheet, header, rows, covered, data)
    if stop is not None:
        column, value = stop
        options = replace(options, stop_column=column, stop_value=value)
        reasons["stop_at"] = "a note stands below the table"
    return options, reasons


def _shown(cell: Any) -> Any:
    return None if cell is None or (isinstance(cell, str) and not cell.strip()) else cell


def _with_merged(sheet: Any, rows: list[list[Any]]) -> list[list[Any]]:
    """The rows with the value of a merged cell in each cell that it covers."""
    filled = [list(row) for row in rows]
    for area in sheet.merged_cells.ranges:
        if area.min_row > len(rows):
            continue
        value = rows[area.min_row - 1][area.min_col - 1]
        for number in range(area.min_row, min(area.max_row, len(rows)) + 1):
            for column in range(area.min_col, area.max_col + 1):
                if column <= len(filled[number - 1]):
                    filled[number - 1][column - 1] = value
    return filled


def _first_data_row(sheet: Any, rows: list[list[Any]], widths: list[int]) -> int | None:
    """The first row with values that are no text, and whose followers have them too."""
    widest = max(widths, default=0)
    if widest < 2:
        return None
    for number in range(2, len(rows) + 1):
        row, above = rows[number - 1], rows[number - 2]
        values = sum(cell is not None and not isinstance(cell, str) for cell in row)
        named = sum(isinstance(cell, str) for cell in above)
        follower = rows[number] if number < len(rows) else row
        follows = sum(cell is not None for cell in follower)
        if widths[number - 1] < 0.3 * widest or named < 2 or follows < 2:
            continue
        texts_only = values == 0 and all(isinstance(c, str) for c in row if c is not None)
        if values >= max(1, 0.1 * widths[number - 1]) and named >= 0.7 * widths[number - 2]:
            return number
        # A table of text only: its first row of names is the sheet's first.
        if texts_only and number == 2 and widths[0] >= 0.8 * widest:
            return number
    return None


def _is_header_row(rows: list[list[Any]], covered: list[list[Any]], number: int, data: int) -> bool:
    """Whether a row above the lowest header row belongs to the header: it spans groups of names."""
    row, below = rows[number - 1], covered[number]
    if any(cell is not None and not isinstance(cell, str) for cell in row):
        return False
    named = [place for place, cell in enumerate(covered[number - 1]) if cell is not None]
    under = [place for place, cell in enumerate(below) if cell is not None]
    return len(named) >= 2 and len(named) >= 0.6 * len(under) and bool(set(named) & set(under))


def _stop(
    sheet: Any,
    header: list[int],
    rows: list[list[Any]],
    covered: list[list[Any]],
    data: int,
) -> tuple[str, str] | None:
    """Column and value of the first note below a table: few cells, after a row of records."""
    width = max(sum(cell is not None for cell in row) for row in rows[data - 1 :] or rows)
    last: tuple[int, str] | None = None
    place_of_note = 0
    seen_blank = False
    for number, row in enumerate(sheet.iter_rows(min_row=data, values_only=True), data):
        cells = [(place, cell) for place, cell in enumerate(map(_shown, row)) if cell is not None]
        if not cells:
            seen_blank = True
            continue
        is_note = len(cells) <= max(1, 0.1 * width) and isinstance(cells[0][1], str)
        if is_note and last is None and (seen_blank or width > 3):
            last, place_of_note = (number, str(cells[0][1]).strip()), cells[0][0]
        elif not is_note:
            last = None
        seen_blank = False
    if last is None:
        return None
    names: list[str] = []
    for number in header:
        text = covered[number - 1][place_of_note]
        shown = " ".join(str(text).split()) if text is not None else ""
        if shown and (not names or names[-1] != shown):
            names.append(shown)
    return (" | ".join(names), last[1]) if names else None


def _labels(path: Path) -> dict[str, str]:
    """Column -> label, where the format has labels."""
    suffix = suffix_of(path)
    if suffix in (".xpt", ".sas7bdat"):
        import pyreadstat

        read = pyreadstat.read_xport if suffix == ".xpt" else pyreadstat.read_sas7bdat
        _, meta = read(str(path), metadataonly=True)
        found = meta.column_names_to_labels
        return {name: label for name, label in found.items() if label}
    if suffix in (".json", ".ndjson", ".dsjc"):
        from warehouse.sources.dataset_json import column_labels

        return column_labels(path)
    return {}


def iter_tables(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], work: Path
) -> Iterator[Table | tuple[Path, str]]:
    """Each table of the files; (file, why) for what cannot be read."""
    number = 0
    for path in paths:
        try:
            sources = sources_of(path)
            if not sources:
                yield path, "no sheet of it has a table that could be told"
            for source in sources:
                number += 1
                yield read_table(connection, source, work / f"table-{number}.parquet")
        except LesionsError as error:
            yield path, str(error)
