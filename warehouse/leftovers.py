"""Files that a command that was killed has left half written."""

from __future__ import annotations

import time
from pathlib import Path

OLD_SECONDS = 3600
"""A file that young may still be written by another command."""


def remove_leftovers(folder: Path, *patterns: str) -> None:
    """Removes files of a folder that match a pattern and have not changed for an hour."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            if path.is_file() and time.time() - path.stat().st_mtime > OLD_SECONDS:
                path.unlink(missing_ok=True)
