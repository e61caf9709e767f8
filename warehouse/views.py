"""What the commands print: a plan, a run's end, lineage."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.tree import Tree

from warehouse.database import open_published, refuse_older
from warehouse.display import console, table
from warehouse.errors import LesionsError
from warehouse.graph import Graph
from warehouse.lineage import ROWS
from warehouse.own import project_graph
from warehouse.project import Project
from warehouse.reach import Reach
from warehouse.run import Planned, RunReport

ALL = "all columns"
DEAREST = 20
"""Models and steps that a run's timings name."""


def print_plan(planned: Planned) -> None:
    """Prints what a run would do."""
    out = console()
    plan = planned.plan
    if plan.is_empty and not planned.studies_to_load:
        out.print("Nothing to do: the warehouse is up to date.")
        return
    rows = [("load", study, reason) for study, reason in planned.studies_to_load.items()]
    rows += [("build", name, plan.reasons[name]) for name in plan.reasons if name in plan.chosen]
    nodes = planned.graph.nodes
    own = {name: node.origin for name, node in nodes.items() if node.origin != "shipped"}
    rows = [
        (action, name, f"{why} (of the {own[name]})" if name in own else why)
        for action, name, why in rows
    ]
    rows += [("drop", name, "nothing makes it any more") for name in plan.removed]
    rows += [("restore", name, "altered in the published file") for name in plan.restored]
    rows += [("describe", name, "its comments changed") for name in plan.redescribed]
    rows += [("check", name, "its suite changed") for name in plan.rechecked]
    out.print(_summed_up(rows))
    out.print(table("", ("action", "what", "why"), rows))
    left = len(plan.reasons) - len(plan.chosen)
    if left:
        out.print(f"Out of date and not selected: {left}.")
    for name, origin in own.items():
        if origin != "project":
            out.print(f"{name}: {origin}.")


def _summed_up(rows: list[tuple[str, str, str]]) -> str:
    """How much of each action there is, models by layer."""
    parts = []
    for action in dict.fromkeys(action for action, _, _ in rows):
        names = [name for one, name, _ in rows if one == action]
        layers = Counter(name.split(".")[0] for name in names if "." in name and action != "load")
        listed = ", ".join(f"{n} {layer}" for layer, n in layers.items())
        parts.append(f"{action} {len(names)}" + (f" ({listed})" if listed else ""))
    return f"In all: {'; '.join(parts)}."


def print_run(project: Project, report: RunReport) -> None:
    """Prints how a run ended."""
    out = console()
    if report.is_unchanged:
        out.print(f"Nothing to do: {project.published} is up to date ({report.seconds:.1f} s).")
        return
    failed = sum(not check.success for check in report.checks)
    warned = f", {failed} with a warning" if failed else ""
    out.print(
        f"Published {project.published}: {len(report.built)} models built, "
        f"{len(report.checks)} checks made{warned}, {report.seconds:.1f} s.",
        soft_wrap=True,
    )


def print_timings(report: RunReport) -> None:
    """Prints where a run's time went: its stages, and the models and steps that took most."""
    out = console()
    total = time.process_time()
    stages = [
        (title, report.stage_seconds[title], spent)
        for title, spent in report.stage_cpu_seconds.items()
    ]
    rest = total - sum(spent for _, _, spent in stages)
    rows: list[tuple[str, float | None, float]] = [
        *stages,
        ("start, plan and report", None, rest),
        ("all", None, total),
    ]
    out.print()
    out.print(table("Stages", ("stage", "seconds", "CPU seconds"), _rounded(rows)))
    dearest = sorted(report.built, key=lambda node: (-node.cpu_seconds, node.name))[:DEAREST]
    nodes: list[tuple[str, float | None, float]] = [
        (node.name, node.seconds, node.cpu_seconds) for node in dearest
    ]
    if others := len(report.built) - len(dearest):
        spent = sum(node.cpu_seconds for node in report.built)
        nodes.append((f"{others} others", None, spent - sum(cpu for _, _, cpu in nodes)))
    out.print()
    out.print(table("Models and steps", ("name", "seconds", "CPU seconds"), _rounded(nodes)))


