"""What of a step's Python files is in its fingerprint: what runs, and not what is said of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse import fingerprints
from warehouse.fingerprints import fingerprint_graph, step_sources
from warehouse.graph import make_graph
from warehouse.memory import Memory
from warehouse.registry import Step, TableDoc

STEP = '''"""The step."""
from toy_steps.numbers import MARGIN_MM

def run(context):
    """Runs it."""
    return MARGIN_MM + 1
'''
NUMBERS = '''"""Constants."""

MARGIN_MM = 2.5  # the smallest change that two readers agree on
"""Millimetres."""
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of steps, ``toy_steps``, of one step that takes a constant from beside it."""
    folder = tmp_path / "toy_steps"
    folder.mkdir()
    (folder / "__init__.py").write_text("", encoding="utf-8")
    (folder / "step.py").write_text(STEP, encoding="utf-8")
    (folder / "numbers.py").write_text(NUMBERS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("warehouse.fingerprints.OWN_PACKAGES", ("toy_steps",))
    fingerprints._module_file.cache_clear()
    yield folder
    fingerprints._module_file.cache_clear()


def definition(memory: Memory | None = None) -> str:
    """The part of the step's fingerprint that is of its code."""

    def run(context: object) -> dict[str, object]:
        return {}

    run.__module__ = "toy_steps.step"
    wanted = TableDoc("analysis.toy", "d", "one row", ("id",), {"id": "id"})
    toy = Step("toy", run, (), (wanted,))  # type: ignore[arg-type]
    graph = make_graph(sources=[], seeds=[], models=[], steps=(toy,), macros={}, sql_folder=Path())
    return fingerprint_graph(graph, {"run.seed": 1}, lambda table: "", memory)["toy"].definition


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("numbers.py", "that two readers agree on", "that is no error of reading"),
        ("numbers.py", "# the smallest change that two readers agree on", ""),
        ("numbers.py", "Millimetres", "In mm"),
        ("numbers.py", '"""Constants."""', '"""What the step counts with."""'),
        ("step.py", '    """Runs it."""\n', ""),
        ("step.py", "MARGIN_MM + 1", "(\n        MARGIN_MM\n        + 1\n    )"),
        ("numbers.py", "2.5", "2.50"),
    ],
    ids=["comment", "no comment", "text after", "docstring", "no docstring", "layout", "zero"],
)
def test_words_and_layout_refit_nothing(package: Path, file: str, old: str, new: str) -> None:
    before = definition()
    rewrite(package / file, old, new)
    assert definition() == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("numbers.py", "2.5", "2.6"),
        ("step.py", "+ 1", "- 1"),
        ("step.py", "    return MARGIN_MM + 1", '    return "MARGIN_MM + 1"'),
    ],
    ids=["constant elsewhere", "operator", "text that is a value"],
)
def test_what_runs_refits(package: Path, file: str, old: str, new: str) -> None:
    before = definition()
    rewrite(package / file, old, new)
    assert definition() != before


def test_a_remembered_module_is_read_again_once_it_changes(package: Path, tmp_path: Path) -> None:
    found = []
    for constant in ("2.5", "2.6"):
        rewrite(package / "numbers.py", "2.5", constant)
        memory = Memory(tmp_path / "definitions.json")
        found.append(definition(memory))
        memory.save()
    assert found[0] != found[1]
    assert found == [found[0], definition()]


def test_a_steps_files_are_its_module_and_what_it_imports(package: Path) -> None:
    found = [path.name for path in step_sources("toy_steps.step")]
    assert found == ["numbers.py", "step.py"]
    assert "toy_steps.step" not in sys.modules, "reading a step's imports must not run it"
