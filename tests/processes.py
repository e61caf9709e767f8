"""A schedule in a process of its own, and what is known of processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

LOOKS_IN_PROC = pytest.mark.skipif(
    sys.platform != "linux", reason="looks for processes in /proc, which Linux has"
)
_SERVE = "import sys; from pathlib import Path; from flows.schedule import serve; \
serve(Path(sys.argv[1]), sys.argv[2])"


def start_schedule(project: Path, cron: str, output: Path) -> subprocess.Popen[bytes]:
    """``lesions schedule`` of a project, without the tests' own Prefect, writing into a file."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PREFECT")
    }
    with output.open("wb") as handle:
        return subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(project), cron],
            env=environment,
            stdout=handle,
            stderr=subprocess.STDOUT,
        )


def wait_for(file: Path, pattern: str, seconds: float) -> str:
    """The first match in a growing file."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = re.search(pattern, file.read_text()) if file.exists() else None
        if found:
            return found.group()
        time.sleep(0.2)
    raise AssertionError(f"no {pattern!r} in {seconds} s: {file.read_text()}")


def is_alive(pid: int) -> bool:
    """True while a process runs; one that has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those they started."""
    children: dict[int, set[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, set()).add(int(stat.parent.name))
    found: set[int] = set()
    waiting = {pid}
    while waiting:
        waiting = {child for one in waiting for child in children.get(one, set())} - found
        found |= waiting
    return found
