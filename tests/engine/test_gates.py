"""Which tables a gate checks once some were built."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.checks import load_suites
from warehouse.display import Display
from warehouse.gates import Gate, suite_digests
from warehouse.project import create_project


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """core.b has a check that reads quality.q."""
    folder = tmp_path / "suites"
    (folder / "core").mkdir(parents=True)
    exists = "- expect_values_to_exist_in: {column: id, table: quality.q}\n"
    (folder / "core" / "b.yml").write_text(exists)
    display = Display(quiet=True)
    suites = load_suites(folder)
    return Gate(
        project=create_project(tmp_path / "project"),
        suites=suites,
        reads={table: suite.tables for table, suite in suites.items()},
        keys={},
        run_id="r",
        run_at=None,  # type: ignore[arg-type]  # not used to find what is due
        display=display,
        stage=display.stage,
    )


def test_what_was_built_is_due(gate: Gate) -> None:
    assert gate.due(["core.a"], [], {"core.a", "core.b", "quality.q"}) == ["core.a"]


def test_a_table_is_due_when_one_that_its_checks_read_was_built(gate: Gate) -> None:
    due = gate.due(["quality.q"], [], {"core.a", "core.b", "quality.q"})
    assert due == ["quality.q", "core.b"]


def test_a_table_waits_for_what_its_checks_read(gate: Gate) -> None:
    assert gate.due(["core.b"], [], {"core.b"}) == []
    assert gate.due(["quality.q"], [], {"core.b", "quality.q"}) == ["quality.q", "core.b"]


def test_a_table_whose_suite_changed_is_due(gate: Gate) -> None:
    assert gate.due([], ["core.b"], {"core.b", "quality.q"}) == ["core.b"]


def test_a_suite_that_changes_has_another_digest(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "b.yml").write_text("[]")
    before = suite_digests(tmp_path)
    (tmp_path / "core" / "b.yml").write_text("[ ]")
    assert before.keys() == suite_digests(tmp_path).keys() == {"core.b"}
    assert before != suite_digests(tmp_path)
