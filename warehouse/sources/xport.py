"""Looks at the headers of a SAS transport file, because its readers pass over a missing end.

Layout: 80-byte records; "The Record Layout of a Data Set in SAS Transport (XPORT) Format", SAS
TS-140 (version 5) and its extension for version 8.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from warehouse.errors import LesionsError

_RECORD = 80
_HEADER = b"HEADER RECORD*******"
_AGAIN = "Copy it from its source again."


def check_xport(file: Path) -> int | None:
    """Checks that a transport file is whole; the number of records where it states one (v8).

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
        row_bytes, stated = _headers(file, handle)
        data_at = handle.tell()
        _check_one_dataset(file, data_at)
        rest = (size - data_at) % row_bytes
        handle.seek(size - rest)
        # The last block is filled with blanks, by fewer than 80 bytes.
        if rest >= _RECORD or handle.read(rest).strip(b" "):
            whole = (size - data_at) // row_bytes
            raise LesionsError(
                f"{file} is cut off: after {whole:,} whole records of {row_bytes} bytes comes a "
                f"part of one. {_AGAIN}"
            )
    return stated


def _headers(file: Path, handle: object) -> tuple[int, int | None]:
    """Bytes of a record, and the number of records stated; leaves the file where data begins."""
    read = handle.read  # type: ignore[attr-defined]
    namestr_bytes, row_bytes, has_variables = 140, 0, False
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
        elif kind.startswith(b"OBS") and has_variables:
            count = record[48:63].strip()
            is_stated = kind.startswith(b"OBSV8") and count.isdigit()
            return row_bytes, int(count) if is_stated else None
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
