"""Messy and clean simulated projects, built once, and what was planted in the messy one."""

from __future__ import annotations

import pytest
from messy.trials import Planted, build, read_truth

from warehouse.project import Project

PATIENTS, SEED = 60, 5


@pytest.fixture(scope="session")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("messy") / "project"
    return build(folder, patients=PATIENTS, seed=SEED, messy=True)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("clean") / "project"
    return build(folder, patients=PATIENTS, seed=SEED, messy=False)


@pytest.fixture(scope="session")
def truth(messy: Project) -> dict[str, Planted]:
    return read_truth(messy.root)
