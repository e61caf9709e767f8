"""A Prefect server for the tests that need one, and a small project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.project import Project, create_project, open_project
from warehouse.simulate import write_trials


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A server with a database of its own, for the session."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without studies."""
    return create_project(tmp_path / "trials")


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Thirty simulated patients in eight trials; the tests that share it build it once."""
    folder = tmp_path_factory.mktemp("flows") / "trials"
    write_trials(folder, "mcrc", patients=30, seed=5)
    create_project(folder)
    return open_project(folder)
