"""Spark makes the tables that DuckDB makes, on a real cluster; killed, it leaves them whole."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from engines.equality import differences
from engines.sparkkit import QUICK_JAVA, SMALL, Cluster, why_not
from processes import wait_for

from warehouse.catalogue import graph_behind
from warehouse.database import open_published
from warehouse.graph import Graph
from warehouse.project import Project, create_project, open_project
from warehouse.published import altered_tables
from warehouse.run import run_project
from warehouse.simulate import write_trials

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

SHORT = ("core.measurement", "quality.quarantine")
"""Tables whose chain has days, sizes, texts, windows and a recursion."""


def test_spark_in_this_process_makes_the_tables_of_duckdb(tmp_path: Path) -> None:
    few = graph_behind(["staging.subject"])
    project = made(tmp_path / "by_duckdb", messy=True, patients=20)
    run_project(project, graph=few, is_gated=False)
    other = for_spark(project, tmp_path / "by_spark", "local[1]")
    run_project(other, graph=few, is_gated=False)
    wrong, n_tables, n_cells = differences(project.published, other.published)
    assert wrong == {}
    assert n_tables > 10
    assert n_cells > 1_000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("cluster"), workers=2)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def graph() -> Graph:
    return graph_behind(SHORT)


@pytest.fixture(autouse=True)
def _quick_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JDK_JAVA_OPTIONS", QUICK_JAVA)


def made(folder: Path, *, messy: bool, patients: int) -> Project:
    """A project of simulated trials."""
    write_trials(folder, "mcrc", patients=patients, seed=11, messy=messy)
    create_project(folder)
    return open_project(folder)


def for_spark(project: Project, folder: Path, master: str) -> Project:
    """A copy of a project with its loaded studies and nothing published, for a cluster."""
    shutil.copytree(project.root, folder)
    (folder / project.published.name).unlink()
    (folder / ".lesions" / project.log.name).unlink()
    settings = f"[run]\nengine = 'spark'\n[spark]\nmaster = '{master}'\noptions = '{SMALL}'\n"
    (folder / "lesions.toml").write_text(settings)
    return open_project(folder)


@pytest.fixture(scope="module")
def defects(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> Project:
    """Trials with every planted defect, built by DuckDB up to sizes and quarantine."""
    project = made(tmp_path_factory.mktemp("defects") / "by_duckdb", messy=True, patients=20)
    run_project(project, graph=graph, is_gated=False)
    return project


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_makes_the_tables_of_duckdb(
    defects: Project, graph: Graph, cluster: Cluster, tmp_path: Path
) -> None:
    project = for_spark(defects, tmp_path / "by_spark", cluster.url)
    killer = Thread(target=at_stage, args=(project, "core", lambda: cluster.kill_worker(1)))
    killer.start()
    run_project(project, graph=graph, is_gated=False)
    killer.join()
    assert cluster.workers[1].returncode == -signal.SIGKILL
    wrong, n_tables, n_cells = differences(defects.published, project.published)
    assert wrong == {}
    assert n_tables > 60
    assert n_cells > 10_000


def at_stage(project: Project, stage: str, act: Callable[[], object]) -> None:
    """Does something once the run's log names a stage."""
    wait_for(project.log, f'"{re.escape(stage)}"', 600)
    act()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_every_table_is_duckdbs(workers: int, tmp_path: Path) -> None:
    """All models and steps; fits read the same rows, and give the same numbers."""
    project = made(tmp_path / "by_duckdb", messy=False, patients=120)
    run_project(project)
    cluster = Cluster(tmp_path / "cluster", workers)
    try:
        other = for_spark(project, tmp_path / "by_spark", cluster.url)
        run_project(other)
    finally:
        cluster.stop()
    wrong, n_tables, _ = differences(project.published, other.published)
    assert wrong == {}
    assert n_tables > 250


STAGES = ("load", "raw", "staging", "check staging", "core", "check core", "describe", "publish")


@pytest.mark.slow
def test_a_killed_driver_leaves_the_old_tables_or_the_new_ones(
    defects: Project, tmp_path: Path
) -> None:
    project = for_spark(defects, tmp_path / "by_spark", "local[1]")
    settings = (project.root / "lesions.toml").read_text()
    selector = "+core.measurement"
    command = [sys.executable, "-m", "warehouse.cli", "run", selector, "-q", "-C"]
    subprocess.run([*command, str(project.root)], check=True)
    states = {value_of(project)}
    for number, stage in enumerate(STAGES):
        value = 4.0 + number / 10
        (project.root / "lesions.toml").write_text(
            settings + f"[too_small]\ndefault_mm = {value}\n"
        )
        project.log.unlink()
        with subprocess.Popen([*command, str(project.root)], start_new_session=True) as driver:
            with suppress(AssertionError):  # a stage that this run has not
                wait_for(project.log, f'"{stage}"', 120)
            os.killpg(driver.pid, signal.SIGKILL)
        states.add(f"{value:g}")
        assert value_of(project) in states
    subprocess.run([*command, str(project.root)], check=True)
    assert value_of(project) == f"{4.0 + (len(STAGES) - 1) / 10:g}"


def value_of(project: Project) -> str:
    """The setting with which the published tables were made, all of them whole."""
    with open_published(project.published) as connection:
        assert altered_tables(connection) == {}
        found = connection.execute(
            "SELECT value FROM meta.setting WHERE name = 'too_small.default_mm'"
        ).fetchall()
    return f"{float(found[0][0]):g}"
