"""Looks at the headers of a SAS transport file, because its readers pass over a missing end.

Layout: 80-byte records; "The Record Layout of a Data Set in SAS Transport (XPORT) Format", SAS
TS-140 (version 5) and its extension for version 8.
"""

from __future__ import annotations

import mmap
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from warehouse.errors import LesionsError

_RECORD = 80
_HEADER = b"HEADER RECORD*******"
_TEXT = 2
"""Type of a character variable in its NAMESTR record."""
_AGAIN = "Copy it from its source again."


@dataclass(frozen=True)
class Transport:
    """What the headers of a transport file say.

    Attributes:
        records: number of records that it states (v8); None where it states none.
        padding: bytes of NUL behind the last record, where they stand for the blanks of the
            standard; a reader would take them for records.
    """

    records: int | None
    padding: int


def check_xport(file: Path) -> Transport:
    """Checks that a transport file is whole.

    A version 5 file does not say how many records it holds: when it is cut exactly between two
    records that end an 80-byte block, nothing shows it.

    Raises:
        LesionsError: cut off, another format, or more than one dataset in it.
    """
    size = file.stat().st_size
    with file.open("rb") as handle:
        start = handle.read(_RECORD)
        if start.startswith(b"**COMPRESSED**"):
            raise LesionsError(
                f"{file} was written by PROC CPORT, which only SAS can read. Write it again as a "
                "transport file (LIBNAME ... XPORT) or as CSV."
            )
        if not start.startswith(_HEADER + b"LIB"):
            raise LesionsError(
                f"{file} is not a SAS transport file: it does not begin with a library header. "
                "Look at what it is; a sas7bdat or CSV file needs its own suffix."
            )
        if size % _RECORD:
            raise LesionsError(
                f"{file} is cut off: its {size:,} bytes are not a multiple of {_RECORD}. {_AGAIN}"
            )
        row_bytes, stated, has_text = _headers(file, handle)
        data_at = handle.tell()
        _check_one_dataset(file, data_at)
        rest = (size - data_at) % row_bytes
        handle.seek(size - rest)
        # The last block is filled with blanks, by some programs with NUL, by fewer than 80 bytes.
        if rest >= _RECORD or handle.read(rest).strip(b" \0"):
            whole = (size - data_at) // row_bytes
            raise LesionsError(
                f"{file} is cut off: after {whole:,} whole records of {row_bytes} bytes comes a "
                f"part of one. {_AGAIN}"
            )
        padding = _nul_padding(handle, size, data_at, row_bytes, has_text=has_text)
    return Transport(stated, 0 if stated is not None else padding)


def blank_padding(file: Path, padding: int, out: Path) -> Path:
    """A copy of a transport file with blanks for the NUL bytes at its end."""
    shutil.copyfile(file, out)
    with out.open("r+b") as handle:
        handle.seek(-padding, 2)
        handle.write(b" " * padding)
    return out


def _nul_padding(
    handle: BinaryIO, size: int, data_at: int, row_bytes: int, *, has_text: bool
) -> int:
    """NUL bytes at the end that no record holds: less than a block, and whole records of them.

    A record of NUL bytes is a record of zeros where all columns are numbers and nothing stands
    behind the last whole record; then it is taken for one.
    """
    length = min(_RECORD - 1, size - data_at)
    if length <= 0:
        return 0
    handle.seek(size - length)
    tail = handle.read(length)
    nul = len(tail) - len(tail.rstrip(b"\0"))
    rest = (size - data_at) % row_bytes
    if nul == 0 or nul < rest or (rest == 0 and not has_text):
        return 0
    return rest + (nul - rest) // row_bytes * row_bytes


def _headers(file: Path, handle: object) -> tuple[int, int | None, bool]:
    """Bytes of a record, the number of records stated, and whether a variable is text.

    Leaves the file where data begins.
    """
    read = handle.read  # type: ignore[attr-defined]
    namestr_bytes, row_bytes, has_variables, has_text = 140, 0, False, False
    while record := read(_RECORD):
        if not record.startswith(_HEADER):
            continue
        kind = record[len(_HEADER) : len(_HEADER) + 8]
        if kind.startswith(b"MEMB"):
            namestr_bytes = int(record[74:78])
        elif kind.startswith(b"NAM"):
            n_variables = int(record[54:58])
            names = read(-(-n_variables * namestr_bytes // _RECORD) * _RECORD)
            starts = range(0, n_variables * namestr_bytes, namestr_bytes)
            row_bytes = sum(int.from_bytes(names[at + 4 : at + 6], "big") for at in starts)
            has_variables = row_bytes > 0
            has_text = any(int.from_bytes(names[at : at + 2], "big") == _TEXT for at in starts)
        elif kind.startswith(b"OBS") and has_variables:
            count = record[48:63].strip()
            # Some programs leave the number at 0, and 0 records need no statement.
            is_stated = kind.startswith(b"OBSV8") and count.isdigit() and int(count) > 0
            return row_bytes, int(count) if is_stated else None, has_text
    raise LesionsError(f"{file} is cut off in its headers, before the data. {_AGAIN}")


def _check_one_dataset(file: Path, data_at: int) -> None:
    if file.stat().st_size == data_at:
        return
    with (
        file.open("rb") as handle,
        mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if content.find(_HEADER + b"MEMB", data_at) >= 0:
            raise LesionsError(
                f"{file} holds more than one dataset. Write each to a transport file of its own."
            )