def _rounded(rows: Sequence[tuple[str, float | None, float]]) -> list[tuple[str, str, str]]:
    return [
        (name, "" if seconds is None else f"{seconds:7.1f}", f"{spent:11.1f}")
        for name, seconds, spent in rows
    ]


def print_lineage(project: Project, name: str) -> None:
    """Prints where a table or column comes from and what it feeds; of a column also what else
    decides it or is decided by it, however far off.

    Raises:
        LesionsError: there is no such table or column.
    """
    graph = project_graph(project)
    out = console()
    if name in graph.producer:
        out.print(_table_tree(graph, name, "comes from", upstream=True))
        out.print(_table_tree(graph, name, "feeds", upstream=False))
        return
    table_name, _, column = name.rpartition(".")
    doc = graph.table_docs.get(table_name)
    if doc is None or column not in doc.columns:
        raise LesionsError(
            f"{name} is neither schema.table nor schema.table.column of this warehouse. "
            "'lesions query \"SELECT name FROM meta.model\"' lists the tables."
        )
    sources: dict[str, list[str]] = {}
    feeds: dict[str, list[str]] = {}
    with open_published(project.published) as connection:
        refuse_older(connection, project.published)
        reach = Reach(connection)
        for made, read in connection.execute(
            "SELECT table_name || '.' || column_name, from_table || '.' || from_column "
            "FROM meta.lineage_column ORDER BY ALL"
        ).fetchall():
            sources.setdefault(made, []).append(read)
            feeds.setdefault(read, []).append(made)
    out.print(f"{name}: {doc.columns[column]}")
    out.print(_column_tree("comes from", name, sources))
    out.print(_column_tree("feeds", name, feeds))
    out.print(_reached("is influenced by", reach.behind(table_name, column), graph, "its rows"))
    out.print(_reached("influences", reach.impact(table_name, column), graph, ALL))


def _reached(title: str, found: Mapping[str, set[str]], graph: Graph, rows: str) -> Tree:
    """Tables in build order, each with the columns reached.

    Args:
        title: over the tree.
        found: columns by table.
        graph: the models.
        rows: what to say of a table whose rows are reached.
    """
    tree = Tree(title)
    for name, doc in graph.table_docs.items():
        if columns := found.get(name):
            listed = [column for column in doc.columns if column in columns]
            if ROWS in columns:
                listed = [rows] if rows == ALL else [rows, *listed]
            tree.add(f"{name}: {', '.join(listed)}")
    return tree


def _table_tree(graph: Graph, name: str, title: str, *, upstream: bool) -> Tree:
    neighbours: dict[str, list[str]] = {}
    for node in graph.nodes.values():
        for made in node.tables:
            for read in node.reads:
                key, value = (made.name, read) if upstream else (read, made.name)
                neighbours.setdefault(key, []).append(value)
    tree = Tree(f"{name} {title}")
    _grow(tree, name, {key: sorted(value) for key, value in neighbours.items()}, set())
    return tree


def _column_tree(title: str, start: str, neighbours: Mapping[str, list[str]]) -> Tree:
    tree = Tree(title)
    _grow(tree, start, neighbours, set())
    return tree


def _grow(branch: Tree, name: str, neighbours: Mapping[str, list[str]], shown: set[str]) -> None:
    """Adds neighbours, each opened once: a second time it stands with '...'."""
    for neighbour in neighbours.get(name, []):
        is_again = neighbour in shown and neighbour in neighbours
        twig = branch.add(neighbour + (" ..." if is_again else ""))
        if not is_again:
            shown.add(neighbour)
            _grow(twig, neighbour, neighbours, shown)
