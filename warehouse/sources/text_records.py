"""Counting the records of a CSV file in another way than the reader that loads them.

The reader's own count cannot show what the reader lost: a quote that is never closed, or a record
larger than its buffer, takes others with it and leaves no trace. Here Python's own CSV parser goes
through the file, and nothing is kept but the number.
"""

from __future__ import annotations

import csv
from itertools import chain
from pathlib import Path
from typing import IO

from warehouse.errors import LesionsError

MAX_LENGTH = 4_000_000
"""Characters of the longest line and of the longest field. No value of a trial's table comes near,
and a quote that is never closed is found before the rest of a large file is in memory."""


class _Lines:
    """The lines of a file, none longer than MAX_LENGTH."""

    def __init__(self, text: IO[str], file: Path) -> None:
        self._text = text
        self._file = file
        self.number = 0
        self.is_ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LENGTH + 1)
        if not line:
            self.is_ended = True
            raise StopIteration
        self.number += 1
        if len(line) > MAX_LENGTH:
            raise LesionsError(
                f"{self._file}, line {self.number}: the line has more than {MAX_LENGTH:,} "
                "characters, which no record of a table has. Look at it, and shorten or remove it."
            )
        return line


def count_records(text: IO[str], file: Path, delimiter: str, n_columns: int) -> int:
    """The records of a CSV file, its header aside.

    Blank lines are no records, but where there is one column they are records without a value.

    Args:
        text: the file, opened with ``newline=""``.
        file: its name, for messages.
        delimiter: what separates the columns.
        n_columns: columns of the header.

    Raises:
        LesionsError: a quote that is never closed, or a line or field longer than MAX_LENGTH.
    """
    lines = _Lines(text, file)
    former = csv.field_size_limit(MAX_LENGTH)
    records, has_header = 0, False
    try:
        for line in lines:
            if '"' not in line:
                is_record = bool(line.strip("\r\n"))
            else:
                begun = lines.number
                # As the reader does: blanks before an opening quote are no part of the field.
                rest = csv.reader(chain((line,), lines), delimiter=delimiter, skipinitialspace=True)
                is_record = bool(next(rest))
                if lines.is_ended:
                    # Only a record with an open quote asks for a line after the last one.
                    raise LesionsError(_never_closed(file, begun))
            records += is_record or (has_header and n_columns == 1)
            has_header = has_header or is_record
    except csv.Error as error:
        raise LesionsError(_never_closed(file, begun)) from error
    finally:
        csv.field_size_limit(former)
    return records - 1


def _never_closed(file: Path, line: int) -> str:
    return (
        f"{file}, line {line}: a quote is opened and never closed (not within {MAX_LENGTH:,} "
        "characters), so the end of the record cannot be told. Close or double the quote."
    )
