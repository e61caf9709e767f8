"""Writing a page whole: readers see the one before or the new one."""

from __future__ import annotations

from pathlib import Path

from warehouse.errors import LesionsError
from warehouse.leftovers import replacing


def write_page(target: Path, text: str) -> None:
    """Writes a page beside ``target`` and puts it in its place; its folder is made.

    Raises:
        LesionsError: the target is a folder, or cannot be written.
    """
    target = target.absolute()
    if target.is_dir():
        raise LesionsError(f"{target} is a folder. Name the file to write.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as beside:
            beside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LesionsError(f"{target} cannot be written: {error.strerror}.") from error
