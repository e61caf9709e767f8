"""The flows as Prefect runs them, with a server: runs, retries and artifacts."""

from __future__ import annotations

import errno
import json
from typing import Any

import duckdb
import pytest

import flows.build as build_module
import flows.ingest as ingest_module
from flows.build import build
from flows.ingest import ingest
from flows.nightly import nightly
from warehouse.errors import LesionsError
from warehouse.project import Project
from warehouse.studies import LoadReport

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def artifact(key: str) -> Any:
    """The newest artifact of that key; tables as lists of rows."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
    from prefect.client.schemas.sorting import ArtifactSort

    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    assert found, f"no artifact {key}"
    newest = found[0]
    return json.loads(newest.data) if newest.type == "table" else newest.data


def test_ingest_reads_each_study_once_and_tries_a_failing_share_again(
    simulated: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real = ingest_module.load_study

    def load(folder: Any, *given: Any, **named: Any) -> LoadReport:
        calls.append(folder.name)
        if calls.count("MCRC02") == 1 and folder.name == "MCRC02":
            raise LesionsError("dm.csv cannot be read") from OSError(errno.EIO, "I/O error")
        return real(folder, *given, **named)

    monkeypatch.setattr(ingest_module, "load_study", load)
    monkeypatch.setattr(
        ingest_module, "read", ingest_module.read.with_options(retry_delay_seconds=0)
    )
    reports = ingest(simulated.root)
    names = sorted(folder.name for folder in simulated.studies.iterdir())
    assert [report.study_id for report in reports] == names
    assert {name: calls.count(name) for name in names} == {
        name: 2 if name == "MCRC02" else 1 for name in names
    }
    rows = artifact("studies-read")
    assert [row["study"] for row in rows] == names
    assert all(row["records"] == row["loaded"] + row["quarantined"] > 0 for row in rows)
    assert {row["state"] for row in rows} == {"read"}


def test_ingest_reads_the_other_studies_and_does_not_try_bad_input_again(
    simulated: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real = ingest_module.load_study

    def load(folder: Any, *given: Any, **named: Any) -> LoadReport:
        calls.append(folder.name)
        if folder.name == "MCRC01":
            raise LesionsError("MCRC01/tr.csv, row 3: 12,5 is not a number.")
        return real(folder, *given, **named)

    monkeypatch.setattr(ingest_module, "load_study", load)
    with pytest.raises(LesionsError, match=r"MCRC01/tr\.csv, row 3"):
        ingest(simulated.root)
    assert sorted(calls) == sorted(folder.name for folder in simulated.studies.iterdir())


def test_build_publishes_and_leaves_its_tables_and_summary(simulated: Project) -> None:
    report = build(simulated.root)
    rows = artifact("warehouse-built")
    with duckdb.connect(str(simulated.published), read_only=True) as connection:
        wanted = dict(connection.execute("SELECT name, rows FROM meta.model").fetchall())
        failed = connection.execute(
            "SELECT count(*) FROM quality.check_result WHERE NOT success"
        ).fetchall()[0][0]
    assert {row["table"]: row["rows"] for row in rows} == wanted
    assert {row["reason"] for row in rows} == {"new"}
    if failed:
        assert len(artifact("warehouse-failed-checks")) == failed
    summary = artifact("warehouse-summary")
    assert report.run_id in summary
    assert simulated.published.as_uri() in summary
    assert artifact("warehouse-progress") == 100.0


def test_nightly_says_in_a_line_that_all_is_up_to_date(
    simulated: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    build(simulated.root)
    capfd.readouterr()
    assert nightly(simulated.root).is_unchanged
    output = capfd.readouterr()
    assert output.out.rstrip().endswith(f"{simulated.published} is up to date")
    assert output.err == ""


def test_nightly_of_bad_input_fails_in_a_line_and_leaves_the_published_file(
    simulated: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    build(simulated.root)
    before = simulated.published.read_bytes()
    file = simulated.studies / "MCRC03" / "study.yml"
    text = file.read_text()
    file.write_text(text.replace("study_id:", "studyid:"))
    try:
        capfd.readouterr()
        with pytest.raises(LesionsError, match="study_id"):
            nightly(simulated.root)
    finally:
        file.write_text(text)
    output = capfd.readouterr()
    assert "failed: " in output.out
    assert "Traceback" not in output.out + output.err
    assert simulated.published.read_bytes() == before


def test_build_that_a_check_stops_leaves_the_failed_checks(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine keeps what it had built, with the results of the checks, and raises."""

    def stopped(project: Project, **named: Any) -> None:
        project.state.mkdir(exist_ok=True)
        with duckdb.connect(str(project.failed)) as connection:
            connection.execute("CREATE SCHEMA quality")
            connection.execute(
                "CREATE TABLE quality.check_result AS SELECT 'core.lesion' AS table_name, "
                "'organ_known' AS check_id, 'critical' AS severity, 'organ is known' AS "
                "description, 7 AS unexpected_count, 'moon' AS observed, 'map it' AS remedy, "
                "false AS success"
            )
        raise LesionsError("1 critical check failed.")

    monkeypatch.setattr(build_module, "run_project", stopped)
    with pytest.raises(LesionsError, match="1 critical check failed"):
        build(project.root)
    rows = artifact("warehouse-failed-checks")
    assert [(row["table"], row["check"], row["failing"]) for row in rows] == [
        ("core.lesion", "organ_known", 7)
    ]
    assert "Nothing was published. 1 critical check failed." in artifact("warehouse-summary")
