"""Small study folders, loaded and looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from sources.studykit import Workspace


@pytest.fixture
def make_workspace(tmp_path: Path) -> Iterator[Callable[[], Workspace]]:
    """Makes workspaces, each in a folder of its own."""
    with duckdb.connect() as connection:
        made: list[Workspace] = []

        def make() -> Workspace:
            made.append(Workspace(tmp_path / f"project_{len(made)}", connection))
            return made[-1]

        yield make


@pytest.fixture
def workspace(make_workspace: Callable[[], Workspace]) -> Workspace:
    """One workspace."""
    return make_workspace()
