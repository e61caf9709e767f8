"""Building: SQL, seeds and steps into one database, side by side; failures; interruption."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from warehouse.build import Builder
from warehouse.database import ROW_GROUP, fit_threads, open_work
from warehouse.errors import LesionsError
from warehouse.graph import Graph, make_graph
from warehouse.models import read_model, read_seeds
from warehouse.registry import Step, StepContext, TableDoc
from warehouse.settings import default_values

HEADER = "/* T.\nGrain: one row per id\nKey: id\n*/\n"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_work(tmp_path / "work.duckdb", threads=2) as opened:
        for layer in ("staging", "core", "analysis"):
            opened.execute(f"CREATE SCHEMA {layer}")
        yield opened


def doc(name: str, **types: str) -> TableDoc:
    return TableDoc(name, "d", "one row per id", ("id",), {c: c for c in types}, types=types)


def seed_folder(tmp_path: Path) -> Path:
    seeds = tmp_path / "sql" / "seeds"
    seeds.mkdir(parents=True)
    (seeds / "staging.unit.csv").write_text('id,factor\nmm,1\n"c""m, x",10\n')
    (seeds / "staging.unit.yml").write_text(
        "description: units\ngrain: one row per unit\nkey: [id]\ncolumns:\n"
        "  id: {type: VARCHAR, comment: unit}\n  factor: {type: DOUBLE, comment: mm in it}\n"
    )
    return tmp_path / "sql"


def graph_of(tmp_path: Path, body: str, *steps: Step) -> Graph:
    folder = seed_folder(tmp_path)
    (folder / "core").mkdir()
    path = folder / "core" / "doubled.sql"
    path.write_text(HEADER + body)
    return make_graph(
        sources=[],
        seeds=read_seeds(folder),
        models=[read_model(path, frozenset(), frozenset())],
        steps=steps,
        macros={},
        sql_folder=folder,
    )


def builder(connection: duckdb.DuckDBPyConnection, graph: Graph, **more: Any) -> Builder:
    return Builder(connection, graph, default_values(), Path(), 2, **more)


DOUBLED = "SELECT id, -- id\n factor * 2 AS twice -- twice\nFROM staging.unit -- the last comment"


def summed(context: StepContext) -> dict[str, pd.DataFrame]:
    frame = context.frame("SELECT id, twice FROM core.doubled ORDER BY id")
    context.note(f"{len(frame)} rows")
    return {"analysis.total": pd.DataFrame({"id": ["all"], "total": [frame["twice"].sum()]})}


SUM_STEP = Step(
    "sum", summed, ("core.doubled",), (doc("analysis.total", id="VARCHAR", total="DOUBLE"),)
)


def test_a_seed_a_model_and_a_step(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    graph = graph_of(tmp_path, DOUBLED, SUM_STEP)
    built = builder(connection, graph).build(list(graph.nodes))
    assert [node.name for node in built] == ["staging.unit", "core.doubled", "sum"]
    assert connection.execute("SELECT * FROM analysis.total").fetchall() == [("all", 22.0)]
    assert connection.execute("SELECT id FROM staging.unit").fetchall() == [("mm",), ('c"m, x',)]
    assert built[2].notes == ("2 rows",)
    assert built[1].rows == {"core.doubled": 2}


def test_a_model_that_fails_is_named(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    graph = graph_of(tmp_path, "SELECT CAST(id AS INTEGER) AS id -- id\nFROM staging.unit")
    with pytest.raises(LesionsError, match=r"core\.doubled could not be built.*Could not convert"):
        builder(connection, graph).build(list(graph.nodes))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM staging.unit", "reads staging.unit undeclared"),
        ("WITH u AS (SELECT * FROM core.other) SELECT * FROM u", "core.other undeclared"),
    ],
)
def test_a_step_reads_only_what_it_declares(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, sql: str, words: str
) -> None:
    step = Step("sly", lambda context: {"analysis.t": context.frame(sql)}, ("core.doubled",),
                (doc("analysis.t", id="VARCHAR"),))  # fmt: skip
    graph = graph_of(tmp_path, DOUBLED, step)
    with pytest.raises(LesionsError, match=words):
        builder(connection, graph).build(list(graph.nodes))


def test_a_step_uses_only_settings_it_declares(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    step = Step("sly", lambda context: {"analysis.t": context.setting("run.seed")}, (),
                (doc("analysis.t", id="VARCHAR"),))  # fmt: skip
    graph = graph_of(tmp_path, DOUBLED, step)
    with pytest.raises(LesionsError, match=r"run\.seed undeclared"):
        builder(connection, graph).build(list(graph.nodes))


@pytest.mark.parametrize("declared", [{"sum": "DOUBLE"}, {"total": "BIGINT"}])
def test_a_step_must_give_the_columns_it_declares(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, declared: dict[str, str]
) -> None:
    wanted = doc("analysis.total", id="VARCHAR", **declared)
    step = Step("sum", summed, ("core.doubled",), (wanted,))
    graph = graph_of(tmp_path, DOUBLED, step)
    with pytest.raises(LesionsError, match="has the columns id VARCHAR, total DOUBLE; declared"):
        builder(connection, graph).build(list(graph.nodes))


def test_a_step_makes_only_its_own_tables_from_rows(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    def rows(context: StepContext) -> dict[str, pa.Table]:
        with pytest.raises(LesionsError, match=r"analysis\.b is none of its own tables"):
            context.table("analysis.b", [])
        return {"analysis.a": context.table("analysis.a", [{"id": "x", "n": 3}])}

    wanted = doc("analysis.a", id="VARCHAR", n="BIGINT")
    graph = graph_of(tmp_path, DOUBLED, Step("rows", rows, (), (wanted,)))
    builder(connection, graph).build(["rows"])
    assert connection.execute("SELECT * FROM analysis.a").fetchall() == [("x", 3)]


def test_independent_nodes_run_at_the_same_time(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    both = threading.Barrier(2, timeout=20)

    def meet(name: str) -> Step:
        def function(context: StepContext) -> dict[str, pd.DataFrame]:
            both.wait()  # passes only when the other one is running too
            return {name: pd.DataFrame({"id": [name]})}

        return Step(name, function, (), (doc(name, id="VARCHAR"),))

    graph = graph_of(tmp_path, DOUBLED, meet("analysis.a"), meet("analysis.b"))
    built = builder(connection, graph).build(["analysis.a", "analysis.b"])
    assert {node.name for node in built} == {"analysis.a", "analysis.b"}


def test_a_failure_interrupts_a_long_query_beside_it(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    started = threading.Event()

    def fail(context: StepContext) -> dict[str, pd.DataFrame]:
        started.wait(20)
        time.sleep(0.2)
        raise LesionsError("this step fails")

    step = Step("analysis.a", fail, (), (doc("analysis.a", id="VARCHAR"),))
    slow = "SELECT count(*) AS id -- id\nFROM range(3000000) AS a, range(3000000) AS b"
    graph = graph_of(tmp_path, slow, step)

    def observe(name: str, event: str) -> None:
        if name == "core.doubled" and event == "start":
            started.set()

    begun = time.monotonic()
    with pytest.raises(LesionsError, match="this step fails"):
        builder(connection, graph, observe=observe).build(["core.doubled", "analysis.a"])
    assert time.monotonic() - begun < 60  # uninterrupted, the query takes hours


def test_the_seed_depends_on_the_project_and_the_step(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    seen: dict[str, int] = {}

    def look(name: str) -> Step:
        def function(context: StepContext) -> dict[str, pd.DataFrame]:
            seen[name] = context.seed
            return {name: pd.DataFrame({"id": [str(os.getpid())]})}

        return Step(name, function, (), (doc(name, id="VARCHAR"),))

    graph = graph_of(tmp_path, DOUBLED, look("analysis.a"), look("analysis.b"))
    builder(connection, graph).build(["analysis.a", "analysis.b"])
    assert seen["analysis.a"] != seen["analysis.b"]
    assert all(0 <= seed < 2**63 for seed in seen.values())


def _blas_threads() -> set[int]:
    import numpy  # noqa: F401
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_a_library_that_comes_between_two_fits_is_limited_in_the_second() -> None:
    """In a process of its own: here every library is loaded already."""
    script = """
