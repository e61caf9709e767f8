"""Views that users build on the mirror: no publish fails on them, and those that fit are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bi.small_warehouse import write_warehouse

from warehouse.errors import LesionsError
from warehouse.publishing.postgres import publish_to_postgres

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed (extra: postgres)")

Database = Callable[[str], str]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    write_warehouse(path, 1, extra=True)
    return path


def run(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def a_user(database: Database, name: str = "ana") -> str:
    """A user with a schema of her own who may read the mirror; the publisher is none of her
    roles' members."""
    admin = database("admin")
    if not run(admin, f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"):
        run(admin, f"CREATE ROLE {name} LOGIN")
    run(admin, f"GRANT lesions_reader TO {name}; CREATE SCHEMA {name} AUTHORIZATION {name}")
    return database(name)


def change(published: Path, sql: str) -> None:
    """Alters the published file as another version's models would."""
    with duckdb.connect(str(published)) as connection:
        connection.execute(sql)


def test_views_of_columns_that_stay_are_not_touched_whoever_owns_them(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    ana = a_user(database)
    run(
        ana,
        "CREATE VIEW ana.states AS SELECT id, state FROM mart.fct WHERE id < 3;"
        "CREATE VIEW ana.top AS SELECT max(id) AS id, count(*) AS n FROM ana.states;"
        "CREATE MATERIALIZED VIEW ana.kept AS SELECT state FROM mart.fct;"
        "COMMENT ON VIEW ana.states IS 'three'; GRANT SELECT ON ana.states TO PUBLIC",
    )
    before = run(url, "SELECT oid, relacl::text FROM pg_class WHERE relname = 'states'")
    write_warehouse(published, 2)  # without the column extra, and without the table more
    report = publish_to_postgres(published, url)
    assert report.dropped == ()
    assert run(ana, "SELECT * FROM ana.states ORDER BY id") == [(0, 2), (1, 2), (2, 2)]
    assert run(ana, "SELECT * FROM ana.top") == [(2, 3)]
    assert run(url, "SELECT oid, relacl::text FROM pg_class WHERE relname = 'states'") == before
    write_warehouse(published, 3, extra=True)
    assert publish_to_postgres(published, url).dropped == ()
    assert run(ana, "SELECT DISTINCT state FROM ana.states") == [(3,)]
    assert run(url, "SELECT DISTINCT extra FROM mart.fct") == [(1.5,)]
    run(ana, "REFRESH MATERIALIZED VIEW ana.kept")
    assert run(ana, "SELECT DISTINCT state FROM ana.kept") == [(3,)]
    # Where columns came back they stand last: that is no reason to change the table again.
    write_warehouse(published, 4, extra=True)
    assert publish_to_postgres(published, url).n_remade == 0
    with duckdb.connect(str(published), read_only=True) as connection:
        wanted = connection.execute("SELECT id, state, extra FROM mart.fct ORDER BY id").fetchall()
    assert run(url, "SELECT id, state, extra FROM mart.fct ORDER BY id") == wanted
    assert run(url, "SELECT col_description('mart.fct'::regclass, 2)") == [
        ("which state; it's the same everywhere",)
    ]


def test_a_view_that_does_not_fit_is_named_with_what_made_it(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    ana = a_user(database)
    run(
        ana,
        "CREATE VIEW ana.extras AS SELECT extra FROM mart.fct;"
        "CREATE VIEW ana.above AS SELECT extra * 2 AS twice FROM ana.extras;"
        "CREATE VIEW ana.more AS SELECT id FROM mart.more;"
        "CREATE VIEW ana.fine AS SELECT state FROM mart.fct",
    )
    write_warehouse(published, 2)
    report = publish_to_postgres(published, url)
    named = "\n".join(report.dropped)
    assert len(report.dropped) == 3
    for name in ("ana.above of ana", "ana.extras of ana", "ana.more of ana"):
        assert f"the view {name} was dropped" in named
    assert "it uses fct.extra, which went or changed; and this user may not act as ana" in named
    assert 'CREATE VIEW "ana"."extras" AS SELECT fct.extra FROM mart.fct' in named
    assert run(ana, "SELECT DISTINCT state FROM ana.fine") == [(2,)]
    assert run(ana, "SELECT to_regclass('ana.extras'), to_regclass('mart.more')") == [(None, None)]
    assert publish_to_postgres(published, url).dropped == ()


def test_views_of_a_column_that_changes_type_are_made_again_where_the_publisher_may(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    ana, bea = a_user(database), a_user(database, "bea")
    view = (
        "CREATE VIEW {0}.states WITH (security_barrier=true) "
        "AS SELECT state + 1 AS s FROM mart.fct;"
        "CREATE MATERIALIZED VIEW {0}.most AS SELECT max(s) AS s FROM {0}.states;"
        "CREATE UNIQUE INDEX ON {0}.most (s);"
        "COMMENT ON VIEW {0}.states IS 'one''s more'; GRANT SELECT ON {0}.states TO PUBLIC"
    )
    run(ana, view.format("ana"))
    run(bea, view.format("bea"))
    run(database("admin"), "GRANT ana TO publisher")
    change(published, "ALTER TABLE mart.fct ALTER state TYPE BIGINT")
    report = publish_to_postgres(published, url)
    run(database("admin"), "REVOKE ana FROM publisher")
    assert [note.partition(",")[0] for note in report.dropped] == [
        "the view bea.states of bea was dropped", "the view bea.most of bea was dropped",
    ]  # fmt: skip
    assert all("may not act as bea" in note for note in report.dropped)
    assert run(ana, "SELECT DISTINCT s, pg_typeof(s)::text FROM ana.states") == [(2, "bigint")]
    assert run(ana, "SELECT * FROM ana.most") == [(2,)]
    made = run(
        database("admin"),
        "SELECT pg_get_userbyid(relowner)::text, reloptions, relacl::text, "
        "obj_description(oid, 'pg_class') FROM pg_class WHERE oid = 'ana.states'::regclass",
    )
    assert made == [("ana", ["security_barrier=true"], "{ana=arwdDxt/ana,=r/ana}", "one's more")]
    assert run(ana, "SELECT count(*) FROM pg_index WHERE indrelid = 'ana.most'::regclass") == [(1,)]


def test_a_key_that_changes_under_a_view_that_groups_by_it(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    ana = a_user(database)
    run(ana, "CREATE VIEW ana.by_key AS SELECT id, state, count(*) AS n FROM mart.fct GROUP BY id")
    change(published, "UPDATE meta.model SET key_columns = 'id, state' WHERE name = 'mart.fct'")
    report = publish_to_postgres(published, url)
    assert [note.partition(",")[0] for note in report.dropped] == [
        "the view ana.by_key of ana was dropped"
    ]
    keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = {} AND contype='p'"
    assert run(url, keys.format("'mart.fct'::regclass")) == [("PRIMARY KEY (id, state)",)]


def test_what_is_no_view_and_hangs_on_a_column_is_named_and_nothing_changed(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    run(
        url,
        "CREATE SCHEMA own; CREATE FUNCTION own.extras() RETURNS bigint LANGUAGE sql "
        "BEGIN ATOMIC SELECT count(extra) FROM mart.fct; END",
    )
    write_warehouse(published, 2)
    with pytest.raises(LesionsError, match=r"function own\.extras\(\) uses.*Nothing was changed"):
        publish_to_postgres(published, url)
    assert run(url, "SELECT DISTINCT state, extra FROM mart.fct") == [(1, 1.5)]


HOSTILE = ("select", 'say "x"', "it's", "%s", "a.b", "semi;--", "{x}", "\\", "é\U0001f600", "User")
"""Names of columns that careless quoting breaks on."""


def test_hostile_names_and_values_at_the_edge_arrive_as_they_are(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    quoted = ['"' + name.replace('"', '""') + '"' for name in HOSTILE]
    columns = ", ".join(f"{number} AS {name}" for number, name in enumerate(quoted))
    huge = 20_000_000
    change(
        published,
        f"CREATE TABLE mart.\"or\"\"der\" AS SELECT {columns};"
        f"COMMENT ON COLUMN mart.\"or\"\"der\".{quoted[1]} IS 'it''s \\ %s';"
        "CREATE TABLE mart.edge AS SELECT * FROM (VALUES (1, 'nan'::DOUBLE, 'nan'::FLOAT, ''), "
        "(2, 'inf', '-inf', repeat('ß', 20)), (3, -0.0, 1e-45, 'x'), (4, 5e-324, 3.4e38, 'y'), "
        f"(5, 1.7976931348623157e308, NULL, repeat('z', {huge}))) t(id, d, f, text);"
        "INSERT INTO meta.model VALUES ('mart.or\"der', 'g', 'select', 1, 'run-1'), "
        "('mart.edge', 'g', 'id', 5, 'run-1')",
    )  # fmt: skip
    publish_to_postgres(published, url, schema='my "marts"; --', reader='read"er')
    place = '"my ""marts""; --"'
    assert run(url, f'SELECT * FROM {place}."or""der"') == [tuple(range(len(HOSTILE)))]
    comment = f'SELECT col_description(\'{place}."or""der"\'::regclass, 2)'
    assert run(url, comment) == [("it's \\ %s",)]
    with duckdb.connect(str(published), read_only=True) as connection:
        wanted = connection.execute("SELECT * FROM mart.edge ORDER BY id").fetchall()
    found = run(url, f"SELECT * FROM {place}.edge ORDER BY id")
    assert [repr(row[:3]) for row in found] == [repr(row[:3]) for row in wanted]
    assert [row[3] for row in found] == [row[3] for row in wanted]
    run(database("admin"), 'DROP OWNED BY "read""er"; DROP ROLE "read""er"')
