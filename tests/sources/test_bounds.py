"""Files that become far larger than they are, or that no program wrote: one error, soon."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import pytest

from warehouse.errors import LesionsError
from warehouse.sources import bounds
from warehouse.sources.formats import stage_file
from warehouse.sources.spec import ReadOptions

SHEET, STRINGS, TYPES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "[Content_Types].xml"
SST = (
    b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b"<si><t>mm</t></si></sst>"
)
KIND = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def stage(path: Path) -> None:
    with duckdb.connect() as connection:
        stage_file(connection, path, ReadOptions(), path.parent / "stage.parquet")


def workbook(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A workbook of one row whose parts are changed."""
    book, content = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["id", "unit"])
    book.active.append(["1", "mm"])
    book.save(content)
    with zipfile.ZipFile(content) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[STRINGS] = SST
    parts[TYPES] = parts[TYPES].replace(
        b"</Types>",
        b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + KIND + b'"/></Types>',
    )
    parts[SHEET] = parts[SHEET].replace(
        b"</sheetData>",
        b'<row r="3"><c r="A3" t="s"><v>0</v></c></row></sheetData>',
    )
    change(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return path


def in_sheet(row: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        parts[SHEET] = parts[SHEET].replace(b"</sheetData>", row + b"</sheetData>")

    return change


def entities(declared: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        body = SST.replace(b"<t>mm</t>", b"<t>&i;</t>")
        parts[STRINGS] = b"<!DOCTYPE x [" + declared + b"]>" + body

    return change


LAUGHS = b'<!ENTITY a "' + b"a" * 100 + b'">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(8)
)  # fmt: skip


def test_the_workbook_that_the_cases_spoil_is_read(tmp_path: Path) -> None:
    stage(workbook(tmp_path / "dm.xlsx", lambda parts: None))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (in_sheet(b'<row r="1000000000"><c r="A1000000000"/></row>'), "beyond 1,048,576"),
        (in_sheet(b'<row r="9"><c r="ZZZZZZ9"><v>1</v></c></row>'), "ZZZZZZ"),
        (in_sheet(b"<row"), "cannot be read as an Excel workbook"),
        (entities(LAUGHS), "cannot be read as an Excel workbook"),
        (entities(b'<!ENTITY i SYSTEM "file:///etc/passwd">'), "undefined entity"),
    ],
    ids=["row", "column", "cut", "entities of entities", "entity of a file"],
)  # fmt: skip
def test_a_workbook_that_no_program_wrote_is_one_error(
    tmp_path: Path, change: Callable[[dict[str, bytes]], None], words: str
) -> None:
    with pytest.raises(LesionsError, match=words):
        stage(workbook(tmp_path / "dm.xlsx", change))


def test_a_packed_file_that_grows_without_measure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = b"1,some words,10\n"
    path = tmp_path / "dm.csv.gz"
    path.write_bytes(gzip.compress(b"id,note,n\n" + record * 200_000, 9))
    stage(path)  # it grows 400 times, but to no more than 3 MB
    monkeypatch.setattr(bounds, "MAX_GZIP_BYTES", 1_000_000)
    with pytest.raises(LesionsError, match="100 times as large"):
        stage(path)
    book = workbook(tmp_path / "dm.xlsx", in_sheet(b"<row><c/></row>" * 100_000))
    stage(book)
    monkeypatch.setattr(bounds, "MAX_ZIP_BYTES", 1_000_000)
    with pytest.raises(LesionsError, match="100 times as large"):
        stage(book)


@pytest.mark.parametrize("name", ["dm.json", "dm.ndjson"])
def test_values_in_one_another_without_end_are_one_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('{"a":' * 100_000)
    with pytest.raises(LesionsError, match="so deep"):
        stage(path)
