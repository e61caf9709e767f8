"""A small simulated project, built once for all tests of the whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgres_server import database, postgres

from warehouse.project import Project, create_project, open_project
from warehouse.run import run_project
from warehouse.simulate import write_trials

__all__ = ["database", "postgres"]

PATIENTS = 60


@pytest.fixture(scope="session")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with simulated trials, not yet built."""
    folder = tmp_path_factory.mktemp("trials") / "project"
    write_trials(folder, "mcrc", patients=PATIENTS, seed=11)
    create_project(folder)
    (folder / "lesions.toml").write_text("[run]\nthreads = 2\n")
    return folder


@pytest.fixture(scope="session")
def built(trials: Path) -> Project:
    """The same, built. Tests only read it."""
    project = open_project(trials)
    run_project(project)
    return project
