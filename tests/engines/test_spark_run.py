"""Spark makes the tables that DuckDB makes on a cluster that loses a worker at work."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Thread

import pytest
from engines.equality import differences
from engines.spark_projects import at_stage, for_spark, made
from engines.sparkkit import QUICK_JAVA, Cluster, why_not

from warehouse.catalogue import graph_behind
from warehouse.run import run_project

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not())]

SHORT = ("core.measurement", "quality.quarantine")
"""Tables whose chain has days, sizes, texts, windows and a recursion."""


def test_a_cluster_that_loses_a_worker_makes_the_tables_of_duckdb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All raw tables, of trials with planted defects, up to sizes and quarantine."""
    monkeypatch.setenv("JDK_JAVA_OPTIONS", QUICK_JAVA)
    graph = graph_behind(SHORT)
    by_duckdb = made(tmp_path / "by_duckdb", messy=True, patients=20)
    run_project(by_duckdb, graph=graph, is_gated=False)
    cluster = Cluster(tmp_path / "cluster", workers=2)
    try:
        project = for_spark(by_duckdb, tmp_path / "by_spark", cluster.url)
        killer = Thread(target=at_stage, args=(project, "core", lambda: cluster.kill_worker(1)))
        killer.start()
        run_project(project, graph=graph, is_gated=False)
        killer.join()
    finally:
        cluster.stop()
    assert cluster.workers[1].returncode == -signal.SIGKILL
    wrong, n_tables, n_cells = differences(by_duckdb.published, project.published)
    assert wrong == {}
    assert n_tables > 60
    assert n_cells > 10_000
