"""``lesions docs --dbt``: dbt's manifest of the graph."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from bi.other_pythons import python_of

from warehouse.database import open_published
from warehouse.project import Project
from warehouse.reference.dbt_manifest import make_manifest


@pytest.fixture(scope="module")
def file(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_manifest(built, tmp_path_factory.mktemp("dbt") / "manifest.json")


@pytest.fixture(scope="module")
def manifest(file: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_every_table_that_is_made_stands_in_it_with_its_columns_and_rows_of_lineage(
    built: Project, manifest: Mapping[str, Any]
) -> None:
    nodes = {**manifest["nodes"], **manifest["sources"]}
    tables = {
        one["relation_name"].removeprefix('"warehouse".').replace('"', ""): one
        for one in nodes.values()
        if one["resource_type"] != "test"
    }
    with open_published(built.published) as con:
        models = {name for (name,) in con.execute("SELECT name FROM meta.model").fetchall()}
        columns = con.execute(
            "SELECT schema_name || '.' || table_name, column_name, data_type "
            "FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        edges = con.execute("SELECT table_name, from_table FROM meta.lineage_table").fetchall()
    assert set(tables) == models
    for table, column, kind in columns:
        if table in tables:
            assert tables[table]["columns"][column]["data_type"] == kind
    given = {
        (table, parent)
        for table, one in tables.items()
        for parent in manifest["parent_map"][one["unique_id"]]
    }
    assert {(table, nodes[parent]["schema"], nodes[parent].get("alias", nodes[parent]["name"]))
            for table, parent in given} == {
        (table, *parent.split(".")) for table, parent in edges if table in tables
        and parent in tables
    }  # fmt: skip


def test_every_check_is_a_test_of_its_table(built: Project, manifest: Mapping[str, Any]) -> None:
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test"]
    with open_published(built.published) as con:
        made = con.execute(
            "SELECT count(*), count(*) FILTER (severity = 'critical') FROM quality.check_result"
        ).fetchall()[0]
    assert len(tests) >= made[0] > 2000
    assert sum(test["config"]["severity"] == "ERROR" for test in tests) >= made[1]
    assert all(test["attached_node"] in {**manifest["nodes"], **manifest["sources"]}
               for test in tests)  # fmt: skip


def test_parents_and_children_are_each_others(manifest: Mapping[str, Any]) -> None:
    down = {(p, c) for c, parents in manifest["parent_map"].items() for p in parents}
    up = {(p, c) for p, children in manifest["child_map"].items() for c in children}
    assert down == up
    assert set(manifest["parent_map"]) == {*manifest["nodes"], *manifest["sources"]}


@pytest.mark.external
def test_a_reader_of_version_12_takes_it(file: Path) -> None:
    code = (
        "import json, sys; from dbt_artifacts_parser.parser import parse_manifest_v12; "
        "m = parse_manifest_v12(json.load(open(sys.argv[1]))); print(len(m.nodes))"
    )
    run = subprocess.run(
        [str(python_of("dbt-artifacts")), "-c", code, str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    assert int(run.stdout) > 2000
