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


LONG_FIRST = (
    "whole/test_real_sources.py",
    "whole/test_bad_input.py",
    "messy",
    "whole/test_end_to_end.py",
    "whole",
    "hazards",
    "growth",
    "growth_steps",
)
"""Files and folders that take longest: begun first, so that no core is left with one at the end.
The first two build projects of their own, so that no worker waits for what the other one builds."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files and those of long folders first; their tests stay in order."""

    def place(item: pytest.Item) -> int:
        folder = item.path.parent.name
        names = (f"{folder}/{item.path.name}", folder)
        return min((LONG_FIRST.index(name) for name in names if name in LONG_FIRST), default=99)

    items.sort(key=place)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data and reference answers, kept beside the checkout; skips without it."""
    if not SHARED.is_dir():
        pytest.skip("real data and reference answers are not beside this checkout (../shared)")
    return SHARED
