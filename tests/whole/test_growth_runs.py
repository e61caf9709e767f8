"""The growth fit within runs: interrupted, and started from the published one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.display import Display
from warehouse.errors import LesionsError
from warehouse.project import Project, open_project
from warehouse.run import run_project


class Impatient(Display):
    """Presses Ctrl-C when the growth step says a word."""

    def __init__(self, word: str) -> None:
        super().__init__(quiet=True)
        self.word = word
        self.events: list[str] = []

    @contextmanager
    def stage(self, title: str, total: int, unit: str) -> Iterator[Any]:
        yield self

    def observe(self, name: str, event: str) -> None:
        if name == "growth":
            self.events.append(event)
            if self.word in event:
                raise KeyboardInterrupt


@pytest.fixture(scope="module")
def copied(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the built project that tests may change."""
    folder = tmp_path_factory.mktemp("growth") / "project"
    shutil.copytree(built.root, folder)
    return folder


def set_growth(folder: Path, text: str) -> Project:
    """The project with these settings of the section growth."""
    (folder / "lesions.toml").write_text(f"[run]\nthreads = 2\n[growth]\n{text}\n")
    return open_project(folder)


@pytest.mark.parametrize(
    "word",
    [
        "patients",
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in ("saem 3", "newton", "modes", "draws", "events")
        ),
    ],
)
def test_an_interrupt_in_any_phase_leaves_the_published_file_as_it_was(
    copied: Path, word: str
) -> None:
    project = set_growth(copied, "draws = 40")
    before = project.published.read_bytes()
    impatient = Impatient(word)
    with pytest.raises(KeyboardInterrupt):
        run_project(project, selectors=["growth"], display=impatient)
    assert word in impatient.events[-1]
    assert project.published.read_bytes() == before
    assert not project.work.exists()


def test_a_warm_start_is_recorded_and_leaves_saem_out(copied: Path) -> None:
    project = set_growth(copied, "warm_start = true")
    shown = Impatient("no such word")
    run_project(project, selectors=["growth"], display=shown)
    with duckdb.connect(str(project.published), read_only=True) as con:
        assert con.sql("SELECT is_warm_start FROM analysis.growth_fit").fetchall() == [(True,)]
    assert any("newton" in event for event in shown.events)
    assert not any("saem 1" in event for event in shown.events)


def test_a_selection_that_leaves_out_what_depends_on_it_is_told_so(copied: Path) -> None:
    """Tables made from the fit of one model do not fit that of another."""
    project = set_growth(copied, 'model = "two_population_flat"\npatient_effects = false')
    before = project.published.read_bytes()
    with pytest.raises(LesionsError, match="were not selected") as told:
        run_project(project, selectors=["growth"])
    assert "without a selection" in str(told.value)
    assert project.published.read_bytes() == before
