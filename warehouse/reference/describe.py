"""Gathers what the catalogue says: from the installed models, and from a published warehouse."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from warehouse.checks import Suite
from warehouse.contents import shown_path
from warehouse.fingerprints import step_sources
from warehouse.graph import Graph, Node
from warehouse.memory import Memory
from warehouse.meta import META_DOCS
from warehouse.own import ProjectSuites, project_graph
from warehouse.project import Project
from warehouse.registry import TableDoc
from warehouse.settings import SETTINGS, as_text

UNITS = {
    "_mm": "mm",
    "_mm3": "mm³",
    "_mm3_per_day": "mm³ per day",
    "_days": "days",
    "_day": "day from the first dose",
    "_per_day": "per day",
    "_years": "years",
    "_percent": "percent",
    "_kg_m2": "kg/m²",
    "_m2": "m²",
    "percent": "percent",
    "_seconds": "seconds",
}
"""Units by the end of a column's name (they are part of the name in this warehouse)."""

_MODES = {"day": "day from the first dose", "seconds": "seconds"}


def unit_of(column: str) -> str:
    """The unit that a column's name states; empty where it states none.

    >>> unit_of("volume_mm3"), unit_of("kg_per_day"), unit_of("organ")
    ('mm³', 'per day', '')
    """
    if column in _MODES:
        return _MODES[column]
    ends = [end for end in UNITS if column.endswith(end)]
    return UNITS[max(ends, key=len)] if ends else ""


def describe(connection: duckdb.DuckDBPyConnection, project: Project) -> dict[str, Any]:
    """All tables with columns, lineage, checks and sources, ready for JSON.

    Args:
        connection: a published warehouse.
        project: the project that it is of.
    """
    memory = Memory()  # the modules of steps are many steps' own: each is parsed once
    graph = project_graph(project, memory)
    suites = ProjectSuites(project)
    stored = _Stored(connection)
    tables = [
        _table(doc, graph.nodes[graph.producer[doc.name]], memory, suites, stored)
        for doc in graph.table_docs.values()
    ]
    tables += [_engine_table(doc, stored) for doc in META_DOCS]
    tables += _other_tables({str(table["name"]) for table in tables}, stored)
    return {
        "tables": sorted(tables, key=lambda table: str(table["name"])),
        "sources": _python_sources(graph, memory),
        "macros": {name: macro.sql.strip() for name, macro in graph.macros.items()},
        "columnEdges": stored.column_edges,
        "settings": [
            {
                "name": one.name,
                "type": one.type_name,
                "default": as_text(one.default),
                "value": stored.settings.get(one.name, as_text(one.default)),
                "meaning": one.comment,
            }
            for one in SETTINGS
        ],
    }


class _Stored:
    """What a published warehouse says of its tables."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.types: dict[str, dict[str, str]] = {}
        for table, column, kind in connection.execute(
            "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY ALL"
        ).fetchall():
            self.types.setdefault(table, {})[column] = kind
        self.built = {
            name: (rows, built, seconds)
            for name, rows, built, seconds in connection.execute(
                "SELECT name, rows, strftime(built_at, '%Y-%m-%d %H:%M'), seconds FROM meta.model"
            ).fetchall()
        }
        self.settings = dict(connection.execute("SELECT name, value FROM meta.setting").fetchall())
        self.column_edges = [
            list(row)
            for row in connection.execute(
                "SELECT table_name, column_name, from_table, from_column FROM meta.lineage_column "
                "ORDER BY ALL"
            ).fetchall()
        ]
        self.checks: dict[tuple[str, str], tuple[str, str, bool]] = {
            (table, check): (severity, meaning, success)
            for table, check, severity, meaning, success in connection.execute(
                "SELECT table_name, check_id, severity, description, success "
                "FROM quality.check_result"
            ).fetchall()
        }
        self.others = connection.execute(
            "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() UNION ALL "
            "SELECT schema_name || '.' || view_name, comment FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        self.comments: dict[tuple[str, str], str] = {
            (table, column): comment
            for table, column, comment in connection.execute(
                "SELECT schema_name || '.' || table_name, column_name, comment "
                "FROM duckdb_columns() WHERE comment IS NOT NULL"
            ).fetchall()
        }


def _table(
    doc: TableDoc, node: Node, memory: Memory, suites: Mapping[str, Suite], stored: _Stored
) -> dict[str, Any]:
    rows, built, seconds = stored.built.get(doc.name, (None, None, None))
    return {
        **_described(doc, stored),
        "kind": node.kind,
        "node": node.name,
        "reads": sorted(node.reads),
        "tags": list(doc.tags),
        "settings": list(node.settings),
        "rows": rows,
        "built": built,
        "seconds": seconds,
        "checks": _checks(doc, suites, stored),
        **_source(node, memory),
    }


def _described(doc: TableDoc, stored: _Stored) -> dict[str, Any]:
    types = stored.types.get(doc.name, {})
    return {
        "name": doc.name,
        "description": doc.description,
        "grain": doc.grain,
        "key": list(doc.key),
        "columns": [
            {
                "name": name,
                "type": types.get(name, ""),
                "comment": comment,
                "unit": unit_of(name) if types.get(name, "") not in ("VARCHAR", "BOOLEAN") else "",
            }
            for name, comment in (dict(doc.columns) | _undeclared(doc, types, stored)).items()
        ],
    }


def _undeclared(doc: TableDoc, types: Mapping[str, str], stored: _Stored) -> dict[str, str | None]:
    """Stored columns that the table's definition does not list: what a source has beyond SDTM."""
    return {
        name: stored.comments.get((doc.name, name)) for name in types if name not in doc.columns
    }