import numpy
import threadpoolctl
from udfs.threads import _OneThread

def blas():
    found = [p for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"]
    return len(found), {p["num_threads"] for p in found}

def fit():
    with _OneThread("blas"):
        return blas()

with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
    first = fit()
import scipy.linalg
with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
    assert blas() == (first[0] + 1, {2}), blas()
    second = fit()
assert first == (1, {1}) and second == (2, {1}), (first, second)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_duckdb_has_one_thread_while_no_table_has_rows_for_two(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    given = []
    for n_rows in (10, ROW_GROUP, ROW_GROUP + 1):
        connection.execute(f"CREATE OR REPLACE TABLE core.t AS SELECT * FROM range({n_rows})")
        fit_threads(connection, 2)
        given += connection.execute("SELECT current_setting('threads')").fetchall()
    assert given == [(1,), (1,), (2,)]


def test_a_step_computes_with_one_blas_thread_whatever_another_does(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """One step ends its own limit, as fits do, while the other one still computes."""
    from threadpoolctl import threadpool_limits

    started, ended, seen = threading.Event(), threading.Event(), {}

    def fits(context: StepContext) -> dict[str, pd.DataFrame]:
        with threadpool_limits(limits=1, user_api="blas"):
            assert started.wait(20)
        ended.set()
        return {"analysis.fit": pd.DataFrame({"id": [1]})}

    def computes(context: StepContext) -> dict[str, pd.DataFrame]:
        started.set()
        assert ended.wait(20)
        seen["threads"] = _blas_threads()
        return {"analysis.other": pd.DataFrame({"id": [1]})}

    steps = (
        Step("fits", fits, ("core.doubled",), (doc("analysis.fit", id="BIGINT"),)),
        Step("computes", computes, ("core.doubled",), (doc("analysis.other", id="BIGINT"),)),
    )
    graph = graph_of(tmp_path, DOUBLED, *steps)
    before = _blas_threads()
    with threadpool_limits(limits=2, user_api="blas"):
        builder(connection, graph).build(list(graph.nodes))
        assert _blas_threads() == {2}
    assert seen["threads"] == {1}
    assert _blas_threads() == before
