"""Projects that several test files read, each built once per test session.

Each worker of pytest-xdist has a session of its own. What is built once stands in the folder that
the workers share, behind a lock: the recipe of pytest-xdist's documentation for a fixture that is
to run once. Each worker that asks gets a copy, so that no test sees what another one changed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from warehouse.project import Project, create_project, open_project
from warehouse.run import run_project
from warehouse.simulate import write_trials

PATIENTS = 60
QUICK = """
[growth]
patient_effects = false
covariates = ""
correlated = false
[progression]
resamples = 10
"""
"""Settings for tests of sources and findings, which no fit's extensions reach."""


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder that lasts as long as the session and is the same for all its workers."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first to ask makes while the others wait. Nobody may change it.

    Args:
        factory: pytest's own.
        name: the folder's; one name stands for one content.
        make: fills a folder that is not there yet.
    """
    places = shared_folder(factory) / "made_once"
    places.mkdir(exist_ok=True)
    folder = places / name
    with (places / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            begun = places / f"{name}.begun"
            shutil.rmtree(begun, ignore_errors=True)
            make(begun)
            begun.rename(folder)
    return folder


def _build_simulated(folder: Path, messy: bool, seed: int) -> None:
    write_trials(folder, "mcrc", patients=PATIENTS, seed=seed, messy=messy)
    create_project(folder)
    settings = "[run]\nthreads = 2\n" + (QUICK if messy else "")
    (folder / "lesions.toml").write_text(settings)
    run_project(open_project(folder))


def copy_of_clean(factory: pytest.TempPathFactory) -> Project:
    """A copy of a built project of eight simulated trials, 60 patients, nothing wrong in them."""
    return _copy(factory, "clean", lambda folder: _build_simulated(folder, False, 11))


def copy_of_messy(factory: pytest.TempPathFactory) -> Project:
    """A copy of a built project of eight simulated trials with every defect planted in them."""
    return _copy(factory, "messy", lambda folder: _build_simulated(folder, True, 5))


def _copy(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Project:
    source = made_once(factory, name, make)
    folder = factory.mktemp(name) / "project"
    shutil.copytree(source, folder)
    return open_project(folder)
