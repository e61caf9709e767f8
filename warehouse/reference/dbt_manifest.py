"""The graph as ``manifest.json`` of dbt, schema version 12, which data catalogues read.

dbt is not needed, and does not run this: models, seeds and raw tables with their columns,
descriptions, parents, SQL and checks, in the form in which DataHub, OpenMetadata, Atlan and others
take a project of dbt. A Python step that fills several tables is one model per table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from warehouse.database import open_published
from warehouse.pages import write_page
from warehouse.project import Project
from warehouse.reference.describe import describe

FILE_NAME = "manifest.json"
SCHEMA = "https://schemas.getdbt.com/dbt/manifest/v12.json"
DBT_VERSION = "1.9.0"
"""The oldest dbt that writes this version; readers ask for it, no dbt has written the file."""
PACKAGE = "lesion_warehouse"
DATABASE = "warehouse"
_SEVERITIES = {"critical": "ERROR"}
"""A critical check stops a run, as dbt's ERROR; others warn."""


def make_manifest(project: Project, output: Path | None = None) -> Path:
    """Writes the manifest of a published warehouse; the file is replaced as a whole.

    Args:
        project: the project.
        output: the file to write; ``manifest.json`` in the project's folder where None.

    Raises:
        LesionsError: there is no published warehouse.
    """
    target = output or project.root / FILE_NAME
    with open_published(project.published) as connection:
        content = describe(connection, project)
        finished = connection.execute(
            "SELECT strftime(max(finished_at), '%Y-%m-%dT%H:%M:%S.%fZ') FROM meta.run"
        ).fetchall()[0][0]
    made = manifest(content["tables"], project.root.name, finished)
    write_page(target, json.dumps(made, ensure_ascii=False, indent=1) + "\n")
    return target


def manifest(
    tables: Sequence[Mapping[str, Any]], project_name: str, finished_at: str
) -> dict[str, Any]:
    """The manifest, ready for JSON.

    Args:
        tables: the tables as :func:`warehouse.reference.describe.describe` gives them.
        project_name: the project.
        finished_at: when the warehouse was published, ISO 8601, UTC.
    """
    tables = [table for table in tables if table["kind"] != "engine"]
    ids = {table["name"]: _unique_id(table) for table in tables}
    nodes: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for table in tables:
        if table["kind"] == "source":
            sources[ids[table["name"]]] = _source(table)
            continue
        node = _node(table, [ids[name] for name in table["reads"] if name in ids])
        nodes[node["unique_id"]] = node
    parents = {one: list(node["depends_on"].get("nodes", ())) for one, node in nodes.items()}
    parents |= {one: [] for one in sources}
    for table in tables:
        for test in _tests(table, ids[table["name"]]):
            nodes[test["unique_id"]] = test
            parents[test["unique_id"]] = list(test["depends_on"]["nodes"])
    children: dict[str, list[str]] = {one: [] for one in parents}
    for child, its in sorted(parents.items()):
        for parent in its:
            children[parent].append(child)
    return {
        "metadata": {
            "dbt_schema_version": SCHEMA,
            "dbt_version": DBT_VERSION,
            "generated_at": finished_at,
            "invocation_id": None,
            "env": {"lesion_warehouse": version("lesion-warehouse")},
            "project_name": project_name,
            "adapter_type": "duckdb",
        },
        "nodes": nodes,
        "sources": sources,
        **{name: {} for name in ("macros", "docs", "exposures", "metrics", "groups", "selectors")},
        "disabled": {},
        "parent_map": parents,
        "child_map": children,
        "group_map": {},
        "saved_queries": {},
        "semantic_models": {},
        "unit_tests": {},
    }


def _unique_id(table: Mapping[str, Any]) -> str:
    """dbt's id; a table's name is unique in its schema only, so that both stand in it."""
    schema, name = table["name"].split(".", 1)
    if table["kind"] == "source":
        return f"source.{PACKAGE}.{schema}.{name}"
    kind = "seed" if table["kind"] == "seed" else "model"
    return f"{kind}.{PACKAGE}.{schema}__{name}"


