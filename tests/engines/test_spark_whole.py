"""A whole run of Spark's makes every table that DuckDB makes, whatever the number of workers."""

from __future__ import annotations

import csv
import signal
from pathlib import Path
from threading import Thread

import pytest
from engines.equality import differences, tables_of
from engines.spark_projects import BY_HAND, at_stage, for_spark, made_by_hand
from engines.sparkkit import QUICK_JAVA, Cluster, why_not

from warehouse.database import open_published, qualified
from warehouse.project import Project
from warehouse.published import altered_tables
from warehouse.run import run_project

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not())]


@pytest.fixture(scope="module")
def by_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = made_by_hand(tmp_path_factory.mktemp("whole") / "by_duckdb")
    run_project(project)
    return project


def test_the_project_holds_what_the_engines_read_differently(by_duckdb: Project) -> None:
    """Every value of BY_HAND is in a file, and few tables have no row to be compared."""
    for name, columns in BY_HAND.items():
        with (by_duckdb.root / "studies" / "MCRC06" / name).open(newline="") as file:
            rows = list(csv.DictReader(file))
        for column, values in columns.items():
            assert set(values) <= {row[column] for row in rows}, (name, column)
    with open_published(by_duckdb.published) as connection:
        tables = tables_of(connection)
        empty = {
            name
            for name in tables
            if connection.execute(f"SELECT count(*) FROM {qualified(name)}").fetchall() == [(0,)]
        }
        assert len(tables) > 400
        assert len(empty) < 100, sorted(empty)
        ties = connection.execute(
            "SELECT count(*) FROM quality.finding WHERE defect_id = 'rows.1b'"
        ).fetchall()
        assert ties > [(10,)]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_table_is_duckdbs(
    workers: int, by_duckdb: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All models, steps and checks; fits read the same rows, and give the same numbers."""
    compare(by_duckdb, tmp_path, workers, monkeypatch, killed_at=None)


def test_a_worker_killed_late_changes_no_table(
    by_duckdb: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(by_duckdb, tmp_path, 2, monkeypatch, killed_at="mart")


def compare(
    by_duckdb: Project,
    folder: Path,
    workers: int,
    monkeypatch: pytest.MonkeyPatch,
    *,
    killed_at: str | None,
) -> None:
    """Runs a copy of the project on a cluster of its own, whose last worker may be killed."""
    monkeypatch.setenv("JDK_JAVA_OPTIONS", QUICK_JAVA)
    cluster = Cluster(folder / "cluster", workers)
    try:
        project = for_spark(by_duckdb, folder / "by_spark", cluster.url)
        if killed_at is None:
            run_project(project)
        else:
            killer = Thread(
                target=at_stage, args=(project, killed_at, lambda: cluster.kill_worker(workers - 1))
            )
            killer.start()
            run_project(project)
            killer.join()
            assert cluster.workers[-1].returncode == -signal.SIGKILL
    finally:
        cluster.stop()
    wrong, n_tables, n_cells = differences(by_duckdb.published, project.published)
    print(f"\n{workers} workers: {n_tables} tables, {n_cells:,} cells, {len(wrong)} not the same")
    assert wrong == {}
    assert n_tables > 400
    assert n_cells > 1_000_000
    with open_published(project.published) as connection:
        assert altered_tables(connection) == {}
