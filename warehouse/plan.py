"""What a run would make again, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import duckdb

from warehouse.database import open_published
from warehouse.errors import LesionsError
from warehouse.fingerprints import Fingerprint
from warehouse.graph import Graph, select
from warehouse.meta import CHECK_TABLE, META_DOCS
from warehouse.published import FOREIGN, altered_tables, is_macro


@dataclass(frozen=True)
class Built:
    """What the published warehouse says of one of its tables."""

    fingerprint: Fingerprint
    doc_digest: str
    suite_digest: str | None
    rows: int | None


@dataclass(frozen=True)
class Plan:
    """Nodes to build, in order, each with its reason."""

    reasons: Mapping[str, str]
    """Reason by stale node, in build order."""
    chosen: Set[str]
    """The stale nodes that this run builds."""
    removed: tuple[str, ...]
    """Published tables that nothing makes any more, and what else no model makes."""
    restored: tuple[str, ...]
    """Macros that another program altered or removed; every run makes them all anew."""
    redescribed: tuple[str, ...]
    """Tables of which only the description changed."""
    rechecked: tuple[str, ...]
    """Tables of which only the suite of checks changed."""

    @property
    def is_empty(self) -> bool:
        return not any((self.chosen, self.removed, self.restored, self.redescribed, self.rechecked))


@dataclass(frozen=True)
class Published:
    """What a published file holds."""

    tables: Mapping[str, Built] = field(default_factory=dict)
    altered: Mapping[str, str] = field(default_factory=dict)
    """What another program did to it, by table; empty where the file was not compared."""
    is_compared: bool = True


def read_published(file: Path | None, *, is_compared: bool) -> Published:
    """What is in the published warehouse; nothing where there is none, where another version with
    other tables of its own made it, or where its own records were altered or are damaged.

    Args:
        file: the published file, or a copy; None where there is none.
        is_compared: whether each table is compared with its digest.

    Raises:
        LesionsError: the file is there but is no warehouse of ours.
    """
    if file is None:
        return Published()
    try:
        tables = read_built(file)
        if not tables or not is_compared:
            return Published(tables, is_compared=is_compared)
        with open_published(file) as connection:
            altered = altered_tables(connection)
    except duckdb.Error as error:
        return Published({}, {file.name: f"cannot be read: {str(error).splitlines()[0]}"})
    own = {doc.name for doc in META_DOCS} | {CHECK_TABLE}
    return Published({} if own & set(altered) else tables, altered)


def read_built(published: Path) -> dict[str, Built]:
    """What the published warehouse says of its tables; empty where another version with other
    tables of its own made it.

    Raises:
        LesionsError: the file is there but is no warehouse of ours.
    """
    with open_published(published) as connection:
        known = connection.execute(
            "SELECT count(*) FROM duckdb_tables() "
            "WHERE schema_name = 'meta' AND table_name = 'model'"
        ).fetchone()
        if known is None or known[0] == 0:
            raise LesionsError(
                f"{published} was not made by lesions: it has no table meta.model. Move it away."
            )
        if not _has_todays_tables(connection):
            return {}
        rows = connection.execute(
            "SELECT name, fingerprint_parts, doc_digest, suite_digest, rows FROM meta.model"
        ).fetchall()
    return {
        name: Built(Fingerprint.from_json(parts), *digests_and_rows)
        for name, parts, *digests_and_rows in rows
    }


def _has_todays_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the engine's own tables are those of this version, column by column."""
    found: dict[str, list[str]] = {}
    for table, column in connection.execute(
        "SELECT 'meta.' || table_name, column_name FROM duckdb_columns() "
        "WHERE schema_name = 'meta' ORDER BY column_index"
    ).fetchall():
        found.setdefault(table, []).append(column)
    return all(found.get(doc.name) == list(doc.types) for doc in META_DOCS)


def make_plan(
    graph: Graph,
    wanted: Mapping[str, Fingerprint],
    built: Mapping[str, Built],
    digests: tuple[Mapping[str, str], Mapping[str, str]],
    selectors: Iterable[str] = (),
    force: bool = False,
    altered: Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """Compares what should be with what is.

    Args:
        graph: the graph.
        wanted: fingerprint of each node as it should be.
        built: the published tables.
        digests: digest of each table's description, and of its suite of checks where it has one.
        selectors: build only these; all that is stale where empty.
        force: build the selected nodes (or all) even where nothing changed.
        altered: what another program did to the published tables.

    Raises:
        LesionsError: a selected node needs a table that is stale or absent and not selected.
    """
    reasons: dict[str, str] = {}
    for name in graph.nodes:
        reason = _reason(graph, name, wanted, built, reasons)
        here = [altered[t.name] for t in graph.nodes[name].tables if t.name in altered]
        reason = reason or (here[0] if here else "")
        if reason:
            reasons[name] = reason
    selectors = tuple(selectors)
    selected = select(graph, selectors, reasons) if selectors else set(graph.nodes)
    if force:
        why = {**dict.fromkeys(selected, "forced"), **reasons}
        reasons = {name: why[name] for name in graph.nodes if name in why}
    chosen = {name for name in reasons if name in selected}
    _check_parents(graph, chosen, reasons)
    foreign = {name for name, what in altered.items() if what == FOREIGN} if built else set()
    docs, suites = digests
    fresh = {t.name for n in graph.nodes.values() if n.name not in reasons for t in n.tables}
    return Plan(
        reasons=reasons,
        chosen=frozenset(chosen),
        removed=tuple(sorted((set(built) | foreign) - set(graph.producer))),
        restored=tuple(sorted(set(filter(is_macro, altered)) - foreign)),
        redescribed=tuple(sorted(t for t in fresh if built[t].doc_digest != docs[t])),
        rechecked=tuple(sorted(t for t in fresh if built[t].suite_digest != suites.get(t))),
    )


def _reason(
    graph: Graph,
    name: str,
    wanted: Mapping[str, Fingerprint],
    built: Mapping[str, Built],
    reasons: Mapping[str, str],
) -> str:
    node = graph.nodes[name]
    missing = [table.name for table in node.tables if table.name not in built]
    if missing:
        return "new"
    old, new = built[node.tables[0].name].fingerprint, wanted[name]
    if old.digest == new.digest:
        return ""
    stale = [parent for parent in graph.parents(name) if parent in reasons]
    if old.definition != new.definition:
        what = {"source": "source files", "seed": "seed", "sql": "SQL", "python": "code"}
        return f"{what[node.kind]} changed"
    for key, value in new.settings.items():
        if old.settings.get(key) != value:
            return f"setting {key}: {old.settings.get(key, 'none')} -> {value}"
    if stale:
        more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
        return f"reads {stale[0]}{more}"
    return "reads other tables than before"


def _check_parents(graph: Graph, chosen: Set[str], reasons: Mapping[str, str]) -> None:
    for name in graph.nodes:
        if name in chosen:
            for parent in graph.parents(name):
                if parent in reasons and parent not in chosen:
                    raise LesionsError(
                        f"{name} needs {parent}, which is out of date ({reasons[parent]}). "
                        f"Build both with the selector '+{name}'."
                    )
