"""The engine of lesion-warehouse, and the way in for notebooks: ``open_warehouse``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.reader import Warehouse

__all__ = ["open_warehouse"]


def open_warehouse(project: str | Path = ".") -> Warehouse:
    """Opens a published warehouse for reading, from a notebook or a script.

    Args:
        project: a project folder, a folder inside one, or a warehouse file.

    Raises:
        LesionsError: there is no project or no published warehouse.
    """
    from warehouse.reader import open_reader

    return open_reader(project)
