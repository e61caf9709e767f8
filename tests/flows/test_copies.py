"""What is made from a published warehouse each night: when, and what one that fails does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bi.small_warehouse import write_warehouse

from flows import copies
from flows.copies import CopyError, refresh
from flows.schedule import what_follows
from warehouse.errors import LesionsError
from warehouse.project import Project


@pytest.fixture
def made(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A published file, and pages that only say that they were made."""
    project.state.mkdir()
    write_warehouse(project.published, 1)
    done: list[str] = []

    def page(name: str) -> Callable[[Project], None]:
        def make(project: Project) -> None:
            (project.root / name).touch()
            done.append(name)

        return make

    monkeypatch.setattr(copies, "_report", page("report.html"))
    monkeypatch.setattr(copies, "_catalogue", page("catalogue.html"))
    monkeypatch.setattr(copies, "_manifest", page("manifest.json"))
    return done


def wanting(project: Project, **given: Any) -> Project:
    named = {f"schedule.{name}": value for name, value in given.items()}
    return Project(project.root, {**project.values, **named})


def test_nothing_is_made_unless_it_is_wished(project: Project) -> None:
    assert refresh(project) == []
    assert what_follows(project) == []


def test_each_copy_is_made_once_per_run_and_where_its_file_is_gone(
    project: Project, made: list[str]
) -> None:
    wished = wanting(project, report=True, catalogue=True, manifest=True, parquet="marts")
    assert refresh(wished) == ["report", "catalogue", "manifest", "Parquet marts"]
    assert (project.root / "marts/current/fct/data.parquet").is_file()
    assert refresh(wished) == []
    (project.root / "report.html").unlink()
    assert refresh(wished) == ["report"]
    write_warehouse(project.published, 2)
    assert refresh(wished) == ["report", "catalogue", "manifest", "Parquet marts"]
    assert len(made) == 3 + 1 + 3


def test_one_that_fails_keeps_none_of_the_others_back_and_is_tried_again(
    project: Project, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(project: Project) -> None:
        raise LesionsError("no room")

    good = copies._report
    monkeypatch.setattr(copies, "_report", fail)
    wished = wanting(project, report=True, catalogue=True)
    with pytest.raises(CopyError, match=r"is published, but .* report: no room"):
        refresh(wished)
    assert made == ["catalogue.html"]
    monkeypatch.setattr(copies, "_report", good)
    assert refresh(wished) == ["report"]


def test_a_mirror_is_named_without_a_password(project: Project, made: list[str]) -> None:
    with pytest.raises(CopyError, match="holds a password") as caught:
        refresh(wanting(project, postgres="postgresql://me:s3cret@host/db"))
    assert "s3cret" not in str(caught.value)
    with pytest.raises(CopyError, match="is postgresql://"):
        refresh(wanting(project, postgres="host/db"))
    with pytest.raises(CopyError, match=r"publishing to postgresql://me@127\.0\.0\.1:9/db failed"):
        refresh(wanting(project, postgres="postgresql://me@127.0.0.1:9/db"))


def test_the_schedule_says_what_follows(project: Project, tmp_path: Path) -> None:
    values = {"schedule.report": True, "schedule.parquet": "/data/x", "openlineage.to": "e.jsonl",
              "notify.url": "https://chat.example/s3cret"}  # fmt: skip
    said = what_follows(Project(project.root, {**project.values, **values}))
    assert said == [
        "Then      report, Parquet /data/x",
        "Notices   posting to chat.example",
        "Lineage   events of OpenLineage",
    ]
