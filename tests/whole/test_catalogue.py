"""``lesions docs``: the catalogue against the warehouse."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any

import pytest

from warehouse.database import open_published
from warehouse.project import Project
from warehouse.reference.describe import unit_of
from warehouse.reference.make import make_catalogue


@pytest.fixture(scope="module")
def html(built: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = make_catalogue(built, tmp_path_factory.mktemp("docs") / "c.html")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def content(html: str) -> dict[str, Any]:
    found = re.search(r'id="content">([^<]*)<', html)
    assert found is not None
    made: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(found.group(1))))
    return made


@pytest.fixture(scope="module")
def tables(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {table["name"]: table for table in content["tables"]}


def test_the_page_loads_nothing(html: str) -> None:
    links = re.findall(r'(?:src|href)="([^"]*)"', html.split("<script")[0])
    assert {link for link in links if not link.startswith("#")} == {"data:,"}
    assert "https://" not in html


def test_every_table_and_column_is_there_as_the_warehouse_describes_it(
    built: Project, tables: dict[str, dict[str, Any]]
) -> None:
    with open_published(built.published) as con:
        columns = con.execute(
            "SELECT schema_name || '.' || table_name, column_name, data_type, comment "
            "FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    assert len(columns) > 2000
    assert {table for table, *_ in columns} == set(tables)
    for table, name, kind, comment in columns:
        (found,) = [column for column in tables[table]["columns"] if column["name"] == name]
        assert (found["type"], found["comment"]) == (kind, comment), f"{table}.{name}"


def test_every_model_has_grain_key_and_source(tables: dict[str, dict[str, Any]]) -> None:
    for table in tables.values():
        if table["kind"] in ("sql", "python", "seed"):
            assert table["grain"]
            assert table["key"]
            assert table["text"]
    assert "SELECT" in tables["core.lesion"]["text"]
    assert tables["core.lesion"]["path"] == "sql/core/lesion.sql"
    growth = tables["analysis.growth_lesion"]
    assert growth["path"].startswith("flows/steps/growth/growth.py, line ")
    assert growth["text"].startswith("@step(")
    assert "flows/steps/growth/growth.py" in growth["modules"]


def test_lineage_is_that_of_the_warehouse(built: Project, content: dict[str, Any]) -> None:
    with open_published(built.published) as con:
        by_table = con.execute("SELECT * FROM meta.lineage_table ORDER BY ALL").fetchall()
        by_column = con.execute("SELECT * FROM meta.lineage_column ORDER BY ALL").fetchall()
    shown = {(table["name"], read) for table in content["tables"] for read in table["reads"]}
    assert shown == set(by_table)
    assert [tuple(edge) for edge in content["columnEdges"]] == by_column


def test_checks_stand_with_their_results(built: Project, tables: dict[str, dict[str, Any]]) -> None:
    with open_published(built.published) as con:
        results = con.execute(
            "SELECT table_name, check_id, success FROM quality.check_result"
        ).fetchall()
    for table, check_id, success in results:
        (found,) = [check for check in tables[table]["checks"] if check["id"] == check_id]
        assert found["success"] == success


def test_no_patient_is_in_the_catalogue(built: Project, content: dict[str, Any]) -> None:
    with open_published(built.published) as con:
        patients = [row[0] for row in con.execute("SELECT usubjid FROM core.patient").fetchall()]
    text = json.dumps(content)
    assert patients
    assert [patient for patient in patients if patient in text] == []


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("diameter_mm", "mm"), ("volume_mm3", "mm³"), ("kg_per_day", "per day"),
        ("day", "day from the first dose"),
        ("bmi_kg_m2", "kg/m²"), ("bsa_m2", "m²"), ("os_days", "days"), ("organ", ""),
        ("percent", "percent"),
        ("change_from_baseline_percent", "percent"), ("progression_day", "day from the first dose"),
    ],
)  # fmt: skip
def test_units_are_read_from_names(column: str, unit: str) -> None:
    assert unit_of(column) == unit
