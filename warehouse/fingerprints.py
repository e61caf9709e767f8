"""Fingerprints: what a table was made from, so that only what changed is made again.

A node's fingerprint covers its own definition, the settings it reads and the fingerprints of its
inputs. Comments and white space in SQL are not part of it.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from warehouse.graph import Graph, Node
from warehouse.memory import Memory
from warehouse.models import macro_closure
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
        sources = step_sources(node.step.module, memory)
        return digest("".join(map(_text, sources)))
    return source_fingerprint(node.name)


def step_sources(module: str, memory: Memory | None = None) -> tuple[Path, ...]:
    """The files behind a step: its module, and the modules of ours that it imports, however deep.

    Imports are read from the syntax tree, so those inside functions count and nothing is run.

    Args:
        module: the step's module.
        memory: what earlier commands made of the same files.
    """
    memory = memory or Memory()
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _module_file(name)
        if path is not None and name not in found:
            found[name] = path
            waiting += _own_imports(path, name, memory)
    return tuple(found[name] for name in sorted(found))


@lru_cache(maxsize=512)
def _module_file(name: str) -> Path | None:
    """A module's file, found without importing its parents."""
    top, *rest = name.split(".")
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return None
    base = Path(spec.submodule_search_locations[0]).joinpath(*rest)
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _own_imports(path: Path, module: str, memory: Memory) -> list[str]:
    text = _text(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    follows_from = (_reader(), package, text)
    return list(memory.recall(follows_from, lambda: _imports(text, package)))


def _text(path: Path) -> str:
    """A module's text, read once for all steps that it is behind."""
    state = path.stat()
    return _text_as_of(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=512)
def _text_as_of(path: Path, _changed_at: int, _size: int) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _reader() -> str:
    """This module's own text: what a list of imports also follows from."""
    return Path(__file__).read_text(encoding="utf-8")


def _imports(text: str, package: str) -> list[str]:
    names: list[str] = []
    for item in ast.walk(ast.parse(text)):
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
