"""Model files: what is read from them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from warehouse.errors import LesionsError
from warehouse.lineage import ColumnEdge, column_edges
from warehouse.models import SqlModel, read_macros, read_model, read_models

HEADER = "/* A thing.\n   Why: because.\n   Grain: one row per id\n   Key: id\n   Tags: a, b\n*/\n"
SETTINGS = frozenset({"volume.axis_ratio"})


def model(tmp_path: Path, body: str, name: str = "core.thing", header: str = HEADER) -> SqlModel:
    layer, table = name.split(".")
    (tmp_path / layer).mkdir(exist_ok=True)
    path = tmp_path / layer / f"{table}.sql"
    path.write_text(header + body)
    return read_model(path, SETTINGS, frozenset({"double_it"}))


def test_header_and_comments_become_the_description(tmp_path: Path) -> None:
    found = model(
        tmp_path, "SELECT x AS id, -- the id\n  y + 1 AS z -- more, by one\nFROM staging.a"
    )
    assert found.doc.description == "A thing.\nWhy: because."
    assert found.doc.grain == "one row per id"
    assert found.doc.key == ("id",)
    assert found.doc.tags == ("a", "b")
    assert found.doc.columns == {"id": "the id", "z": "more, by one"}


def test_comments_are_found_behind_a_last_select_star(tmp_path: Path) -> None:
    body = "WITH f AS (SELECT x AS id -- the id\nFROM staging.a) SELECT * FROM f ORDER BY id"
    assert model(tmp_path, body).doc.columns == {"id": "the id"}


def test_reads_leave_out_ctes_even_of_the_same_name(tmp_path: Path) -> None:
    body = (
        "WITH a AS (SELECT x FROM staging.a), b AS (SELECT x FROM a) "
        "SELECT b.x AS id -- id\nFROM b JOIN core.c ON c.x = b.x "
        "WHERE EXISTS (SELECT 1 FROM raw.tr WHERE tr.usubjid = b.x)"
    )
    assert model(tmp_path, body).reads == ("core.c", "raw.tr", "staging.a")


def test_settings_and_macros_are_found(tmp_path: Path) -> None:
    body = (
        "SELECT double_it(x) * (SELECT CAST(value AS DOUBLE) FROM meta.setting "
        "WHERE name = 'volume.axis_ratio') AS id -- id\nFROM staging.a"
    )
    found = model(tmp_path, body)
    assert found.settings == ("volume.axis_ratio",)
    assert found.macros == ("double_it",)
    assert found.reads == ("staging.a",)


@pytest.mark.parametrize(
    ("body", "header", "words"),
    [
        ("SELECT x AS id FROM staging.a", HEADER, "'id' has no comment"),
        ("SELECT * FROM staging.a", HEADER, "has no comment"),
        ("CREATE TABLE t AS SELECT 1", HEADER, "one SELECT"),
        ("SELECT 1 AS id -- x\n; SELECT 2", HEADER, "one SELECT"),
        ("SELECT FROM WHERE", HEADER, "cannot be parsed"),
        ("SELECT x AS id -- x\nFROM mart.a", HEADER, "later layer"),
        ("SELECT x AS id -- x\nFROM other.a", HEADER, "reads only"),
        ("SELECT x AS id -- x\nFROM staging.a", "", "header"),
        ("SELECT x AS id -- x\nFROM staging.a", "/* A thing.\n Grain: one */", "'Key: ...'"),
        (
            "SELECT (SELECT value FROM meta.setting WHERE name = 'volume.axis') AS id -- x\n",
            HEADER,
            "volume.axis",
        ),
    ],
)
def test_refused(tmp_path: Path, body: str, header: str, words: str) -> None:
    with pytest.raises(LesionsError, match=r"model core\.thing") as caught:
        model(tmp_path, body, header=header)
    assert words in str(caught.value)


def test_column_lineage_goes_through_joins_unions_and_windows(tmp_path: Path) -> None:
    body = (
        "WITH u AS (SELECT id, d FROM staging.a UNION ALL SELECT id, e FROM staging.b), "
        "w AS (SELECT id, max(d) OVER (PARTITION BY id) AS top FROM u), "
        "f AS (SELECT u.id, -- id\n u.d / w.top AS share -- share\nFROM u JOIN w USING (id)) "
        "SELECT * FROM f"
    )
    schema = {
        "staging.a": {"id": "VARCHAR", "d": "DOUBLE"},
        "staging.b": {"id": "VARCHAR", "e": "DOUBLE"},
    }
    edges = column_edges(model(tmp_path, body), schema)
    share = {(e.from_table, e.from_column) for e in edges if e.column_name == "share"}
    assert share == {
        ("staging.a", "d"),
        ("staging.b", "e"),
        ("staging.a", "id"),
        ("staging.b", "id"),
    }
    assert ColumnEdge("core.thing", "id", "staging.a", "id") in edges


def test_macros_come_in_an_order_in_which_they_can_be_created(tmp_path: Path) -> None:
    folder = tmp_path / "macros"
    folder.mkdir()
    (folder / "a_first.sql").write_text("CREATE OR REPLACE MACRO a_first(x) AS z_last(x) + 1;")
    (folder / "z_last.sql").write_text("CREATE OR REPLACE MACRO z_last(x) AS x * 2;")
    macros = read_macros(tmp_path)
    assert list(macros) == ["z_last", "a_first"]
    assert macros["a_first"].uses == ("z_last",)


def test_a_macro_holds_the_value_of_its_setting_and_hands_it_on(tmp_path: Path) -> None:
    folder = tmp_path / "macros"
    folder.mkdir()
    (folder / "round_volume.sql").write_text(
        "CREATE OR REPLACE MACRO round_volume(x) AS x / 1.31 /* setting volume.axis_ratio */;"
    )
    (folder / "twice.sql").write_text("CREATE OR REPLACE MACRO twice(x) AS 2 * round_volume(x);")
    (tmp_path / "core").mkdir()
    (tmp_path / "core/a.sql").write_text(
        "/* A.\n   Grain: one row per id\n   Key: id */\nSELECT twice(2) AS id -- id\n"
    )
    macros = read_macros(tmp_path)
    assert macros["round_volume"].settings == ("volume.axis_ratio",)
    with duckdb.connect() as connection:
        connection.execute(macros["round_volume"].with_values({"volume.axis_ratio": 1.6}))
        assert connection.execute("SELECT round_volume(4)").fetchone() == (2.5,)
    (found,) = read_models(tmp_path, SETTINGS)
    assert found.settings == ("volume.axis_ratio",)