def _engine_table(doc: TableDoc, stored: _Stored) -> dict[str, Any]:
    return {
        **_described(doc, stored),
        "kind": "engine",
        "node": doc.name,
        "reads": [],
        "tags": [],
        "settings": [],
        "rows": None,
        "built": None,
        "seconds": None,
        "checks": [],
        "path": "warehouse",
        "text": "",
        "modules": [],
        "macros": [],
    }


def _other_tables(known: set[str], stored: _Stored) -> list[dict[str, Any]]:
    """What the warehouse holds beyond the models, as its own comments describe it."""
    found = []
    for name, comment in stored.others:
        if name not in known:
            text, _, grain = (comment or "").partition("\nGrain: ")
            columns = {c: stored.comments.get((name, c), "") for c in stored.types.get(name, {})}
            found.append(_engine_table(TableDoc(name, text, grain, (), columns), stored))
    return found


def _checks(doc: TableDoc, suites: Mapping[str, Suite], stored: _Stored) -> list[dict[str, Any]]:
    """The table's checks: those of its suite, then those that every table has."""
    suite = suites.get(doc.name)
    found = []
    for check in suite.checks if suite else ():
        _, _, success = stored.checks.get((doc.name, check.check_id), ("", "", None))
        arguments = json.dumps(check.kwargs, ensure_ascii=False, sort_keys=True)
        found.append(
            {
                "id": check.check_id,
                "kind": check.kind,
                "severity": check.severity,
                "meaning": check.description,
                "remedy": check.remedy,
                "arguments": arguments,
                "success": success,
            }
        )
    own = {entry["id"] for entry in found}
    for (table, check_id), (severity, meaning, success) in sorted(stored.checks.items()):
        if table == doc.name and check_id not in own:
            found.append(
                {
                    "id": check_id,
                    "kind": "made for every table",
                    "severity": severity,
                    "meaning": meaning,
                    "remedy": None,
                    "arguments": "",
                    "success": success,
                }
            )
    return found


def _source(node: Node, memory: Memory) -> dict[str, Any]:
    """Where a node's definition is, and its text or (of Python) the modules that hold it."""
    if node.model is not None:
        path = shown_path("sql", node.model.path)
        macros = list(node.model.macros)
        return {"path": path, "text": node.model.text, "modules": [], "macros": macros}
    if node.seed is not None:
        text = node.seed.path.read_text(encoding="utf-8")
        path = f"sql/seeds/{node.seed.path.name}"
        return {"path": path, "text": text, "modules": [], "macros": []}
    if node.step is not None:
        _, line = inspect.getsourcelines(node.step.function)
        return {
            "path": f"{node.step.module.replace('.', '/')}.py, line {line}",
            "text": inspect.getsource(node.step.function),
            "modules": [_relative(path) for path in step_sources(node.step.module, memory)],
            "macros": [],
        }
    return {"path": "warehouse/sources", "text": "", "modules": [], "macros": []}


def _relative(path: Path) -> str:
    """A module's path from the folder that its package lies in."""
    parts = path.parts
    tops = [parts.index(name) for name in ("flows", "udfs", "warehouse") if name in parts]
    top = max(tops, default=len(parts) - 1)  # a module of the project's own
    return "/".join(parts[top:])


def _python_sources(graph: Graph, memory: Memory) -> dict[str, str]:
    """Text of every module behind a Python step, by its path."""
    return {
        _relative(path): path.read_text(encoding="utf-8")
        for node in graph.nodes.values()
        if node.step is not None
        for path in step_sources(node.step.module, memory)
    }
