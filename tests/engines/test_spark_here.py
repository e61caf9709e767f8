"""Spark within this process answers as DuckDB does: each case of the dialect, and a short run.

One session serves both, as the start of Java takes longer than what it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engines.dialect_cases import CASES, Case
from engines.equality import differences
from engines.spark_projects import for_spark, made
from engines.sparkkit import spark_or_skip

from warehouse.catalogue import graph_behind
from warehouse.engines.dialect import to_spark
from warehouse.graph import Graph
from warehouse.run import run_project
from warehouse.settings import default_values


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    yield from spark_or_skip()


@pytest.fixture(scope="module")
def few() -> Graph:
    return graph_behind(["staging.subject"])


@pytest.fixture(scope="module")
def macros(few: Graph) -> dict[str, str]:
    return {name: macro.with_values(default_values()) for name, macro in few.macros.items()}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_spark_answers_as_the_case_says(case: Case, spark: Any, macros: dict[str, str]) -> None:
    rows = [tuple(row) for row in spark.sql(to_spark(case.sql, macros)).collect()]
    assert rows == case.rows


def test_a_short_run_makes_the_tables_of_duckdb(spark: Any, few: Graph, tmp_path: Path) -> None:
    """The run takes the session that is there, and lets it go: this test is the last one."""
    project = made(tmp_path / "by_duckdb", messy=True, patients=20)
    run_project(project, graph=few, is_gated=False)
    other = for_spark(project, tmp_path / "by_spark", "local[1]")
    run_project(other, graph=few, is_gated=False)
    wrong, n_tables, n_cells = differences(project.published, other.published)
    assert wrong == {}
    assert n_tables > 10
    assert n_cells > 1_000
