"""Writing a page whole: readers see the one before or the new one."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from warehouse.errors import LesionsError
from warehouse.leftovers import remove_leftovers


def write_page(target: Path, text: str) -> None:
    """Writes a page beside ``target`` and puts it in its place; its folder is made.

    Raises:
        LesionsError: the target is a folder, or cannot be written.
    """
    target = target.absolute()
    if target.is_dir():
        raise LesionsError(f"{target} is a folder. Name the file to write.")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent, f".{glob.escape(target.name)}.*")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        raise LesionsError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)
