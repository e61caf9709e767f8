"""Who may import whom (docs/maintain/ARCHITECTURE.md), read from the files without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("udfs", "warehouse", "flows")


@cache
def imports() -> dict[str, frozenset[str]]:
    """Module -> what it imports, also inside functions, but not for type hints alone; a name that
    is a module is that module."""
    paths = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    return {name: frozenset(_imported(name, path, set(paths))) for name, path in paths.items()}


def _imported(name: str, path: Path, known: set[str]) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [one for one in tree.body if not _is_for_types(one)]
    for item in ast.walk(tree):
        if isinstance(item, ast.Import):
            yield from (alias.name for alias in item.names)
        elif isinstance(item, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - item.level + 1]
            base = ".".join([*up, item.module or ""]).strip(".") if item.level else item.module
            assert base is not None
            for alias in item.names:
                full = f"{base}.{alias.name}"
                yield full if full in known else base


def _is_for_types(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"


def of_package(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.parametrize(
    ("package", "others"), [("udfs", {"warehouse", "flows"}), ("warehouse", {"udfs", "flows"})]
)
def test_arrows_point_one_way(package: str, others: set[str]) -> None:
    wrong = [
        f"{name} imports {other}"
        for name, found in imports().items()
        if of_package(name) == package
        for other in found
        if of_package(other) in others
    ]
    assert wrong == []


def test_steps_never_import_prefect() -> None:
    reached: set[str] = set()
    waiting = [name for name in imports() if name.startswith("flows.steps")]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += imports().get(name, ())
    assert "prefect" not in {of_package(name) for name in reached}


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    known = {
        name: {other for other in found if other in imports() and other != name}
        for name, found in imports().items()
    }
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")
