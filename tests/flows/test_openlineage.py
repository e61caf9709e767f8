"""OpenLineage events of a hand-made warehouse, to a file and to a server on this machine."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from loopback import webhook

from flows import openlineage_events
from flows.openlineage_events import emit_failure, emit_runs, refuse_without_library
from warehouse.errors import LesionsError
from warehouse.project import Project

pytest.importorskip("openlineage.client", reason="the extra openlineage is not installed")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def to(project: Project, target: str) -> Project:
    return Project(project.root, {**project.values, "openlineage.to": target})


def publish(project: Project, *runs: str) -> None:
    """raw.tr from a file -> core.lesion (SQL), which each run built anew; one check on it."""
    project.state.mkdir(exist_ok=True)
    project.published.unlink(missing_ok=True)
    with duckdb.connect(str(project.published)) as connection:
        connection.execute("""
            CREATE SCHEMA meta; CREATE SCHEMA raw; CREATE SCHEMA core; CREATE SCHEMA quality;
            CREATE TABLE raw.tr AS SELECT '12' AS trstresn;
            CREATE TABLE core.lesion AS SELECT 12.0 AS size_mm;
            COMMENT ON COLUMN core.lesion.size_mm IS 'its size';
            CREATE TABLE quality.load_audit AS
                SELECT 'prime' AS study_id, 'tr.csv' AS source_file, 'tr' AS domain;
            CREATE TABLE quality.check_result AS SELECT 'core.lesion' AS table_name,
                'size_is_positive' AS check_id, 'size_mm' AS column_name, 'critical' AS severity,
                true AS success, 'a size is above 0' AS description;
            CREATE TABLE meta.lineage_table AS
                SELECT 'core.lesion' AS table_name, 'raw.tr' AS from_table;
            CREATE TABLE meta.lineage_column AS SELECT 'core.lesion' AS table_name,
                'size_mm' AS column_name, 'raw.tr' AS from_table, 'trstresn' AS from_column;
            CREATE TABLE meta.run (run_id VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP);
            CREATE TABLE meta.model (node VARCHAR, name VARCHAR, kind VARCHAR, rows BIGINT,
                built_at TIMESTAMP, seconds DOUBLE, run_id VARCHAR);
        """)
        for hour, run in enumerate(runs):
            connection.execute(
                "INSERT INTO meta.run VALUES (?, make_timestamp(2026, 1, 1, ?, 0, 0.0), "
                "make_timestamp(2026, 1, 1, ?, 1, 0.0))",
                [run, hour, hour],
            )
        at = datetime(2026, 1, 1, len(runs) - 1, 0, 30)
        connection.executemany(
            "INSERT INTO meta.model VALUES (?, ?, ?, 1, ?, 2.0, ?)",
            [["raw.tr", "raw.tr", "source", at, runs[0]],
             ["core.lesion", "core.lesion", "sql", at, runs[-1]]],
        )  # fmt: skip


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_events_of_a_run_name_files_tables_columns_rows_and_checks(project: Project) -> None:
    publish(project, "r1")
    assert emit_runs(to(project, "lineage/events.jsonl")) == []
    events = lines(project.root / "lineage/events.jsonl")
    assert [(e["eventType"], e["job"]["name"]) for e in events] == [
        ("START", "trials"),
        ("START", "trials.core.lesion"),
        ("COMPLETE", "trials.core.lesion"),
        ("START", "trials.raw.tr"),
        ("COMPLETE", "trials.raw.tr"),
        ("COMPLETE", "trials"),
    ]
    assert {e["eventTime"] for e in events} == {
        "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:28+00:00",
        "2026-01-01T00:00:30+00:00", "2026-01-01T00:01:00+00:00",
    }  # fmt: skip
    built = next(e for e in events if e["eventType"] == "COMPLETE" and e["outputs"])
    (source,), (table,) = built["inputs"], built["outputs"]
    assert (source["namespace"], source["name"]) == ("lesions", "raw.tr")
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert table["facets"]["schema"]["fields"] == [
        {"name": "size_mm", "type": "DECIMAL(3,1)", "description": "its size", "fields": []}
    ]
    (field,) = table["facets"]["columnLineage"]["fields"]["size_mm"]["inputFields"]
    assert (field["name"], field["field"]) == ("raw.tr", "trstresn")
    (check,) = table["facets"]["dataQualityAssertions"]["assertions"]
    assert (check["assertion"], check["success"], check["severity"]) == (
        "size_is_positive", True, "error",
    )  # fmt: skip
    loaded = next(e for e in events if e["eventType"] == "COMPLETE" and "raw" in e["job"]["name"])
    assert [(i["namespace"], i["name"]) for i in loaded["inputs"]] == [("file", "prime/tr.csv")]
    whole = {e["run"]["runId"] for e in events if e["job"]["name"] == "trials"}
    assert len(whole) == 1
    parents = {e["run"]["facets"]["parent"]["run"]["runId"] for e in events[1:-1]}
    assert parents == whole


def test_each_run_is_told_once_and_the_same_run_has_the_same_ids(project: Project) -> None:
    publish(project, "r1")
    told = to(project, "events.jsonl")
    emit_runs(told)
    first = lines(project.root / "events.jsonl")
    emit_runs(told)
    assert lines(project.root / "events.jsonl") == first
    publish(project, "r1", "r2")
    emit_runs(told)
    new = lines(project.root / "events.jsonl")[len(first) :]
    assert Counter(e["job"]["name"] for e in new) == {"trials": 2, "trials.core.lesion": 2}
    (project.state / openlineage_events.NOTE).unlink()
    (project.root / "events.jsonl").unlink()
    publish(project, "r1")
    emit_runs(told)
    again = lines(project.root / "events.jsonl")
    assert [e["run"]["runId"] for e in again] == [e["run"]["runId"] for e in first]


def test_a_server_gets_them_with_the_key_and_one_that_was_down_after_the_next_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(openlineage_events.KEY, "s3cret")
    publish(project, "r1")
    with webhook(status=503) as inbox:
        (problem,) = emit_runs(to(project, inbox.url))
    assert "not written" in problem
    assert "s3cret" not in problem
    publish(project, "r1", "r2")
    with webhook() as inbox:
        assert emit_runs(to(project, inbox.url)) == []
    assert len(inbox.posts) == 4 + 4
    assert inbox.headers[0]["Authorization"] == "Bearer s3cret"


def test_a_server_that_is_not_there_is_said_without_its_address(project: Project) -> None:
    publish(project, "r1")
    (problem,) = emit_runs(to(project, "http://127.0.0.1:9/s3cret"))
    assert "cannot be reached" in problem
    assert "s3cret" not in problem
    assert emit_runs(to(project, "ftp://x/y"))[0].endswith("begins with http:// or https://.")
    (project.root / "a folder").mkdir()
    assert "not written" in emit_runs(to(project, "a folder"))[0]


def test_a_failed_run_is_an_event(project: Project) -> None:
    project.state.mkdir()
    began = datetime(2026, 1, 1, tzinfo=UTC)
    assert emit_failure(to(project, "events.jsonl"), began, "a critical check failed") == []
    start, fail = lines(project.root / "events.jsonl")
    assert (start["eventType"], fail["eventType"]) == ("START", "FAIL")
    assert start["run"]["runId"] == fail["run"]["runId"]
    assert fail["run"]["facets"]["errorMessage"]["message"] == "a critical check failed"


def test_a_schedule_without_the_library_is_refused_by_the_extras_name(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openlineage_events.importlib.util, "find_spec", lambda name: None)
    refuse_without_library(project)
    with pytest.raises(LesionsError, match=r"lesion-warehouse\[openlineage\]"):
        refuse_without_library(to(project, "x.jsonl"))
