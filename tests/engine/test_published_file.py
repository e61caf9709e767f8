"""What other programs do to the published file is neither carried on nor in the way."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from engine.test_run import MODELS, TAGGED_VIEW, graph_of, rows

from warehouse.database import log_of, open_published
from warehouse.display import Display
from warehouse.errors import LesionsError
from warehouse.graph import Graph
from warehouse.models import Macro
from warehouse.project import Project, create_project, open_project
from warehouse.published import altered_tables
from warehouse.run import plan_project, run_project

CHANGED = {**MODELS, "mart.c": "SELECT max(twice) AS id -- the largest\nFROM core.b"}
WRITER = """
import duckdb, os, sys
c = duckdb.connect(sys.argv[1])
c.execute(sys.argv[2])
print("written", flush=True)
if sys.argv[3] == "die":
    os._exit(0)
sys.stdin.read()
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = create_project(tmp_path / "project")
    run_project(project, graph=graph_of(tmp_path, TAGGED_VIEW))
    return project


def alter(project: Project, *statements: str) -> None:
    """What a user with the DuckDB shell does; root may write a read-only file."""
    project.published.chmod(0o644)
    with duckdb.connect(str(project.published)) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def writer(project: Project, sql: str, end: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another program that has the published file open for writing."""
    project.published.chmod(0o644)
    command = [sys.executable, "-c", WRITER, str(project.published), sql, end]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()  # type: ignore[union-attr]


def compared(project: Project) -> dict[str, str]:
    with open_published(project.published) as connection:
        return altered_tables(connection)


@pytest.mark.parametrize("models", [TAGGED_VIEW, {**CHANGED, "mart.v": TAGGED_VIEW["mart.v"]}])
def test_a_log_that_a_dead_program_left_is_set_aside(tmp_path, project, capsys, models):
    with writer(project, "INSERT INTO core.b VALUES (99, 99)", "die") as process:
        process.wait()
    assert log_of(project.published).exists()
    with pytest.raises(LesionsError, match=r"left warehouse.duckdb.wal.*sets that log aside"):
        compared(project)
    run_project(project, graph=graph_of(tmp_path, models), display=Display())
    assert "The log is set aside in" in " ".join(capsys.readouterr().err.split())
    assert not log_of(project.published).exists()
    assert rows(project, "SELECT count(*) FROM core.b WHERE id = 99") == [(0,)]
    assert compared(project) == {}


def test_a_log_written_while_a_run_publishes_is_set_aside(tmp_path, project):
    with writer(project, "INSERT INTO core.b VALUES (99, 99)", "wait") as process:
        run_project(project, graph=graph_of(tmp_path, CHANGED))
        assert process.poll() is None
    assert rows(project, "SELECT id FROM mart.c") == [(8,)]
    assert rows(project, "SELECT count(*) FROM core.b WHERE id = 99") == [(0,)]
    assert not log_of(project.published).exists()


def test_a_run_goes_on_while_another_program_writes_the_file(tmp_path, project, capsys):
    with writer(project, "CREATE TEMP TABLE t AS SELECT 1", "wait") as process:
        with pytest.raises(LesionsError, match=rf"held for writing.*PID {process.pid}.*Close it"):
            compared(project)
        report = run_project(project, graph=graph_of(tmp_path, CHANGED), display=Display())
    assert f"PID {process.pid}" in " ".join(capsys.readouterr().err.split())
    # What stands in the file was read from a copy: only what changed is built.
    assert {node.name for node in report.built} == {"mart.c"}
    assert rows(project, "SELECT id FROM mart.c") == [(8,)]
    assert not list(project.state.glob("published_copy*"))


@pytest.mark.parametrize(
    "sql", ["CREATE TEMP TABLE t AS SELECT 1", "INSERT INTO core.b VALUES (9, 9)"]
)
@pytest.mark.parametrize("models", [TAGGED_VIEW, {**CHANGED, "mart.v": TAGGED_VIEW["mart.v"]}])
def test_what_a_program_at_work_holds_is_named_and_can_be_read_after_a_run(
    tmp_path, project, capsys, sql, models
):
    graph = graph_of(tmp_path, models)
    with writer(project, sql, "wait") as process:
        assert log_of(project.published).exists() == sql.startswith("INSERT")
        with pytest.raises(LesionsError, match=rf"held for writing.*PID {process.pid}.*Close it"):
            compared(project)
        plan_project(project, graph=graph)
        run_project(project, graph=graph, display=Display())
        said = " ".join(capsys.readouterr().err.split())
        assert process.poll() is None
        assert f"PID {process.pid}" in said
        assert "Another program opened" not in said
        # Others read while that program still has the former file open.
        assert compared(project) == {}
        assert rows(project, "SELECT count(*) FROM core.b WHERE id = 9") == [(0,)]
    assert run_project(project, graph=graph).is_unchanged
    assert compared(project) == {}
    assert not list(project.state.glob("published_copy*"))


def test_what_a_program_at_work_wrote_down_is_built_anew(tmp_path, project, capsys):
    """Its changes stand in the file itself, checkpointed, and a log lies beside it."""
    sql = "DELETE FROM core.b WHERE id < 3; CHECKPOINT; INSERT INTO core.b VALUES (9, 9)"
    with writer(project, sql, "wait") as process:
        report = run_project(project, graph=graph_of(tmp_path, TAGGED_VIEW), display=Display())
        assert {node.name for node in report.built} == {"core.b"}
        assert f"PID {process.pid}" in " ".join(capsys.readouterr().err.split())
    assert rows(project, "SELECT count(*) FROM core.b") == [(5,)]
    assert compared(project) == {}


ALTERED = {
    "a value": ("UPDATE core.b SET twice = 7 WHERE id = 1", {"core.b"}),
    "a row twice": ("INSERT INTO core.b SELECT * FROM core.b WHERE id < 2", {"core.b"}),
    "two rows of one table": ("DELETE FROM staging.a WHERE id > 2", {"staging.a"}),
    "a type": ("ALTER TABLE core.b ALTER id TYPE INTEGER", {"core.b"}),
    "a table gone": ("DROP TABLE core.b CASCADE", {"core.b"}),
    "a view": ("CREATE OR REPLACE VIEW mart.v AS SELECT 3::BIGINT AS id", {"mart.v"}),
}


@pytest.mark.parametrize("case", ALTERED)
def test_what_was_altered_is_built_anew_and_named(tmp_path, project, capsys, case):
    statement, tables = ALTERED[case]
    sound = {
        table: rows(project, f"FROM {table} ORDER BY ALL")
        for table in ("staging.a", "core.b", "mart.c", "mart.v")
    }
    alter(project, statement)
    assert tables <= set(compared(project))
    models = graph_of(tmp_path, TAGGED_VIEW)
    reasons = plan_project(project, graph=models).plan.reasons
    assert set(reasons) == tables
    report = run_project(project, graph=models, display=Display())
    assert {node.name for node in report.built} == tables
    assert "since it was published" in " ".join(capsys.readouterr().err.split())
    for table, before in sound.items():
        assert rows(project, f"FROM {table} ORDER BY ALL") == before
    assert compared(project) == {}


def test_an_alteration_that_kept_size_and_time_is_found_before_it_is_carried(tmp_path, project):
    state = project.published.stat()
    alter(project, "UPDATE core.b SET twice = 7 WHERE id = 1")
    os.truncate(project.published, max(state.st_size, project.published.stat().st_size))
    os.utime(project.published, ns=(state.st_atime_ns, state.st_mtime_ns))
    report = run_project(project, graph=graph_of(tmp_path, CHANGED))
    assert "core.b" in {node.name for node in report.built}
    assert rows(project, "SELECT id, twice FROM core.b WHERE id = 1") == [(1, 2)]


def with_macro(graph: Graph) -> Graph:
    # Opened again, DuckDB prints 1e-9 as 1e-09.
    text = "CREATE OR REPLACE MACRO doubled(x) AS 2 * x + 0 * 1e-9"
    return dataclasses.replace(graph, macros={"doubled": Macro("doubled", text, ())})


def test_what_no_model_makes_is_dropped(tmp_path, project):
    models = with_macro(graph_of(tmp_path, TAGGED_VIEW))
    run_project(project, graph=models, force=True)
    alter(
        project,
        "CREATE TABLE mart.mine AS SELECT 1 AS x",
        "CREATE VIEW core.seen AS SELECT 2 AS x",
        "CREATE SCHEMA other",
        "CREATE TABLE other.more AS SELECT 3 AS x",
        "CREATE SEQUENCE core.numbers",
        "CREATE TYPE mart.mood AS ENUM ('a')",
        "CREATE INDEX at_id ON core.b (id)",
        "CREATE MACRO core.once(x) AS x",
        "CREATE MACRO mart.rows(x) AS TABLE SELECT x",
        "CREATE MACRO other.twice(x) AS 2 * x",
        "CREATE MACRO thrice(x) AS 3 * x, (x, y) AS x * y",
        "CREATE VIEW main.v AS SELECT core.once(1) AS x",
        "CREATE TYPE hue AS ENUM ('b')",
        "CREATE TABLE main.t AS SELECT 'b'::hue AS x",
    )
    assert plan_project(project, graph=models).plan.removed == (
        *("core.seen", "index core.at_id", "macro core.once", "macro main.thrice"),
        *("macro mart.rows", "macro other.twice", "main.t", "main.v", "mart.mine", "other.more"),
        *("schema other", "sequence core.numbers", "type main.hue", "type mart.mood"),
    )
    run_project(project, graph=models)
    assert compared(project) == {}
    for listing in ("duckdb_sequences()", "duckdb_indexes()"):
        assert rows(project, f"SELECT count(*) FROM {listing}") == [(0,)]
    assert rows(
        project,
        "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal UNION ALL "
        "SELECT type_name FROM duckdb_types() WHERE NOT internal UNION ALL "
        "SELECT function_name FROM duckdb_functions() WHERE NOT internal "
        "EXCEPT SELECT schema_name FROM duckdb_schemas() WHERE schema_name IN "
        "('raw', 'staging', 'core', 'analysis', 'mart', 'quality', 'meta', 'adam')",
    ) == [("doubled",)]
    assert run_project(project, graph=models).is_unchanged


def test_a_macro_of_ours_that_was_altered_or_dropped_is_named_and_restored(tmp_path, project):
    graph = with_macro(graph_of(tmp_path, TAGGED_VIEW))
    run_project(project, graph=graph, force=True)
    assert compared(project) == {}
    for statement, what in (
        ("CREATE OR REPLACE MACRO doubled(x) AS 3 * x", "altered since it was published"),
        ("DROP MACRO doubled", "removed since it was published"),
    ):
        alter(project, statement)
        assert compared(project) == {"macro main.doubled": what}
        assert plan_project(project, graph=graph).plan.restored == ("macro main.doubled",)
        assert not run_project(project, graph=graph).built
        assert rows(project, "SELECT doubled(2)") == [(4,)]
        assert compared(project) == {}


def test_altered_records_of_the_engine_build_all_anew(tmp_path, project):
    alter(project, "UPDATE meta.model SET fingerprint_parts = replace(fingerprint_parts, 'a', 'b')")
    report = run_project(project, graph=graph_of(tmp_path, TAGGED_VIEW))
    assert {node.name for node in report.built} == set(TAGGED_VIEW)
    assert compared(project) == {}


def test_a_damaged_file_is_built_anew_where_it_opens_and_named_where_not(tmp_path, project):
    content = project.published.read_bytes()
    project.published.chmod(0o644)
    project.published.write_bytes(b"x" * len(content))
    with pytest.raises(LesionsError, match="Where the file is damaged, move it away"):
        run_project(project, graph=graph_of(tmp_path, TAGGED_VIEW))


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_permissions_are_those_of_the_file_before_without_writing(tmp_path, project):
    assert mode(project.published) == "0o444"
    project.published.chmod(0o600)
    run_project(project, graph=graph_of(tmp_path, CHANGED))
    assert mode(project.published) == "0o400"
    (project.root / "lesions.toml").write_text('[run]\npublished_mode = "0640"\n')
    run_project(open_project(project.root), graph=graph_of(tmp_path, MODELS))
    assert mode(project.published) == "0o640"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(tmp_path, project):
    os.chown(project.published, 12345, 12346)
    run_project(project, graph=graph_of(tmp_path, CHANGED))
    state = project.published.stat()
    assert (state.st_uid, state.st_gid) == (12345, 12346)


def test_a_symbolic_link_stays_and_leads_to_the_new_file(tmp_path, project):
    elsewhere = tmp_path / "share"
    elsewhere.mkdir()
    project.published.rename(elsewhere / "w.duckdb")
    project.published.symlink_to(elsewhere / "w.duckdb")
    run_project(project, graph=graph_of(tmp_path, CHANGED))
    assert project.published.is_symlink()
    assert rows(project, "SELECT id FROM mart.c") == [(8,)]
    assert [path.name for path in elsewhere.iterdir()] == ["w.duckdb"]
    assert run_project(project, graph=graph_of(tmp_path, CHANGED)).is_unchanged


def test_logs_beside_a_link_and_beside_its_target_are_set_aside(tmp_path, project, capsys):
    target = tmp_path / "share" / "w.duckdb"
    target.parent.mkdir()
    project.published.rename(target)
    project.published.symlink_to(Path("..") / "share" / "w.duckdb")
    logs = [log_of(project.published), log_of(target)]
    for log in logs:
        log.write_bytes(b"of another file")
        with pytest.raises(LesionsError, match=rf"left {log.name}.*sets that log aside"):
            compared(project)
        run_project(project, graph=graph_of(tmp_path, TAGGED_VIEW), display=Display())
        assert not log.exists()
        assert (project.state / f"set_aside_{log.name}").read_bytes() == b"of another file"
        assert compared(project) == {}
    with writer(project, "INSERT INTO core.b VALUES (99, 99)", "die") as process:
        process.wait()
    run_project(project, graph=graph_of(tmp_path, CHANGED))
    assert not any(log.exists() for log in logs)
    assert rows(project, "SELECT count(*) FROM core.b WHERE id = 99") == [(0,)]
    assert rows(project, "SELECT id FROM mart.c") == [(8,)]


def test_a_failure_after_the_file_is_replaced_says_so(tmp_path, project):
    project.check_page.unlink()
    project.check_page.mkdir()
    with pytest.raises(LesionsError, match="The published warehouse is the new one"):
        run_project(project, graph=graph_of(tmp_path, CHANGED))
    assert rows(project, "SELECT id FROM mart.c") == [(8,)]


def test_what_a_failed_run_kept_goes_with_the_next_that_publishes(tmp_path, project):
    project.failed.write_bytes(b"of a failed run")
    run_project(project, graph=graph_of(tmp_path, CHANGED))
    assert not project.failed.exists()


def test_a_file_of_an_older_version_is_not_read_but_built_anew(tmp_path, project, capsys):
    from warehouse.doctor import examine
    from warehouse.recheck import check_published
    from warehouse.report.make import make_report
    from warehouse.views import print_lineage

    alter(project, "DROP TABLE meta.digest")
    with pytest.raises(LesionsError, match=r"published by an older version.*builds it anew"):
        check_published(project, Display(quiet=True))
    for read in (make_report, lambda one: print_lineage(one, "core.measurement.volume_mm3")):
        with pytest.raises(LesionsError, match=r"published by an older version.*builds it anew"):
            read(project)
    assert not examine(project.root)
    assert "published by an older version" in " ".join(capsys.readouterr().out.split())
    report = run_project(project, graph=graph_of(tmp_path, TAGGED_VIEW))
    assert {node.name for node in report.built} == set(TAGGED_VIEW)
