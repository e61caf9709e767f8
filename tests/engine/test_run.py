"""A run as a whole: beside, gate, swap; what a failure leaves; comments and lineage."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from warehouse.errors import LesionsError
from warehouse.graph import Graph, make_graph
from warehouse.models import read_model
from warehouse.project import Project, create_project, open_project
from warehouse.run import plan_project, run_project
from warehouse.views import print_timings

MODELS = {
    "staging.a": "SELECT range AS id -- a number\nFROM range(5)",
    "core.b": "SELECT id, -- the same\n id * 2 AS twice -- twice it\nFROM staging.a",
    "mart.c": "SELECT sum(twice) AS id -- the sum\nFROM core.b",
}
TAGGED_VIEW = {**MODELS, "mart.v": "SELECT id + 1 AS id -- one more\nFROM core.b"}


def graph_of(folder: Path, models: Mapping[str, str]) -> Graph:
    found = []
    for name, body in models.items():
        layer, table = name.split(".")
        (folder / layer).mkdir(exist_ok=True, parents=True)
        path = folder / layer / f"{table}.sql"
        tags = "Tags: view\n" if table == "v" else ""
        path.write_text(f"/* Table {table}.\nGrain: one row per id\nKey: id\n{tags}*/\n{body}")
        found.append(read_model(path, frozenset(), frozenset()))
    return make_graph(sources=[], seeds=[], models=found, steps=[], macros={}, sql_folder=folder)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return create_project(tmp_path / "project")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows(project: Project, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_run_says_where_its_time_went(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    report = run_project(project, graph=graph_of(tmp_path, MODELS))
    found = rows(project, "SELECT name, seconds, cpu_seconds FROM meta.model ORDER BY name")
    assert [name for name, _, _ in found] == ["core.b", "mart.c", "staging.a"]
    # One thread's CPU time is no more than the time that passed, but for the clocks' grain.
    assert all(0 < spent <= seconds + 0.02 for _, seconds, spent in found)  # type: ignore[operator]
    print_timings(report)
    shown = capsys.readouterr().out.split("Models and steps")
    assert "describe" in shown[0]
    assert "core.b" in shown[1]


def test_first_run_publishes_tables_comments_and_lineage(tmp_path: Path, project: Project) -> None:
    report = run_project(project, graph=graph_of(tmp_path, MODELS))
    assert [node.name for node in report.built] == list(MODELS)
    assert rows(project, "SELECT id FROM mart.c") == [(20,)]
    assert rows(
        project,
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'b' ORDER BY column_index",
    ) == [("the same",), ("twice it",)]
    assert rows(project, "SELECT comment FROM duckdb_tables() WHERE table_name = 'b'") == [
        ("Table b.\nGrain: one row per id",)
    ]
    assert rows(project, "SELECT * FROM meta.lineage_table ORDER BY ALL") == [
        ("core.b", "staging.a"),
        ("mart.c", "core.b"),
    ]
    assert rows(project, "SELECT * FROM meta.lineage_column ORDER BY ALL") == [
        ("core.b", "id", "staging.a", "id"),
        ("core.b", "twice", "staging.a", "id"),
        ("mart.c", "id", "core.b", "twice"),
    ]
    assert rows(project, "SELECT * FROM meta.lineage_influence ORDER BY ALL") == [
        ("core.b", "*", "staging.a", "*"),
        ("mart.c", "*", "core.b", "*"),
    ]
    assert rows(project, "SELECT name, kind, rows FROM meta.model ORDER BY name") == [
        ("core.b", "sql", 5),
        ("mart.c", "sql", 1),
        ("staging.a", "sql", 5),
    ]


def test_a_key_that_repeats_stops_the_publish(tmp_path: Path, project: Project) -> None:
    run_project(project, graph=graph_of(tmp_path, MODELS))
    before = digest(project.published)
    twice = {
        **MODELS,
        "core.b": "SELECT id // 2 AS id, -- half\n id AS twice -- it\nFROM staging.a",
    }
    with pytest.raises(LesionsError, match=r"core\.b") as caught:
        run_project(project, graph=graph_of(tmp_path, twice))
    assert "Nothing was published" in str(caught.value)
    assert digest(project.published) == before
    assert project.failed.exists()
    assert project.check_page.exists()
    assert not project.work.exists()


def test_a_model_that_fails_leaves_the_published_file_as_it_was(
    tmp_path: Path, project: Project
) -> None:
    run_project(project, graph=graph_of(tmp_path, MODELS))
    before = digest(project.published)
    broken = {**MODELS, "mart.c": "SELECT error('no') AS id -- never\nFROM core.b"}
    with pytest.raises(LesionsError, match=r"mart\.c could not be built"):
        run_project(project, graph=graph_of(tmp_path, broken))
    assert digest(project.published) == before
    assert not project.work.exists()
    events = [json.loads(line) for line in project.log.read_text().splitlines()]
    assert events[-1]["status"] == "failed"


def test_only_what_changed_is_built_and_the_rest_is_carried(
    tmp_path: Path, project: Project
) -> None:
    run_project(project, graph=graph_of(tmp_path, MODELS))
    built_at = rows(project, "SELECT built_at FROM meta.model WHERE name = 'core.b'")
    changed = {**MODELS, "mart.c": "SELECT max(twice) AS id -- the largest\nFROM core.b"}
    report = run_project(project, graph=graph_of(tmp_path, changed))
    assert [node.name for node in report.built] == ["mart.c"]
    assert rows(project, "SELECT id FROM mart.c") == [(8,)]
    assert rows(project, "SELECT built_at FROM meta.model WHERE name = 'core.b'") == built_at
    assert rows(project, "SELECT count(*) FROM meta.run") == [(2,)]
    assert rows(
        project, "SELECT count(*) FROM meta.lineage_column WHERE table_name = 'core.b'"
    ) == [(2,)]


def test_an_unchanged_project_does_nothing(tmp_path: Path, project: Project) -> None:
    graph = graph_of(tmp_path, MODELS)
    run_project(project, graph=graph)
    before = digest(project.published)
    assert plan_project(project, graph=graph).plan.is_empty
    assert run_project(project, graph=graph).is_unchanged
    assert digest(project.published) == before


def test_a_removed_model_and_a_changed_comment_are_published(
    tmp_path: Path, project: Project
) -> None:
    run_project(project, graph=graph_of(tmp_path, MODELS))
    fewer = {
        "staging.a": "SELECT range AS id -- a whole number\nFROM range(5)",
        "core.b": MODELS["core.b"],
    }
    report = run_project(project, graph=graph_of(tmp_path, fewer))
    assert report.built == ()
    assert rows(project, "SELECT name FROM meta.model ORDER BY name") == [
        ("core.b",),
        ("staging.a",),
    ]
    assert rows(project, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'c'") == [(0,)]
    comment = rows(project, "SELECT comment FROM duckdb_columns() WHERE table_name = 'a'")
    assert comment == [("a whole number",)]
    assert plan_project(project, graph=graph_of(tmp_path, fewer)).plan.is_empty


def test_an_open_reader_keeps_the_old_state(tmp_path: Path, project: Project) -> None:
    run_project(project, graph=graph_of(tmp_path, MODELS))
    with project.published.open("rb") as reader:
        changed = {**MODELS, "mart.c": "SELECT 7 AS id -- seven\n"}
        before = digest(project.published)
        run_project(project, graph=graph_of(tmp_path, changed))
        assert hashlib.sha256(reader.read()).hexdigest() == before
    assert digest(project.published) != before


def test_a_second_writer_is_refused(tmp_path: Path, project: Project) -> None:
    project.state.mkdir()
    with (project.state / "lock").open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write("4711")
        handle.flush()
        with pytest.raises(LesionsError, match="process 4711"):
            run_project(project, graph=graph_of(tmp_path, MODELS))


def test_leftovers_of_a_killed_run_do_not_matter(tmp_path: Path, project: Project) -> None:
    project.state.mkdir()
    project.work.write_bytes(b"half a file")
    project.work.with_name("work.duckdb.wal").write_bytes(b"half a log")
    run_project(project, graph=graph_of(tmp_path, MODELS))
    assert rows(project, "SELECT id FROM mart.c") == [(20,)]
    assert not project.work.with_name("work.duckdb.wal").exists()


def test_a_foreign_file_in_the_place_of_the_warehouse_is_not_overwritten(
    tmp_path: Path, project: Project
) -> None:
    with duckdb.connect(str(project.published)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS x")
    before = digest(project.published)
    with pytest.raises(LesionsError, match="was not made by lesions"):
        run_project(project, graph=graph_of(tmp_path, MODELS))
    assert digest(project.published) == before


def test_the_project_is_found_from_below(project: Project) -> None:
    below = project.studies / "a"
    below.mkdir()
    assert open_project(below).root == project.root


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="lesions init"):
        open_project(tmp_path)


def test_a_project_is_not_made_twice(project: Project) -> None:
    with pytest.raises(LesionsError, match="already holds a project"):
        create_project(project.root)


def test_a_view_is_built_described_followed_and_dropped_like_a_table(
    tmp_path: Path, project: Project
) -> None:
    run_project(project, graph=graph_of(tmp_path, TAGGED_VIEW))
    assert rows(project, "SELECT id FROM mart.v ORDER BY id") == [(i + 1,) for i in range(5)]
    assert rows(project, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal") == [
        ("v", "Table v.\nGrain: one row per id")
    ]
    assert rows(project, "SELECT comment FROM duckdb_columns() WHERE table_name = 'v'") == [
        ("one more",)
    ]
    assert rows(project, "SELECT rows FROM meta.model WHERE name = 'mart.v'") == [(5,)]
    more = {**TAGGED_VIEW, "staging.a": "SELECT range AS id -- a number\nFROM range(7)"}
    again = run_project(project, graph=graph_of(tmp_path, more))
    assert "mart.v" in {node.name for node in again.built}
    assert rows(project, "SELECT count(*) FROM mart.v") == [(7,)]
    assert run_project(project, graph=graph_of(tmp_path, more)).is_unchanged
    without = {name: body for name, body in more.items() if name != "mart.v"}
    (tmp_path / "mart" / "v.sql").unlink()
    run_project(project, graph=graph_of(tmp_path, {**without, "mart.d": "SELECT 1 AS id -- x"}))
    assert rows(project, "SELECT count(*) FROM duckdb_views() WHERE NOT internal") == [(0,)]


def test_a_table_becomes_a_view_when_it_is_tagged(tmp_path: Path, project: Project) -> None:
    run_project(project, graph=graph_of(tmp_path, TAGGED_VIEW))
    path = tmp_path / "mart" / "v.sql"
    path.write_text(path.read_text().replace("Tags: view\n", ""))
    graph = graph_of(tmp_path, MODELS)
    plain = read_model(path, frozenset(), frozenset())
    models = [node.model for node in graph.nodes.values() if node.model is not None]
    untagged = make_graph(
        sources=[], seeds=[], models=[*models, plain], steps=[], macros={}, sql_folder=tmp_path
    )
    built = run_project(project, graph=untagged).built
    assert [node.name for node in built] == ["mart.v"]
    assert rows(project, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'v'") == [(1,)]


OLDER = {**MODELS, "core.b": "SELECT id -- the same\nFROM staging.a"}
OLDER["mart.c"] = "SELECT max(id) AS id -- the largest\nFROM core.b"
NEWER = {**MODELS, "staging.d": "SELECT 1 AS id -- one"}


def test_a_selection_beside_tables_of_other_columns_leaves_them_as_they_are(
    tmp_path: Path, project: Project
) -> None:
    run_project(project, graph=graph_of(tmp_path / "older", OLDER))
    newer = graph_of(tmp_path / "newer", NEWER)
    report = run_project(project, graph=newer, selectors=["staging.d"])
    assert [node.name for node in report.built] == ["staging.d"]
    assert rows(project, "SELECT * FROM core.b ORDER BY id") == [(id,) for id in range(5)]
    run_project(project, graph=newer)
    assert rows(project, "SELECT id, twice FROM core.b WHERE id = 4") == [(4, 8)]
    assert rows(
        project, "SELECT comment FROM duckdb_columns() WHERE column_name = 'twice'"
    ) == [("twice it",)]  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE meta.lineage_influence",
        "ALTER TABLE meta.run DROP COLUMN seed",
        "ALTER TABLE meta.setting ADD COLUMN more VARCHAR",
    ],
)
def test_a_selection_does_not_take_the_place_of_an_older_version_s_warehouse(
    tmp_path: Path, project: Project, statement: str
) -> None:
    models = graph_of(tmp_path, MODELS)
    run_project(project, graph=models)
    project.published.chmod(0o644)
    with duckdb.connect(str(project.published)) as connection:
        connection.execute(statement)
    before = digest(project.published)
    for act in (plan_project, run_project):
        with pytest.raises(LesionsError, match="without a selection first"):
            act(project, graph=models, selectors=["staging.a"])
    assert digest(project.published) == before
    assert len(run_project(project, graph=models).built) == len(MODELS)
