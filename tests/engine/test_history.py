"""What a project went through does not change its numbers: its tables are as freshly built."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from warehouse.database import ident, qualified
from warehouse.display import Display, Stage
from warehouse.project import Project, create_project, open_project
from warehouse.published import altered_tables
from warehouse.run import run_project
from warehouse.simulate import write_trials

CLOCKED = ("meta.", "quality.check_result", "raw.")
"""What names the run or holds a time of day."""
TIMES = ("_loaded_at", "loaded_at")
"""Columns of raw tables that hold a time of day."""
BUSY = "import numpy as np\na = np.ones((700, 700))\nwhile True:\n    a = np.tanh(a @ a)"


def contents(project: Project) -> dict[str, str]:
    """The digest of each table as it stands in the file, worked out anew; of raw tables without
    the time at which they were loaded."""
    with duckdb.connect(str(project.published), read_only=True) as connection:
        assert altered_tables(connection) == {}
        rows = connection.execute("SELECT table_name, digest FROM meta.digest").fetchall()
        found = {name: digest for name, digest in rows if not name.startswith(CLOCKED)}
        for name, columns in connection.execute(
            "SELECT 'raw.' || table_name, list(column_name ORDER BY column_index) "
            "FROM duckdb_columns() WHERE schema_name = 'raw' GROUP BY ALL"
        ).fetchall():
            kept = ", ".join(ident(column) for column in columns if column not in TIMES)
            found[name] = str(
                connection.execute(
                    f"SELECT count(*), sum(hash(t)) FROM (SELECT {kept} FROM {qualified(name)}) t"
                ).fetchall()
            )
    return found


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


class Interrupting(Display):
    """Stops a run as Ctrl-C does, where a stage begins."""

    def __init__(self, title: str) -> None:
        super().__init__(quiet=True)
        self._title = title

    def stage(self, title: str, total: int, unit: str) -> Stage:
        if title == self._title:
            raise KeyboardInterrupt
        return super().stage(title, total, unit)


def studies_of(folder: Path, patients: int, count: int) -> list[Path]:
    write_trials(folder, "mcrc", patients=patients, seed=4)
    return sorted((folder / "studies").iterdir())[:count]


def project_of(folder: Path, studies: list[Path]) -> Project:
    project = create_project(folder)
    for study in studies:
        shutil.copytree(study, project.studies / study.name)
    return project


def test_a_study_that_came_and_went_leaves_the_tables_of_the_first_build(tmp_path: Path) -> None:
    first, second = studies_of(tmp_path / "trials", 20, 2)
    project = project_of(tmp_path / "project", [first])
    run_project(project, is_gated=False)
    fresh = contents(project)
    assert len(fresh) > 300
    shutil.copytree(second, project.studies / second.name)
    with pytest.raises(KeyboardInterrupt):
        run_project(project, is_gated=False, display=Interrupting("core"))
    assert contents(project) == fresh
    run_project(project, is_gated=False)
    assert len(differing(fresh, contents(project))) > 100
    shutil.rmtree(project.studies / second.name)
    with pytest.raises(KeyboardInterrupt):
        run_project(project, is_gated=False, display=Interrupting("publish"))
    run_project(project, is_gated=False)
    assert differing(fresh, contents(project)) == []


@contextmanager
def busy_machine() -> Iterator[None]:
    """As many processes as the machine has cores, each of as many threads."""
    burning = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


def run_whole(project: Project) -> None:
    command = [sys.executable, "-m", "warehouse.cli", "run", "-q", "-C", str(project.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def kill_in(project: Project, stage: str) -> None:
    """Kills a run once its log names a stage."""
    since = len(project.log.read_text().splitlines())
    command = [sys.executable, "-m", "warehouse.cli", "run", "-q", "-C", str(project.root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        lines = project.log.read_text().splitlines()[since:]
        if any(json.loads(line).get("text") == stage for line in lines if line.endswith("}")):
            break
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_no_history_changes_a_number(tmp_path: Path) -> None:
    first, second, third = studies_of(tmp_path / "trials", 40, 3)
    fresh = project_of(tmp_path / "fresh", [second, first])
    run_whole(fresh)
    wanted = contents(fresh)
    with duckdb.connect(str(fresh.published), read_only=True) as connection:
        # The models of growth are those that differed once.
        for table in ("growth_random_effect", "growth_covariate", "growth_extended_fit"):
            assert connection.execute(f"SELECT count(*) > 0 FROM analysis.{table}").fetchall() == [
                (True,)
            ], table

    project = project_of(tmp_path / "project", [first])
    (project.root / "lesions.toml").write_text("[run]\nthreads = 1\n")
    run_whole(project)
    shutil.copytree(third, project.studies / third.name)
    kill_in(project, "analysis")
    run_whole(project)
    shutil.rmtree(project.studies / third.name)
    shutil.copytree(second, project.studies / second.name)
    kill_in(project, "analysis")
    kill_in(project, "mart")
    (project.root / "lesions.toml").write_text("")
    with busy_machine():
        run_whole(project)
    assert differing(wanted, contents(project)) == []
    # Forced, beside other programs, and in a folder of another name.
    project.root.rename(tmp_path / "elsewhere")
    moved = open_project(tmp_path / "elsewhere")
    with busy_machine():
        run_project(moved, force=True)
    assert differing(wanted, contents(moved)) == []
