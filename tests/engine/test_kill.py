"""Killed at any moment, a run leaves the published file whole: the old state or the new one."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from warehouse.project import create_project, open_project
from warehouse.run import run_project
from warehouse.simulate import write_trials

STAGES = ("load", "carry", "staging", "core", "analysis", "check core", "describe", "publish")
"""Stages of a run as its log names them; 'analysis' holds the Python steps."""

TABLES = ("core.measurement", "analysis.lesion_event", "analysis.gower_pair", "mart.dim_patient")


def state_of(published: Path) -> tuple[str, ...]:
    """A digest of some tables' content and of the setting that tells old from new."""
    with duckdb.connect(str(published), read_only=True) as connection:
        values = [
            str(connection.execute(f"SELECT bit_xor(hash(t)) FROM {table} AS t").fetchone())
            for table in TABLES
        ]
        setting = connection.execute(
            "SELECT value FROM meta.setting WHERE name = 'too_small.default_mm'"
        ).fetchone()
    return (str(setting), *values)


def set_too_small(project: Path, value: float) -> None:
    (project / "lesions.toml").write_text(f"[too_small]\ndefault_mm = {value}\n")


def touch_source(project: Path, text: str) -> None:
    """A comment in one study.yml makes the next run load that study again."""
    study = sorted((project / "studies").iterdir())[0] / "study.yml"
    study.write_text(study.read_text().split("\n# ")[0] + f"\n# {text}\n")


def start(project: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "warehouse.cli", "run", "--quiet", "--project", str(project)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def wait_for_stage(process: subprocess.Popen[bytes], log: Path, since: int, stage: str) -> bool:
    """Waits until the run's log names a stage; False where the run ended before."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        lines = log.read_text().splitlines()[since:] if log.exists() else []
        if any(json.loads(line).get("text") == stage for line in lines if line.endswith("}")):
            return True
        time.sleep(0.002)
    return False


@pytest.mark.slow
def test_kill_at_many_moments(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write_trials(folder, "mcrc", patients=60, seed=4)
    create_project(folder)
    set_too_small(folder, 5.0)
    project = open_project(folder)
    run_project(project)
    old = state_of(project.published)
    keep = tmp_path / "old.duckdb"
    shutil.copyfile(project.published, keep)
    set_too_small(folder, 4.0)
    touch_source(folder, "again")
    run_project(open_project(folder))
    new = state_of(project.published)
    assert new != old

    seen: dict[str, int] = dict.fromkeys(STAGES, 0)
    pauses = random.Random(1)
    for turn in range(3 * len(STAGES) + 3):
        stage = STAGES[turn % len(STAGES)]
        shutil.copyfile(keep, tmp_path / "copy.duckdb").replace(project.published)
        touch_source(folder, f"turn {turn}")
        since = len(project.log.read_text().splitlines())
        process = start(folder)
        reached = wait_for_stage(process, project.log, since, stage)
        time.sleep(pauses.choice([0.0, 0.002, 0.02, 0.1]))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode in (-signal.SIGKILL, 0), errors.decode()
        seen[stage] += reached
        assert state_of(project.published) in (old, new), f"killed in {stage}"

        again = start(folder)
        _, errors = again.communicate(timeout=300)
        assert again.returncode == 0, errors.decode()
        assert state_of(project.published) == new
        assert not project.work.exists()
    assert all(count >= 3 for count in seen.values()), seen
