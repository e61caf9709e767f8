"""Files replaced whole, and what commands that were killed have left half written."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OLD_SECONDS = 3600
"""A file of another machine that young may still be written there."""
OURS = re.compile(r"\..+\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)\.writing")
MAX_NAME = 100
"""Letters of a file's name that are kept in the name of what is written beside it."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A path beside a file to write to, which takes its place once the block ends without an error.

    Readers see the file before or the new one, whole. A link stays and leads to the new file, and
    the file's permissions stay. What commands that were killed left beside it is removed. A device
    or a pipe is written itself.

    Raises:
        OSError: the folder cannot be written.
    """
    target = target.resolve()
    if target.exists() and not target.is_file():
        yield target
        return
    remove_leftovers(target.parent)
    beside = target.with_name(f".{_stem(target.name)}.{_machine()}-{os.getpid()}.writing")
    try:
        yield beside
        if beside.exists():
            if target.exists():
                beside.chmod(stat.S_IMODE(target.stat().st_mode))
            beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _stem(name: str) -> str:
    """A file's name, short enough for more to be written before and after it."""
    if len(os.fsencode(name)) <= MAX_NAME:
        return name
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:32]


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def remove_leftovers(folder: Path) -> None:
    """Removes from a folder what ``replacing`` made there and no process writes any more.

    The names hold the machine and the process. On this machine that process is looked for; this one
    itself has not begun. A process of another machine has an hour.
    """
    for path in folder.glob(".*.writing"):
        found = OURS.fullmatch(path.name)
        if found is None:
            continue
        process = int(found["process"])
        if found["machine"] == _machine():
            is_left = process == os.getpid() or not _is_alive(process)
        else:
            is_left = _age(path) > OLD_SECONDS
        if is_left:
            path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:  # its writer was faster
        return 0.0


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True
