"""The flow ``build`` as a plain function, and the tables and texts that it leaves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

import flows.build as build_module
from flows.build import FlowDisplay, build, built_rows, check_rows, kept_checks, one_line
from flows.ingest import study_rows
from flows.nightly import tell
from warehouse.build import BuiltNode
from warehouse.checks import CheckResult, write_check_results
from warehouse.errors import LesionsError
from warehouse.project import Project
from warehouse.run import RunReport
from warehouse.studies import FileReport, LoadReport


def check(severity: str, success: bool, table: str = "core.lesion") -> CheckResult:
    return CheckResult(
        run_id="r1",
        run_at=datetime(2026, 11, 20),
        table_name=table,
        check_id=f"is_{severity}",
        expectation="expect_something",
        column_name="organ",
        severity=severity,
        success=success,
        element_count=10,
        unexpected_count=0 if success else 2,
        unexpected_percent=0.0 if success else 20.0,
        observed=None,
        unexpected_keys=None,
        kwargs="{}",
        error=None,
        description="organ is known",
        remedy="map it",
    )


REPORT = RunReport(
    run_id="r1",
    built=(
        BuiltNode("core.lesion", {"core.lesion": 12}, 0.126),
        BuiltNode("gower", {"analysis.gower_pair": 5, "analysis.gower_lesion": 3}, 1.5),
    ),
    checks=(check("warning", False), check("critical", True), check("info", False, "core.organ")),
    seconds=2.345,
)
UNCHANGED = RunReport(run_id="", built=(), checks=(), seconds=0.5)


def test_what_was_built_has_one_row_per_table_with_rows_seconds_and_reason() -> None:
    assert built_rows(REPORT, {"core.lesion": "new", "gower": "code changed"}) == [
        {
            "table": "core.lesion",
            "model": "core.lesion",
            "rows": 12,
            "seconds": 0.13,
            "reason": "new",
        },
        {
            "table": "analysis.gower_pair",
            "model": "gower",
            "rows": 5,
            "seconds": 1.5,
            "reason": "code changed",
        },
        {
            "table": "analysis.gower_lesion",
            "model": "gower",
            "rows": 3,
            "seconds": 1.5,
            "reason": "code changed",
        },
    ]


def test_failed_checks_are_those_that_failed_worst_first() -> None:
    rows = check_rows(REPORT)
    assert [(row["table"], row["severity"]) for row in rows] == [
        ("core.lesion", "warning"),
        ("core.organ", "info"),
    ]
    assert rows[0]["failing"] == 2
    assert rows[0]["remedy"] == "map it"


def test_failed_checks_of_a_stopped_run_come_from_the_file_it_is_kept_in(project: Project) -> None:
    project.state.mkdir()
    with duckdb.connect(str(project.failed)) as connection:
        write_check_results(connection.cursor(), [check("critical", False), check("info", True)])
    rows = kept_checks(project)
    assert [list(rows[0]), rows[0]["check"]] == [list(check_rows(REPORT)[0]), "is_critical"]
    assert len(rows) == 1


def test_a_run_in_one_line(project: Project) -> None:
    assert one_line(project, REPORT) == (
        f"published {project.published}: 2 models built, 3 checks made, 2 failed with a warning, "
        "2.3 s"
    )
    assert one_line(project, UNCHANGED) == f"{project.published} is up to date"


def test_summary_links_to_the_published_file_and_the_page_of_checks(project: Project) -> None:
    text = build_module.summary_text(project, REPORT)
    assert f"]({project.published.as_uri()})" in text
    assert "checks.html" not in text
    project.state.mkdir()
    project.check_page.touch()
    text = build_module.summary_text(project, REPORT)
    assert f"]({project.check_page.as_uri()})" in text
    assert "`r1`" in text


def test_display_moves_the_bar_by_the_models_built_and_prints_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown: list[float] = []
    bar: Any = SimpleNamespace(show=lambda percent, text: shown.append(percent))
    display = FlowDisplay(planned=8, bar=bar)
    with display.stage("core", 2, "models built"):
        pass
    with display.stage("check core", 2, "tables"):
        pass
    with display.stage("mart", 6, "models built"):
        pass
    display.say("done")
    assert shown == [25.0, 100.0]
    assert capsys.readouterr() == ("", "")


def test_plain_call_hands_everything_to_the_engine(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Path, tuple[str, ...], bool]] = []

    def run(project: Project, *, selectors: Any, force: bool, display: Any) -> RunReport:
        calls.append((project.root, tuple(selectors), force))
        assert display.planned == 2
        return REPORT

    plan = SimpleNamespace(chosen={"core.lesion", "gower"}, reasons={})
    monkeypatch.setattr(build_module, "run_project", run)
    monkeypatch.setattr(build_module, "plan_project", lambda *given: SimpleNamespace(plan=plan))
    assert build.fn(project.root / "studies", ("core.lesion+",), force=True) is REPORT
    assert calls == [(project.root, ("core.lesion+",), True)]


def test_plain_call_lets_the_engines_error_through(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*given: Any, **named: Any) -> RunReport:
        raise LesionsError("1 critical check failed.")

    plan = SimpleNamespace(chosen=set(), reasons={})
    monkeypatch.setattr(build_module, "run_project", run)
    monkeypatch.setattr(build_module, "plan_project", lambda *given: SimpleNamespace(plan=plan))
    with pytest.raises(LesionsError, match="1 critical check failed"):
        build.fn(project.root)


def test_studies_read_are_counted_over_their_files() -> None:
    files = (
        FileReport("dm.csv", "dm", 10, 9, 1, "a"),
        FileReport("tr.csv", "tr", 100, 100, 0, "b"),
    )
    assert study_rows([LoadReport("prime", False, files), LoadReport("peak", True, ())]) == [
        {
            "study": "prime",
            "state": "read",
            "files": 2,
            "records": 110,
            "loaded": 109,
            "quarantined": 1,
        },
        {
            "study": "peak",
            "state": "unchanged",
            "files": 0,
            "records": 0,
            "loaded": 0,
            "quarantined": 0,
        },
    ]


def test_lines_on_the_terminal_begin_with_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    tell("published")
    when, text = capsys.readouterr().out.rstrip("\n").split("  ")
    assert text == "published"
    assert abs((datetime.now() - datetime.fromisoformat(when)).total_seconds()) < 60
