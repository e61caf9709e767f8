"""One graph of sources, seeds, SQL models and Python steps; its order, and selections from it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal

from warehouse.errors import CommandError, LesionsError
from warehouse.models import LAYERS, Macro, Seed, SqlModel
from warehouse.registry import Step, TableDoc

Kind = Literal["source", "seed", "sql", "python"]


@dataclass(frozen=True)
class Node:
    """What makes one table, or, for a Python step, several."""

    name: str
    kind: Kind
    tables: tuple[TableDoc, ...]
    reads: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    model: SqlModel | None = None
    seed: Seed | None = None
    step: Step | None = None
    origin: str = "shipped"
    """shipped, project, or how the two are joined; see ``own``."""

    @property
    def layer(self) -> str:
        return self.tables[0].name.split(".")[0]


@dataclass(frozen=True)
class Graph:
    """The nodes in an order in which they can be built, and who makes which table."""

    nodes: Mapping[str, Node]
    producer: Mapping[str, str]
    macros: Mapping[str, Macro]
    sql_folder: Path

    def parents(self, name: str) -> tuple[str, ...]:
        """Nodes that a node reads from, by name."""
        return tuple(sorted({self.producer[table] for table in self.nodes[name].reads}))

    def ancestors(self, name: str) -> set[str]:
        """All nodes that a node needs."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for parent in self.parents(waiting.pop()):
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def descendants(self, name: str) -> set[str]:
        """All nodes that need a node."""
        found = {name}
        for other in self.nodes:  # in build order, so parents come first
            if found.intersection(self.parents(other)):
                found.add(other)
        return found - {name}

    @property
    def table_docs(self) -> dict[str, TableDoc]:
        return {table.name: table for node in self.nodes.values() for table in node.tables}


def make_graph(
    *,
    sources: Sequence[TableDoc],
    seeds: Sequence[Seed],
    models: Sequence[SqlModel],
    steps: Sequence[Step],
    macros: Mapping[str, Macro],
    sql_folder: Path,
) -> Graph:
    """Joins all parts into a graph.

    Raises:
        LesionsError: a table made twice, a table read that nothing makes, or a cycle.
    """
    found = [
        *(Node(doc.name, "source", (doc,)) for doc in sources),
        *(Node(seed.name, "seed", (seed.doc,), seed=seed) for seed in seeds),
        *(Node(m.name, "sql", (m.doc,), m.reads, m.settings, m.doc.tags, model=m) for m in models),
        *(_step_node(step) for step in steps),
    ]
    nodes: dict[str, Node] = {}
    producer: dict[str, str] = {}
    for node in found:
        if node.name in nodes:
            raise LesionsError(f"two models are named {node.name}. Rename one.")
        nodes[node.name] = node
        for table in node.tables:
            if table.name in producer:
                raise LesionsError(
                    f"{node.name} and {producer[table.name]} both make {table.name}. Rename one."
                )
            producer[table.name] = node.name
    _check_reads(nodes, producer)
    order = _build_order(nodes, producer)
    return Graph({name: nodes[name] for name in order}, producer, macros, sql_folder)


def _step_node(step: Step) -> Node:
    layers = {table.name.split(".")[0] for table in step.writes}
    if len(layers) != 1 or not layers.issubset(LAYERS):
        raise LesionsError(f"step {step.name}: its tables are not in one known layer: {layers}.")
    return Node(step.name, "python", step.writes, step.reads, step.settings, step.tags, step=step)


def _check_reads(nodes: Mapping[str, Node], producer: Mapping[str, str]) -> None:
    for node in nodes.values():
        for table in node.reads:
            if table not in producer:
                near = difflib.get_close_matches(table, producer, n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                raise LesionsError(f"{node.name}: reads {table}, which nothing makes.{hint}")


def _build_order(nodes: Mapping[str, Node], producer: Mapping[str, str]) -> list[str]:
    parents = {
        name: sorted({producer[table] for table in node.reads}) for name, node in nodes.items()
    }
    sorter = TopologicalSorter(parents)
    try:
        sorter.prepare()
    except CycleError as error:
        path = " -> ".join(error.args[1])
        raise LesionsError(f"the models read each other in a circle: {path}.") from error
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return sorted(order, key=lambda name: LAYERS.index(nodes[name].layer))


def select(graph: Graph, selectors: Iterable[str], changed: Iterable[str]) -> set[str]:
    """Node names that selectors name.

    A selector is a node's or table's name (its schema may be left out, ``*`` matches), with ``+``
    before it for all it needs, ``+`` after it for all that needs it; ``tag:x``; or ``changed``.

    Raises:
        LesionsError: a selector that names nothing.
    """
    chosen: set[str] = set()
    for selector in selectors:
        if selector == "changed":
            chosen.update(changed)
            continue
        word = selector.removeprefix("+").removesuffix("+")
        named = _named(graph, word)
        if not named:
            near = difflib.get_close_matches(word, [*graph.nodes, *graph.producer], n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise CommandError(f"the selector {selector!r} names no model.{hint}")
        chosen.update(named)
        for name in named:
            if selector.startswith("+"):
                chosen.update(graph.ancestors(name))
            if selector.endswith("+"):
                chosen.update(graph.descendants(name))
    return chosen


def _named(graph: Graph, word: str) -> set[str]:
    if word.startswith("tag:"):
        tag = word.removeprefix("tag:")
        return {name for name, node in graph.nodes.items() if tag in node.tags}
    names = {**{name: name for name in graph.nodes}, **graph.producer}
    return {
        node
        for name, node in names.items()
        if fnmatchcase(name, word) or fnmatchcase(name.split(".")[-1], word)
    }
