"""What is kept between commands: never stale, harmless where it cannot be kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from warehouse.fingerprints import step_sources
from warehouse.memory import SHARED_AT_MOST, Memory
from warehouse.models import read_model

MODEL = """/* Double.
Grain: one row per a
Key: a
*/
SELECT
    a, -- a
    2 * a AS b -- {comment}
FROM raw.dm
"""


class Work:
    """Counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> list[int]:
        self.times += 1
        return [self.times]


def test_known_results_are_not_worked_out_again(tmp_path: Path) -> None:
    work = Work()
    first = Memory(tmp_path / "m.json")
    assert first.recall(("a", "b"), work) == first.recall(("a", "b"), work) == [1]
    first.save()
    assert Memory(tmp_path / "m.json").recall(("a", "b"), work) == [1]
    assert Memory(tmp_path / "m.json").recall(("ab",), work) == [2]
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


def test_what_is_no_longer_asked_for_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    for key in ("old", "new"):
        memory = Memory(path)
        memory.recall((key,), lambda key=key: key)  # type: ignore[misc]
        memory.save()
    assert list(json.loads(path.read_text("utf-8")).values()) == ["new"]


@pytest.mark.parametrize("damage", ["", "{", "[1]", '"text"'])
def test_a_damaged_file_is_no_file(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(damage, encoding="utf-8")
    memory = Memory(path)
    assert memory.recall(("a",), lambda: 7) == 7
    memory.save()
    assert Memory(path).recall(("a",), lambda: 8) == 7


def test_nothing_is_kept_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "none" / "m.json")
    assert memory.recall(("a",), lambda: 7) == 7
    memory.save()
    assert not list(tmp_path.iterdir())


def test_what_another_project_worked_out_is_known(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    shared, work = tmp_path / "cache" / "deep" / "m.json", Work()
    for name in ("one", "two"):
        memory = Memory(tmp_path / name / "m.json", shared)
        assert memory.recall(("a",), work) == [1]
        memory.save()
    assert (tmp_path / "two" / "m.json").read_bytes() == shared.read_bytes()
    # A project that has all of its own looks nowhere else.
    shared.unlink()
    memory = Memory(tmp_path / "two" / "m.json", shared)
    assert memory.recall(("a",), work) == [1]
    memory.save()
    assert not shared.exists()


def test_the_users_copy_keeps_other_versions_but_not_without_end(tmp_path: Path) -> None:
    shared = tmp_path / "m.json"
    for version in range(10):
        memory = Memory(None, shared)
        assert memory.recall((str(version),), lambda version=version: version) == version  # type: ignore[misc]
        memory.save()
        assert version in json.loads(shared.read_text("utf-8")).values()
        assert len(json.loads(shared.read_text("utf-8"))) <= SHARED_AT_MOST


@pytest.mark.parametrize("damage", ["folder", "file above", "text"])
def test_a_users_copy_that_cannot_be_used_costs_nothing_but_time(
    tmp_path: Path, damage: str
) -> None:
    shared = tmp_path / "cache" / "m.json"
    if damage == "file above":
        shared.parent.write_text("no folder", encoding="utf-8")
    else:
        shared.parent.mkdir()
    if damage == "folder":
        shared.mkdir()
    elif damage == "text":
        shared.write_text("{", encoding="utf-8")
    memory = Memory(tmp_path / "m.json", shared)
    assert memory.recall(("a",), lambda: 7) == 7
    memory.save()
    assert Memory(tmp_path / "m.json").recall(("a",), lambda: 8) == 7


def test_a_model_from_memory_is_the_model_from_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "core"
    folder.mkdir()
    path = folder / "double.sql"
    path.write_text(MODEL.format(comment="twice a"), encoding="utf-8")
    plain = read_model(path, frozenset(), frozenset())
    for _ in range(2):
        memory = Memory(tmp_path / "m.json")
        remembered = read_model(path, frozenset(), frozenset(), memory)
        memory.save()
        assert remembered == plain
        assert remembered.parse() == plain.parse()
    path.write_text(MODEL.format(comment="changed"), encoding="utf-8")
    changed = read_model(path, frozenset(), frozenset(), Memory(tmp_path / "m.json"))
    assert changed.doc.columns["b"] == "changed"


def test_a_steps_files_from_memory_are_its_files(tmp_path: Path) -> None:
    module = "flows.steps.heterogeneity.gower"
    plain = step_sources(module)
    assert {"gower.py", "distances.py"} <= {path.name for path in plain}
    for _ in range(2):
        memory = Memory(tmp_path / "m.json")
        assert step_sources(module, memory) == plain
        memory.save()
