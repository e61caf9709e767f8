"""Readers of several kinds and ages, each in a process of its own, while runs publish.

LESIONS_DEMO=folder LESIONS_PUBLISHES=100 pytest -m external -n 0 -s \
    tests/bi/test_clients_while_publishing.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bi.other_pythons import python_of

from warehouse.project import create_project, open_project
from warehouse.run import run_project
from warehouse.simulate import write_trials

pytestmark = pytest.mark.external

PUBLISHES = int(os.environ.get("LESIONS_PUBLISHES", "20"))
READER = Path(__file__).with_name("clients.py")


def make_project(folder: Path) -> Path:
    """A built project: a copy of the one that LESIONS_DEMO names, or a small one."""
    given = os.environ.get("LESIONS_DEMO")
    if given:
        shutil.copytree(given, folder)
        return folder
    write_trials(folder, "mcrc", patients=60, seed=11)
    create_project(folder)
    return folder


def test_no_error_and_always_a_whole_state_while_a_run_publishes_again_and_again(
    tmp_path: Path,
) -> None:
    project = open_project(make_project(tmp_path / "project"))
    run_project(project)
    # From here on the newest run is always the one that built mart.dim_organ.
    run_project(project, selectors=["mart.dim_organ"], force=True)
    stop = tmp_path / "stop"
    readers = {
        "a second process, duckdb 2.0": (Path(sys.executable), "duckdb"),
        "the file held open, duckdb 2.0": (Path(sys.executable), "held"),
        "duckdb 1.5": (python_of("duckdb-1.5"), "duckdb"),
        "SQLAlchemy, duckdb 1.5": (python_of("duckdb-1.5"), "sqlalchemy"),
        "SQLAlchemy, duckdb 2.0": (python_of("sqlalchemy"), "sqlalchemy"),
    }
    started = {
        name: subprocess.Popen(
            [str(python), str(READER), kind, str(project.published),
             str(tmp_path / f"{number}.json"), str(stop)]
        )
        for number, (name, (python, kind)) in enumerate(readers.items())
    }  # fmt: skip
    try:
        for _ in range(PUBLISHES):
            report = run_project(project, selectors=["mart.dim_organ"], force=True)
            assert report.run_id
    finally:
        stop.touch()
        codes = {name: process.wait(120) for name, process in started.items()}
    assert set(codes.values()) == {0}
    for number, name in enumerate(readers):
        found = json.loads((tmp_path / f"{number}.json").read_text())
        print(f"{name}: client {found['client']}, {found['n']} reads, "
              f"{len(found['states'])} states, {len(found['errors'])} errors")  # fmt: skip
        assert found["errors"] == []
        assert found["n"] > PUBLISHES
        assert (len(found["states"]) == 1) == ("held" in name)
        if "held" not in name:
            assert len(found["states"]) > PUBLISHES / 2