def _described(table: Mapping[str, Any]) -> dict[str, Any]:
    """What a node and a source have both."""
    schema, name = table["name"].split(".", 1)
    return {
        "database": DATABASE,
        "schema": schema,
        "package_name": PACKAGE,
        "path": table["path"],
        "original_file_path": table["path"],
        "unique_id": _unique_id(table),
        "fqn": [PACKAGE, schema, name],
        "description": f"{table['description']}\nGrain: {table['grain']}",
        "columns": {
            column["name"]: {
                "name": column["name"],
                "description": column["comment"] or "",
                "meta": {"unit": column["unit"]} if column["unit"] else {},
                "data_type": column["type"] or None,
                "constraints": [],
                "tags": [],
            }
            for column in table["columns"]
        },
        "meta": {"grain": table["grain"], "key": list(table["key"]), "node": table["node"]},
        "tags": list(table["tags"]),
        "relation_name": f'"{DATABASE}"."{schema}"."{name}"',
    }


def _node(table: Mapping[str, Any], parents: Sequence[str]) -> dict[str, Any]:
    schema, name = table["name"].split(".", 1)
    described = _described(table)
    is_seed = table["kind"] == "seed"
    is_view = "view" in table["tags"]
    materialized = "seed" if is_seed else "view" if is_view else "table"
    node = {
        **described,
        "name": f"{schema}__{name}",
        "alias": name,
        "resource_type": "seed" if is_seed else "model",
        "checksum": {
            "name": "sha256",
            "checksum": hashlib.sha256(table["text"].encode()).hexdigest(),
        },
        "config": {
            "enabled": True,
            "alias": name,
            "schema": schema,
            "materialized": materialized,
            "tags": described["tags"],
            "meta": described["meta"],
        },
        "depends_on": {"macros": []},
    }
    if is_seed:
        return node
    return {
        **node,
        "raw_code": table["text"],
        "language": "python" if table["kind"] == "step" else "sql",
        "depends_on": {"macros": [], "nodes": sorted(parents)},
        "refs": [],
        "sources": [],
        "metrics": [],
        "compiled": True,
        "compiled_code": table["text"],
        "extra_ctes_injected": True,
        "extra_ctes": [],
        "primary_key": list(table["key"]),
    }


def _source(table: Mapping[str, Any]) -> dict[str, Any]:
    schema, name = table["name"].split(".", 1)
    return {
        **_described(table),
        "name": name,
        "resource_type": "source",
        "source_name": schema,
        "source_description": "Files of the studies, as text, in the shape of SDTM.",
        "loader": "lesions load",
        "identifier": name,
    }


def _tests(table: Mapping[str, Any], unique_id: str) -> list[dict[str, Any]]:
    """The table's checks as generic tests."""
    schema, name = table["name"].split(".", 1)
    found = []
    for check in table["checks"]:
        label = f"{schema}__{name}__{check['id']}"
        arguments = json.loads(check["arguments"]) if check["arguments"] else {}
        column = arguments.get("column")
        found.append(
            {
                "database": DATABASE,
                "schema": "quality",
                "name": label,
                "resource_type": "test",
                "package_name": PACKAGE,
                "path": f"expectations/{schema}/{name}.yml",
                "original_file_path": f"expectations/{schema}/{name}.yml",
                "unique_id": f"test.{PACKAGE}.{label}",
                "fqn": [PACKAGE, schema, label],
                "alias": label,
                "checksum": {"name": "none", "checksum": ""},
                "config": {
                    "enabled": True,
                    "severity": _SEVERITIES.get(check["severity"], "WARN"),
                    "tags": [],
                    "meta": {},
                },
                "description": check["meaning"] or "",
                "meta": {"severity": check["severity"], "remedy": check["remedy"]},
                "tags": [],
                "columns": {},
                "raw_code": "",
                "language": "sql",
                "depends_on": {"macros": [], "nodes": [unique_id]},
                "refs": [],
                "sources": [],
                "metrics": [],
                "attached_node": unique_id,
                "column_name": column if isinstance(column, str) else None,
                "file_key_name": f"models.{name}",
                "test_metadata": {
                    "name": check["kind"].replace(" ", "_"),
                    "kwargs": arguments,
                    "namespace": PACKAGE,
                },
            }
        )
    return found
