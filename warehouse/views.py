"""What the commands print: a plan, a run's end, lineage."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.tree import Tree

from warehouse.catalogue import installed_graph
from warehouse.database import open_published
from warehouse.display import table
from warehouse.errors import LesionsError
from warehouse.graph import Graph
from warehouse.project import Project
from warehouse.run import Planned, RunReport


def print_plan(planned: Planned) -> None:
    """Prints what a run would do."""
    console = Console(highlight=False)
    plan = planned.plan
    if plan.is_empty and not planned.studies_to_load:
        console.print("Nothing to do: the warehouse is up to date.")
        return
    rows = [("load", study, reason) for study, reason in planned.studies_to_load.items()]
    rows += [("build", name, plan.reasons[name]) for name in plan.reasons if name in plan.chosen]
    rows += [("drop", name, "nothing makes it any more") for name in plan.removed]
    rows += [("describe", name, "its comments changed") for name in plan.redescribed]
    console.print(table("", ("action", "what", "why"), rows))
    left = len(plan.reasons) - len(plan.chosen)
    if left:
        console.print(f"Out of date and not selected: {left}.")


def print_run(project: Project, report: RunReport) -> None:
    """Prints how a run ended."""
    console = Console(highlight=False)
    if report.is_unchanged:
        console.print(f"Nothing to do: {project.published} is up to date ({report.seconds:.1f} s).")
        return
    failed = sum(not check.success for check in report.checks)
    warned = f", {failed} with a warning" if failed else ""
    console.print(
        f"Published {project.published}: {len(report.built)} models built, "
        f"{len(report.checks)} checks made{warned}, {report.seconds:.1f} s.",
        soft_wrap=True,
    )


def print_lineage(project: Project, name: str) -> None:
    """Prints where a table or column comes from and what it feeds.

    Raises:
        LesionsError: there is no such table or column.
    """
    graph = installed_graph()
    console = Console(highlight=False)
    if name in graph.producer:
        console.print(_table_tree(graph, name, "comes from", upstream=True))
        console.print(_table_tree(graph, name, "feeds", upstream=False))
        return
    table_name, _, column = name.rpartition(".")
    doc = graph.table_docs.get(table_name)
    if doc is None or column not in doc.columns:
        raise LesionsError(
            f"{name} is neither schema.table nor schema.table.column of this warehouse. "
            "'lesions query \"SELECT name FROM meta.model\"' lists the tables."
        )
    sources: dict[tuple[str, str], list[tuple[str, str]]] = {}
    feeds: dict[tuple[str, str], list[tuple[str, str]]] = {}
    with open_published(project.published) as connection:
        for table_, column_, from_table, from_column in connection.execute(
            "SELECT * FROM meta.lineage_column ORDER BY ALL"
        ).fetchall():
            sources.setdefault((table_, column_), []).append((from_table, from_column))
            feeds.setdefault((from_table, from_column), []).append((table_, column_))
    start = (table_name, column)
    console.print(f"[bold]{name}[/bold]: {doc.columns[column]}")
    console.print(_column_tree("comes from", start, sources))
    console.print(_column_tree("feeds", start, feeds))


def _table_tree(graph: Graph, name: str, title: str, *, upstream: bool) -> Tree:
    neighbours: dict[str, list[str]] = {}
    for node in graph.nodes.values():
        for made in node.tables:
            for read in node.reads:
                key, value = (made.name, read) if upstream else (read, made.name)
                neighbours.setdefault(key, []).append(value)
    tree = Tree(f"{name} {title}")
    _grow(tree, name, {k: sorted(v) for k, v in neighbours.items()}, str, set())
    return tree


def _column_tree(
    title: str,
    start: tuple[str, str],
    neighbours: Mapping[tuple[str, str], list[tuple[str, str]]],
) -> Tree:
    tree = Tree(title)
    _grow(tree, start, neighbours, ".".join, set())
    return tree


def _grow(branch: Tree, name, neighbours, label, shown) -> None:  # type: ignore[no-untyped-def]
    """Adds neighbours, each opened once: a second time it stands with '...'."""
    for neighbour in neighbours.get(name, []):
        again = neighbour in shown and neighbour in neighbours
        twig = branch.add(label(neighbour) + (" ..." if again else ""))
        if not again:
            shown.add(neighbour)
            _grow(twig, neighbour, neighbours, label, shown)
