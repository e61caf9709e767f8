"""How much a packed file may become when it is unpacked."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

from warehouse.errors import LesionsError

MAX_RATIO = 100
"""Tables of trials become five to thirty times as large."""
MAX_GZIP_BYTES = 1 << 30
"""What a gzip file may become whatever the ratio."""
MAX_ZIP_BYTES = 200 << 20
"""The same of a workbook, whose texts are held in memory."""


class BoundedGzip(gzip.GzipFile):
    """A gzip file that is read no further than a table of its size can go."""

    def __init__(self, file: Path) -> None:
        """
        Args:
            file: a gzip file.
        """
        super().__init__(file, "rb")
        self._file = file
        self._limit = max(MAX_GZIP_BYTES, MAX_RATIO * file.stat().st_size)

    def read(self, size: int | None = -1) -> bytes:
        return self._checked(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._checked(super().read1(size))

    def _checked(self, block: bytes) -> bytes:
        if self.tell() > self._limit:
            raise LesionsError(too_much(self._file))
        return block


def check_zip(file: Path) -> None:
    """Refuses a zip file whose parts are far larger than they are packed.

    Raises:
        LesionsError: more than MAX_ZIP_BYTES and more than MAX_RATIO times the packed size.
        zipfile.BadZipFile: no zip file.
    """
    with zipfile.ZipFile(file) as archive:
        whole = sum(part.file_size for part in archive.infolist())
    if whole > max(MAX_ZIP_BYTES, MAX_RATIO * file.stat().st_size):
        raise LesionsError(too_much(file))


def too_much(file: Path) -> str:
    """What is wrong with a file that becomes too large when it is unpacked."""
    return (
        f"{file} becomes more than {MAX_RATIO} times as large when it is unpacked, which no table "
        "of a trial does. Look at where it comes from; where it is right, write it as plain CSV."
    )
