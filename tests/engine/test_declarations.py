"""Tables that steps fill: their declarations, and what does not fit them is named."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from warehouse.contents import content_folder, table_of
from warehouse.declarations import declared, is_declaration, read_declaration
from warehouse.errors import LesionsError
from warehouse.meta import META_DOCS
from warehouse.registry import installed_steps
from warehouse.result_tables import ARROW_TYPES, joined, nulls, result_table

TEXT = """/* Medians of organs.
   Why: to test with.
   Filled by: step toy
   Grain: one row per organ, and a second line
   of the same
   Key: organ
   Tags: public, toy
*/
CREATE TABLE analysis.toy (
    organ VARCHAR, -- which organ
    n BIGINT, -- lesions
    median DOUBLE, -- days until half of them
    -- have responded, with a comma
    is_reached BOOLEAN -- half of them have
)
"""
ROW = {"organ": "liver", "n": 3, "median": 1.5, "is_reached": True}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "analysis").mkdir()
    file = tmp_path / "analysis" / "toy.sql"
    file.write_text(TEXT, encoding="utf-8")
    return file


def test_a_declaration_says_all_that_a_table_is(path: Path) -> None:
    doc = read_declaration(path)
    assert doc.name == "analysis.toy"
    assert doc.description == "Medians of organs.\nWhy: to test with."
    assert doc.grain == "one row per organ, and a second line of the same"
    assert (doc.key, doc.tags) == (("organ",), ("public", "toy"))
    assert doc.columns["median"] == "days until half of them have responded, with a comma"
    assert doc.types == {
        "organ": "VARCHAR",
        "n": "BIGINT",
        "median": "DOUBLE",
        "is_reached": "BOOLEAN",
    }
    assert is_declaration(TEXT)
    assert not is_declaration(TEXT.replace("Filled by:", "Made by:"))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("   Grain: one row per organ, and a second line\n   of the same\n", "", "'Grain: ...'"),
        ("    n BIGINT, -- lesions\n", "    n BIGINT,\n", "toy.sql: 'n BIGINT,' is no column"),
        ("CREATE TABLE analysis.toy", "CREATE TABLE core.toy", "step toy is declared as"),
    ],
)
def test_a_declaration_that_misses_a_part_is_an_error(
    path: Path, old: str, new: str, named: str
) -> None:
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(LesionsError) as error:
        read_declaration(path)
    assert named in str(error.value)


def test_a_table_declared_nowhere_is_an_error() -> None:
    with pytest.raises(LesionsError, match=r"sql/analysis/nowhere\.sql is missing"):
        declared("analysis.nowhere")


def test_every_declared_table_is_filled_by_what_its_file_says_and_is_valid_sql() -> None:
    filled = {
        table.name: f"step {step.name}" for step in installed_steps() for table in step.writes
    }
    filled |= {table.name: "the engine" for table in (*META_DOCS, declared("quality.check_result"))}
    connection = duckdb.connect()
    found = {}
    for path in sorted(content_folder("sql").rglob("*.sql")):
        text = path.read_text(encoding="utf-8")
        if is_declaration(text):
            doc = read_declaration(path)
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {doc.name.split('.')[0]}")
            connection.execute(text)
            columns = connection.table(doc.name)
            assert dict(zip(columns.columns, map(str, columns.types), strict=True)) == doc.types
            assert set(doc.key) <= set(doc.columns), doc.name
            assert set(doc.types.values()) <= {*ARROW_TYPES, "INTEGER"}
            found[doc.name] = text.partition("Filled by: ")[2].partition("\n")[0]
    assert found == filled


@pytest.mark.parametrize("root", ["sql", "expectations"])
def test_no_table_has_two_files(root: str) -> None:
    suffix = {"sql": ".sql", "expectations": ".yml"}[root]
    tables = [table_of(path) for path in content_folder(root).rglob(f"*{suffix}")]
    assert len(tables) == len(set(tables))


def test_columns_stand_in_the_declared_order_and_nan_is_null(path: Path) -> None:
    doc = read_declaration(path)
    rows = [dict(reversed(ROW.items())), {**ROW, "n": np.int64(4), "median": math.nan}]
    table = result_table(doc, rows)
    assert table.column_names == list(doc.columns)
    assert table.to_pylist() == [ROW, {**ROW, "n": 4, "median": None}]
    known = {name: ROW[name] for name in ("organ", "n")}
    row = {**known, **nulls(("median", "is_reached"))}
    assert result_table(doc, [row]).to_pylist() == [{**known, "median": None, "is_reached": None}]
    columns = {
        "median": np.array([1.5, math.nan]),
        "organ": np.array(["liver", "liver"]),
        "n": pa.array([3, 4]),
        "is_reached": np.array([True, True]),
    }
    assert result_table(doc, columns) == table
    assert result_table(doc).to_pylist() == []
    assert joined(doc, [table, table]).num_rows == 4


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"median": "1.5 days"}, "median of analysis.toy is DOUBLE"),
        ({"median": True}, "median of analysis.toy is DOUBLE and has a truth value"),
        ({"n": 3.5}, "n of analysis.toy is BIGINT and has 3.5"),
        ({"n": np.True_}, "n of analysis.toy is BIGINT and has a truth value"),
        ({"organ": 7}, "organ of analysis.toy is VARCHAR"),
        ({"is_reached": 1}, "is_reached of analysis.toy is BOOLEAN"),
    ],
)
def test_a_value_that_does_not_fit_is_named(path: Path, values: dict[str, Any], named: str) -> None:
    doc = read_declaration(path)
    with pytest.raises(TypeError) as error:
        result_table(doc, [ROW, {**ROW, **values}])
    assert named in str(error.value)
    with pytest.raises(TypeError):
        result_table(doc, {name: [ROW[name], (ROW | values)[name]] for name in ROW})


@pytest.mark.parametrize(
    "values",
    [
        {"n": np.array([1.5])},
        {"n": np.array([True])},
        {"n": pa.array([1.0])},
        {"is_reached": np.array([1])},
        {"median": pa.array(["1.5"])},
    ],
)
def test_a_column_of_another_type_is_refused(path: Path, values: dict[str, Any]) -> None:
    doc = read_declaration(path)
    with pytest.raises(TypeError, match=next(iter(values))):
        result_table(doc, {name: [value] for name, value in ROW.items()} | values)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({**ROW, "medain": 2.0}, "missing: none; no column of the table: medain"),
        (
            {name: ROW[name] for name in ("organ", "n")},
            "missing: is_reached, median; no",
        ),
        (
            {"organ": "liver", "n": 1, "medain": 2.0, "is_reached": None},
            "missing: median; no .*: medain",
        ),
    ],
)
def test_a_name_too_many_or_too_few_is_an_error(
    path: Path, row: dict[str, object], named: str
) -> None:
    doc = read_declaration(path)
    with pytest.raises(TypeError, match=named):
        result_table(doc, [ROW, row])
    with pytest.raises(TypeError, match=named):
        result_table(doc, {name: [value] for name, value in row.items()})
