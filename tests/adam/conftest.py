"""A small simulated project, built once, and its analysis datasets."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import copy_of_clean

from warehouse.project import Project
from warehouse.publishing.adam import publish_adam


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small simulated project, built. Tests only read it."""
    return copy_of_clean(tmp_path_factory)


@pytest.fixture(scope="session")
def handed(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its analysis datasets: a folder per study."""
    folder = tmp_path_factory.mktemp("adam") / "handed"
    publish_adam(built.published, folder)
    return folder
