"""A query's result as an Excel workbook."""

from __future__ import annotations

import datetime
import io
import json
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

from warehouse.errors import LesionsError

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

MAX_ROWS = 1_048_575
"""Rows of a sheet below its header."""
MAX_COLUMNS = 16_384
MAX_TEXT = 32_767
EXACT_INTEGER = 2**53
"""Excel keeps numbers as doubles: larger whole numbers are written as text."""


def write_excel(
    columns: Sequence[str], n_rows: int, rows: Iterable[Sequence[Any]], sql: str, target: Path
) -> None:
    """Writes a sheet ``result`` with the rows and a sheet ``query`` with the SQL behind them.

    Texts are written as texts, also those that begin with '=' and would run as a formula.

    Raises:
        LesionsError: more rows, columns or text than Excel holds.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    if len(columns) > MAX_COLUMNS:
        raise LesionsError(f"an Excel sheet has {MAX_COLUMNS} columns; write Parquet instead.")
    if n_rows > MAX_ROWS:
        raise LesionsError(
            f"an Excel sheet holds {MAX_ROWS:,} rows, the result has {n_rows:,}. Narrow the query, "
            "or write CSV or Parquet."
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet("result")
    sheet.freeze_panes = "A2"
    header = [_cell(WriteOnlyCell(sheet), name) for name in columns]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    try:
        for row in rows:
            sheet.append([_cell(WriteOnlyCell(sheet), value) for value in row])
    except BaseException:
        book.save(io.BytesIO())  # ends the sheet under way and removes its temporary file
        raise
    about = book.create_sheet("query")
    for line in sql.strip().splitlines():
        about.append([_cell(WriteOnlyCell(about), line)])
    _save(book, target)


def _save(book: Workbook, target: Path) -> None:
    """Saves a workbook; where that fails, say on a full disk, nothing of it is left open.

    ``Workbook.save`` leaves its archive to the destructor, whose error goes to standard error.
    """
    from openpyxl.writer.excel import ExcelWriter

    archive = ZipFile(target, "w", ZIP_DEFLATED, allowZip64=True)
    try:
        ExcelWriter(book, archive).save()
    except BaseException:
        with suppress(OSError):  # the first error says it
            archive.close()
        raise


def _cell(cell: WriteOnlyCell, value: Any) -> WriteOnlyCell:
    """Fills a cell with a value of DuckDB's."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if value is None or (isinstance(value, float) and math.isnan(value)):
        return cell
    is_number = isinstance(value, bool | int | float | Decimal)
    if is_number and math.isfinite(value) and abs(value) <= EXACT_INTEGER:
        cell.value = value
        return cell
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        cell.value = value
        return cell
    if isinstance(value, datetime.date | datetime.time) and getattr(value, "tzinfo", None) is None:
        cell.value = value
        return cell
    if isinstance(value, list | tuple | dict):
        value = json.dumps(value, default=str, ensure_ascii=False)
    text = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", str(value))
    if len(text) > MAX_TEXT:
        raise LesionsError(
            f"an Excel cell holds {MAX_TEXT:,} characters, a text of the result is longer: "
            f"{text[:40]}... Write CSV or Parquet."
        )
    cell.value = text
    cell.data_type = "s"
    return cell
