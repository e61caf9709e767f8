"""Model files: what is read from them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from warehouse.errors import LesionsError
from warehouse.lineage import ColumnEdge, column_lineage
from warehouse.memory import Memory
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


SCHEMA = {
    "staging.a": {"id": "VARCHAR", "d": "DOUBLE", "x": "DOUBLE", "day": "INTEGER"},
    "staging.b": {"id": "VARCHAR", "e": "DOUBLE", "y": "DOUBLE"},
}


def by_column(edges: tuple[ColumnEdge, ...]) -> dict[str, set[str]]:
    """By column of the model, the columns behind it as ``a.id``."""
    found: dict[str, set[str]] = {}
    for edge in edges:
        name = f"{edge.from_table.removeprefix('staging.')}.{edge.from_column}"
        found.setdefault(edge.column_name, set()).add(name)
    return found


def test_column_lineage_goes_through_joins_unions_and_windows(tmp_path: Path) -> None:
    body = (
        "WITH u AS (SELECT id, d FROM staging.a UNION ALL SELECT id, e FROM staging.b), "
        "w AS (SELECT id, max(d) OVER (PARTITION BY id) AS top FROM u), "
        "f AS (SELECT u.id, -- id\n u.d / w.top AS share -- share\nFROM u JOIN w USING (id)) "
        "SELECT * FROM f"
    )
    found = column_lineage(model(tmp_path, body), SCHEMA)
    assert by_column(found.feeds) == {"id": {"a.id", "b.id"}, "share": {"a.d", "b.e"}}
    # The key of the join decides the rows, so the window's key needs no line of its own.
    assert by_column(found.influences) == {"*": {"a.*", "a.id", "b.*", "b.id"}}


@pytest.mark.parametrize(
    ("body", "feeds", "influences"),
    [
        ("SELECT id -- i\nFROM staging.a WHERE d > 1", {"id": {"a.id"}}, {"*": {"a.*", "a.d"}}),
        (
            "SELECT id, -- i\nsum(d) AS s -- s\nFROM staging.a GROUP BY id HAVING max(x) > 1",
            {"id": {"a.id"}, "s": {"a.d"}},
            {"*": {"a.*", "a.id", "a.x"}},
        ),
        (
            "SELECT lag(d) OVER (PARTITION BY id ORDER BY day) AS before, -- b\n"
            "first(x ORDER BY day) FILTER (WHERE d > 0) OVER () AS x -- x\nFROM staging.a",
            {"before": {"a.d"}, "x": {"a.x"}},
            {"*": {"a.*"}, "before": {"a.id", "a.day"}, "x": {"a.day", "a.d"}},
        ),
        (
            "WITH u AS (SELECT id, d FROM staging.a UNION ALL BY NAME "
            "SELECT e AS d, id FROM staging.b) "
            "SELECT id, -- i\nd -- d\nFROM u",
            {"id": {"a.id", "b.id"}, "d": {"a.d", "b.e"}},
            {"*": {"a.*", "b.*"}},
        ),
        (
            "WITH u AS (SELECT v.name, v.n FROM (VALUES "
            "('a', (SELECT max(d) FROM staging.a)), "
            "('b', (SELECT min(e) FROM staging.b WHERE y > 0))) AS v (name, n)) "
            "SELECT name AS id, -- i\nn -- n\nFROM u",
            {"n": {"a.d", "b.e"}},
            {"n": {"a.*", "b.*", "b.y"}},
        ),
        (
            "SELECT a.d -- d\nFROM staging.a LEFT JOIN staging.b ON a.id = b.id AND b.y > 0 "
            "WHERE EXISTS (SELECT 1 FROM staging.b AS o WHERE o.e = a.x)",
            {"d": {"a.d"}},
            {"*": {"a.*", "a.id", "a.x", "b.*", "b.id", "b.y", "b.e"}},
        ),
        (
            "SELECT (SELECT max(e) FROM staging.b WHERE b.id = a.id) AS e -- e\nFROM staging.a",
            {"e": {"b.e"}},
            {"*": {"a.*"}, "e": {"b.*", "b.id", "a.id"}},
        ),
        (
            "SELECT DISTINCT id, -- i\nd -- d\nFROM staging.a QUALIFY row_number() OVER "
            "(PARTITION BY id ORDER BY x) = 1",
            {"id": {"a.id"}, "d": {"a.d"}},
            {"*": {"a.*", "a.id", "a.d", "a.x"}},
        ),
        (
            "SELECT id -- i\nFROM staging.a EXCEPT SELECT id FROM staging.b WHERE y = 1",
            {"id": {"a.id", "b.id"}},
            {"*": {"a.*", "a.id", "b.*", "b.id", "b.y"}},
        ),
        ("SELECT count(*) AS n -- n\nFROM staging.a", {}, {"*": {"a.*"}}),
    ],
)  # fmt: skip
def test_what_decides_rows_and_values_without_being_part_of_them(
    tmp_path: Path, body: str, feeds: dict[str, set[str]], influences: dict[str, set[str]]
) -> None:
    found = column_lineage(model(tmp_path, body), SCHEMA)
    assert by_column(found.feeds) == feeds
    assert by_column(found.influences) == influences


def test_lineage_is_worked_out_once_for_the_same_sql_on_the_same_columns(tmp_path: Path) -> None:
    made = model(tmp_path, "SELECT id -- i\nFROM staging.a WHERE d > 1")
    kept = Memory(tmp_path / "lineage.json")
    first = column_lineage(made, SCHEMA, kept)
    kept.save()
    again = Memory(tmp_path / "lineage.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warehouse.lineage._found", lambda *_: pytest.fail("worked out again"))
        assert column_lineage(made, SCHEMA, again) == first
    other = {**SCHEMA, "staging.a": {"id": "VARCHAR", "d": "DOUBLE"}}
    assert column_lineage(made, other, again) == first  # worked out from the other columns


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
