"""What is kept between commands: never stale, harmless where it cannot be kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from warehouse.fingerprints import step_sources
from warehouse.memory import Memory
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
    module = "flows.steps.gower"
    plain = step_sources(module)
    assert {"gower.py", "distances.py"} <= {path.name for path in plain}
    for _ in range(2):
        memory = Memory(tmp_path / "m.json")
        assert step_sources(module, memory) == plain
        memory.save()
