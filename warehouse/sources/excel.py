"""Excel workbooks, through openpyxl's streaming reader.

Header names: the value of a merged cell counts for each cell that it covers; a column's name is its
parts from top to bottom, spaces evened, blanks and repeats left out, joined with ``header_join``.
Dates are those that Excel shows. Excel takes 1900 for a leap year; openpyxl allows for that before
1 March 1900, and the day that never was (29 February 1900) is read as the 28th.
"""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import duckdb

from warehouse.errors import LesionsError
from warehouse.sources.bounds import check_zip
from warehouse.sources.spec import ReadOptions
from warehouse.sources.stage import Rejected, Stage, column_names, write_records
from warehouse.sources.text import RAGGED
from warehouse.sources.wording import did_you_mean, listed

_BLOCK = 1 << 20
_MAX_ROWS = 1_048_576
_DAMAGES = (zipfile.BadZipFile, zlib.error, ParseError, EOFError, KeyError, ValueError)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')


def stage_excel(
    connection: duckdb.DuckDBPyConnection, file: Path, options: ReadOptions, out: Path
) -> Stage:
    """Stages one sheet of a workbook; ``_source_row`` is the sheet's own row number.

    Blank rows at the end are no records. A blank row in between is one, unless ``skip_blank``.

    Raises:
        LesionsError: no workbook, no such sheet, no header where it should be, no column to stop
            at.
    """
    with warnings.catch_warnings():
        # Decorations that openpyxl does not keep are of no matter to a reader.
        warnings.simplefilter("ignore")
        workbook = _open(file)
        try:
            sheet = _sheet(file, workbook, options.sheet)
            width = sheet.max_column or 0
            # The stated size of a sheet is often wrong, and then cells would be lost.
            sheet.reset_dimensions()
            rows = _rows(file, sheet)
            header_rows = options.header_rows or (1,)
            merged = _merged_ranges(file, sheet) if len(header_rows) > 1 else []
            names = _header(file, rows, header_rows, merged, options.header_join, width)
            reader = _Records(file, names, options.first_row or header_rows[-1] + 1, options)
            written = write_records(names, reader.read(rows), out)
        finally:
            workbook.close()
    columns = tuple(
        name
        for name, is_named, is_used in zip(names, reader.named, reader.used, strict=True)
        if is_named or is_used
    )
    return Stage(out, columns, written, tuple(reader.rejected))


def _open(file: Path) -> Any:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        check_zip(file)
        return openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, *_DAMAGES) as error:
        raise LesionsError(_damaged(file, error)) from error


def _damaged(file: Path, error: Exception) -> str:
    return (
        f"{file} cannot be read as an Excel workbook ({error}). It is damaged, protected "
        "by a password, or of the old .xls format: save it again as .xlsx."
    )


