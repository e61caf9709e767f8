"""What all tests share."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# OpenMP's threads (scikit-learn's boosting) wait by turning round and round, which takes the core
# from the other worker that has work for it. As many threads as ever; they sleep while they wait.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# What one test's project works out of the models' texts, the others take; nothing of the user's.
CACHE = None if "PYTEST_XDIST_WORKER" in os.environ else tempfile.TemporaryDirectory()
if CACHE is not None:
    os.environ["XDG_CACHE_HOME"] = CACHE.name

SHARED = Path(__file__).resolve().parents[2] / "shared"


SLOW = {
    line
    for line in Path(__file__).with_name("slow.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
}
"""Files and functions measured to be slow; .ci/slow_tests says how."""
LONG_FIRST = ("tests/whole/test_catalogue.py", "tests/growth", "tests/hazards", "tests/whole")
"""What takes longest: begun first, so that no core is left with one at the end. The one file builds
the project that the rest of its folder reads, while another worker has tests that do not wait."""


@pytest.hookimpl(tryfirst=True)  # before those not asked for are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is slow. Long folders come first; their tests stay in order."""
    for item in items:
        file, _, function = item.nodeid.partition("::")
        if {file, f"{file}::{function.partition('[')[0]}"} & SLOW:
            item.add_marker("slow")

    def place(item: pytest.Item) -> int:
        found = [n for n, start in enumerate(LONG_FIRST) if item.nodeid.startswith(start)]
        return found[0] if found else len(LONG_FIRST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data and reference answers, kept beside the checkout; skips without it."""
    if not SHARED.is_dir():
        pytest.skip("real data and reference answers are not beside this checkout (../shared)")
    return SHARED
