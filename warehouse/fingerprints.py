"""Fingerprints: what a table was made from, so that only what changed is made again.

A node's fingerprint covers its own definition, the settings it reads and the fingerprints of its
inputs. Comments and layout, of SQL and of Python, are not part of it, nor are docstrings.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from warehouse.graph import Graph, Node
from warehouse.memory import Memory
from warehouse.models import macro_closure
from warehouse.registry import OWN_MODULE
from warehouse.settings import BY_NAME, as_text

OWN_PACKAGES = ("udfs", "flows")


@dataclass(frozen=True)
class Fingerprint:
    """A node's fingerprint and its parts, kept so that a change can be explained."""

    definition: str
    settings: Mapping[str, str]
    inputs: Mapping[str, str]

    @property
    def digest(self) -> str:
        return digest(self.to_json())

    def to_json(self) -> str:
        return json.dumps(
            {
                "definition": self.definition,
                "settings": dict(self.settings),
                "inputs": dict(self.inputs),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> Fingerprint:
        parts = json.loads(text)
        return cls(parts["definition"], parts["settings"], parts["inputs"])


def digest(text: str) -> str:
    """Short hexadecimal SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprint_graph(
    graph: Graph,
    values: Mapping[str, Any],
    source_fingerprint: Callable[[str], str],
    memory: Memory | None = None,
) -> dict[str, Fingerprint]:
    """Fingerprint of every node, by name.

    Args:
        graph: the graph, whose nodes stand in build order.
        values: the settings' values.
        source_fingerprint: fingerprint of the files behind a raw table.
        memory: what earlier commands made of the same files.
    """
    memory = memory or Memory()
    found: dict[str, Fingerprint] = {}
    for name, node in graph.nodes.items():
        found[name] = Fingerprint(
            definition=_definition(graph, node, source_fingerprint, memory),
            settings={s: as_text(values[s]) for s in _settings_of(graph, node)},
            inputs={table: found[graph.producer[table]].digest for table in sorted(node.reads)},
        )
    return found


def _settings_of(graph: Graph, node: Node) -> tuple[str, ...]:
    seeded = ("run.seed",) if node.kind == "python" else ()
    used = (
        name for name in node.settings if name not in BY_NAME or not BY_NAME[name].is_operational
    )
    return (*sorted(used), *seeded)


def _definition(
    graph: Graph, node: Node, source_fingerprint: Callable[[str], str], memory: Memory
) -> str:
    if node.model is not None:
        macros = "".join(
            graph.macros[m].sql for m in macro_closure(graph.macros, node.model.macros)
        )
        return digest(node.model.normalised + macros + (" view" if node.model.is_view else ""))
    if node.seed is not None:
        return digest(node.seed.path.read_text(encoding="utf-8") + json.dumps(node.seed.types))
    if node.step is not None:
        tables = {table.name: dict(table.types) for table in node.tables}
        code = "".join(m.code for m in _modules(node.step.module, memory).values())
        return digest(json.dumps(tables, sort_keys=True) + code)
    return source_fingerprint(node.name)


def step_sources(module: str, memory: Memory | None = None) -> tuple[Path, ...]:
    """The files behind a step: its module, and the modules of ours that it imports, however deep.

    Imports are read from the syntax tree, so those inside functions count and nothing is run.

    Args:
        module: the step's module.
        memory: what earlier commands made of the same files.
    """
    return tuple(one.path for one in _modules(module, memory or Memory()).values())


@dataclass(frozen=True)
class _Module:
    """A module of ours behind a step."""

    path: Path
    imports: tuple[str, ...]
    """Names that it imports from packages of ours: modules, and things in them."""
    code: str
    """Digest of what Python runs of it."""


def _modules(module: str, memory: Memory) -> dict[str, _Module]:
    """The modules of ``step_sources`` in order of their names."""
    found: dict[str, _Module] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in found else _module_file(name)
        if path is not None:
            found[name] = _read_module(path, name, memory)
            waiting += found[name].imports
    return {name: found[name] for name in sorted(found)}


@lru_cache(maxsize=512)
def _module_file(name: str) -> Path | None:
    """A module's file, found without importing its parents."""
    if name.startswith(OWN_MODULE):
        return Path(str(sys.modules[name].__file__))
    top, *rest = name.split(".")
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return None
    base = Path(spec.submodule_search_locations[0]).joinpath(*rest)
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _read_module(path: Path, name: str, memory: Memory) -> _Module:
    text = _text(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    parts = memory.recall((_reader(), package, text), lambda: _parts(text, package))
    return _Module(path, tuple(parts["imports"]), parts["code"])


def _text(path: Path) -> str:
    """A module's text, read once for all steps that it is behind."""
    state = path.stat()
    return _text_as_of(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=512)
def _text_as_of(path: Path, _changed_at: int, _size: int) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _reader() -> str:
    """This module's own text: what a module's parts also follow from."""
    return Path(__file__).read_text(encoding="utf-8")


def _parts(text: str, package: str) -> dict[str, Any]:
    """A module's imports and the digest of its code, from its text."""
    tree = ast.parse(text)
    return {"imports": _imports(tree, package), "code": digest(_code(tree))}


def _code(tree: ast.Module) -> str:
    """A module as Python would write it down: the same where only comments, layout or docstrings
    differ, and of no two modules that run differently."""
    for item in ast.walk(tree):
        body = getattr(item, "body", None)
        if isinstance(body, list):
            body[:] = [one for one in body if not _is_text(one)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    """A text that stands alone: a docstring, also one after a constant or a field."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _imports(tree: ast.Module, package: str) -> list[str]:
    names: list[str] = []
    for item in ast.walk(tree):
        if isinstance(item, ast.Import):
            names += [alias.name for alias in item.names]
        elif isinstance(item, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - item.level + 1]
            base = (
                ".".join([*up, item.module] if item.module else up) if item.level else item.module
            )
            if base:
                names.append(base)
                names += [f"{base}.{alias.name}" for alias in item.names]
    return [name for name in names if name.split(".")[0] in OWN_PACKAGES]
