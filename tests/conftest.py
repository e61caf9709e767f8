"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

SHARED = Path(__file__).resolve().parents[2] / "shared"


LONG_FIRST = ("whole", "messy", "checks", "hazards", "growth", "growth_steps")
"""Folders whose files take longest: begun first, so that no core is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of long folders first; their tests stay in order."""

    def place(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data and reference answers, kept beside the checkout; skips without it."""
    if not SHARED.is_dir():
        pytest.skip("real data and reference answers are not beside this checkout (../shared)")
    return SHARED
