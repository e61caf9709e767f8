"""A small simulated project, built once for all tests of the whole, and calls of the command."""

from __future__ import annotations

import pytest
from postgres_server import database, postgres
from projects import copy_of_clean
from whole.calling import call

from warehouse.project import Project

__all__ = ["call", "database", "postgres"]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small simulated project, built. Tests only read it."""
    return copy_of_clean(tmp_path_factory)