def _rows(file: Path, sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The sheet's rows with their numbers."""
    rows = enumerate(sheet.iter_rows(values_only=True), 1)
    while True:
        try:
            number, row = next(rows, (0, ()))
        except _DAMAGES as error:
            raise LesionsError(_damaged(file, error)) from error
        if not number:
            return
        if number > _MAX_ROWS:
            raise LesionsError(f"{file} has a row beyond {_MAX_ROWS:,}, the last one of a sheet.")
        yield number, row


def _sheet(file: Path, workbook: Any, name: str | None) -> Any:
    names = [sheet.title for sheet in workbook.worksheets]
    if name is None:
        if len(names) != 1:
            raise LesionsError(
                f"{file} has {len(names)} sheets: {listed(names)}. Say which one with 'sheet: "
                "NAME' in its entry in study.yml."
            )
        return workbook.worksheets[0]
    if name not in names:
        raise LesionsError(
            f"{file} has no sheet {name!r}.{did_you_mean(name, names)} It has: {listed(names)}."
        )
    return workbook[name]


def _merged_ranges(file: Path, sheet: Any) -> list[tuple[int, int, int, int]]:
    """Merged ranges (first row, last row, first column, last column), which the reader skips."""
    from openpyxl.utils import column_index_from_string

    found = []
    with zipfile.ZipFile(file) as archive, archive.open(sheet._worksheet_path) as content:
        rest = b""
        while block := content.read(_BLOCK):
            text = rest + block
            end = 0
            for match in _MERGED.finditer(text):
                left, top, right, bottom = match.groups()
                columns = [column_index_from_string(side.decode()) for side in (left, right)]
                found.append((int(top), int(bottom), columns[0], columns[1]))
                end = match.end()
            rest = text[max(end, len(text) - 200) :]
    return found


def _header(
    file: Path,
    rows: Iterator[tuple[int, tuple[Any, ...]]],
    header_rows: Sequence[int],
    merged: Sequence[tuple[int, int, int, int]],
    join: str,
    width: int,
) -> tuple[str, ...]:
    cells: dict[tuple[int, int], str] = {}
    for number, row in rows:
        for place, value in enumerate(row, 1):
            text = " ".join((cell_text(value) or "").split())
            if text:
                cells[number, place] = text
        if number == header_rows[-1]:
            break
    for top, bottom, left, right in merged:
        if (value := cells.get((top, left))) is not None:
            for number in range(top, bottom + 1):
                for place in range(left, right + 1):
                    cells[number, place] = value
    used = {place for number, place in cells if number in header_rows}
    if not used:
        shown = listed(map(str, header_rows))
        raise LesionsError(
            f"{file}: row {shown} of the sheet holds no header. Say where it is with "
            "'header_rows: [N]' in the file's entry in study.yml."
        )
    names = []
    for place in range(1, max(*used, width) + 1 if used else 1):
        parts: list[str] = []
        for number in header_rows:
            part = cells.get((number, place))
            if part is not None and (not parts or parts[-1] != part):
                parts.append(part)
        names.append(join.join(parts))
    return column_names(file, names)


@dataclass
class _Records:
    """Reads the records below a header; remembers which columns hold anything."""

    file: Path
    names: tuple[str, ...]
    first_row: int
    options: ReadOptions
    used: list[bool] = field(default_factory=list)
    named: list[bool] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def read(
        self, rows: Iterator[tuple[int, tuple[Any, ...]]]
    ) -> Iterator[tuple[int, list[str | None]]]:
        self.used = [False] * len(self.names)
        self.named = [name != f"column_{place}" for place, name in enumerate(self.names, 1)]
        stop_at = self._stop_place()
        blank: list[int] = []
        for number, row in rows:
            if number < self.first_row:
                continue
            cells = [cell_text(value) for value in row]
            if self._is_end(cells, stop_at):
                return
            if not any(cells):
                if not self.options.skip_blank:
                    blank.append(number)
                continue
            # Blank rows that something follows are records.
            for empty in blank:
                yield empty, [None] * len(self.names)
            blank.clear()
            if any(cells[len(self.names) :]):
                self._reject(number, cells)
                continue
            cells = (cells + [None] * len(self.names))[: len(self.names)]
            self.used = [
                old or cell is not None for old, cell in zip(self.used, cells, strict=True)
            ]
            yield number, cells

    def _is_end(self, cells: Sequence[str | None], stop_at: int | None) -> bool:
        if stop_at is None or stop_at >= len(cells):
            return False
        return (cells[stop_at] or "").strip() == self.options.stop_value

    def _stop_place(self) -> int | None:
        column = self.options.stop_column
        if column is None:
            return None
        if column not in self.names:
            raise LesionsError(
                f"{self.file}: 'stop_at' names the column {column!r}, which is not there."
                f"{did_you_mean(column, self.names)} Columns: {listed(self.names)}."
            )
        return self.names.index(column)

    def _reject(self, number: int, cells: Sequence[str | None]) -> None:
        self.rejected.append(
            Rejected(
                number,
                " | ".join(cell or "" for cell in cells)[:10_000],
                f"cells stand right of the last column ({len(self.names)})",
                "give these cells a header, or remove them",
                defect_id=RAGGED,
            )
        )


def cell_text(value: Any) -> str | None:
    """A cell as text: blank (spaces too) is None, 21.0 is '21', dates are ISO 8601."""
    if value is None:
        return None
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e18 else repr(value)
    if isinstance(value, datetime):
        is_date = value.time() == time()
        return value.date().isoformat() if is_date else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return str(value)
