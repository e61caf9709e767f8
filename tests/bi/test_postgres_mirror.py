"""The PostgreSQL mirror: the same values, described, swapped under readers, read only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bi.small_warehouse import ODD_TEXTS, write_warehouse

from warehouse.errors import LesionsError
from warehouse.publishing.postgres import publish_to_postgres, without_password

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed (extra: postgres)")

Database = Callable[[str], str]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    write_warehouse(path, 1)
    return path


def rows(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


def test_values_types_comments_and_keys_are_those_of_the_file(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    report = publish_to_postgres(published, url)
    assert (report.n_tables, report.n_copied, report.n_remade) == (5, 5, 5)
    texts = [text for (text,) in rows(url, "SELECT text FROM mart.dim ORDER BY name")]
    assert texts == [*ODD_TEXTS, None]
    with duckdb.connect(str(published), read_only=True) as connection:
        kinds = connection.execute("SELECT * EXCLUDE (l) FROM mart.kinds ORDER BY id").fetchall()
        fact = connection.execute("SELECT * FROM mart.fct ORDER BY id").fetchall()
    assert rows(
        url, "SELECT id, b, i, d, n, day, t, inf, h, state FROM mart.kinds ORDER BY id"
    ) == (kinds)
    assert rows(url, "SELECT l FROM mart.kinds ORDER BY id") == [("[1, 2]",), (None,)]
    assert rows(url, "SELECT * FROM mart.fct ORDER BY id") == fact
    assert rows(url, "SELECT state, n FROM mart.total") == [(1, 500)]
    types = rows(
        url,
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'mart' AND table_name = 'kinds' ORDER BY ordinal_position",
    )
    assert dict(types) == {
        "id": "integer", "b": "boolean", "i": "bigint", "d": "double precision", "n": "numeric",
        "day": "date", "t": "timestamp without time zone", "l": "text",
        "inf": "double precision", "h": "numeric", "state": "integer",
    }  # fmt: skip
    assert rows(url, "SELECT col_description('mart.fct'::regclass, 2)") == [
        ("which state; it's the same everywhere",)
    ]
    assert rows(url, "SELECT obj_description('mart.total'::regclass)") == [("Sum.",)]
    keys = rows(
        url,
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'p' AND connamespace = 'mart'::regnamespace ORDER BY 1",
    )
    assert dict(keys)["mart.fct"] == "PRIMARY KEY (id)"
    assert len(keys) == 5
    listed = rows(url, "SELECT table_name, n_rows, run_id FROM mart.publication ORDER BY 1")
    assert listed == [("dim", 12, "run-1"), ("fct", 500, "run-1"), ("kinds", 2, "run-1"),
                      ("total", 1, "run-1")]  # fmt: skip


def test_what_no_run_has_rebuilt_is_not_copied_again(published: Path, database: Database) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    again = publish_to_postgres(published, url)
    assert (again.n_copied, again.n_remade) == (
        2,
        0,
    )  # the view, whose inputs may be newer; the list
    write_warehouse(published, 2, extra=True)
    third = publish_to_postgres(published, url)
    assert (third.n_copied, third.n_remade) == (6, 2)
    assert rows(url, "SELECT DISTINCT state, extra FROM mart.fct") == [(2, 1.5)]
    write_warehouse(published, 3)
    publish_to_postgres(published, url)
    assert rows(url, "SELECT to_regclass('mart.more')") == [(None,)]
    assert rows(url, "SELECT DISTINCT state FROM mart.fct") == [(3,)]


STATES = """
SELECT state FROM mart.fct WHERE id IN (0, 250, 499) UNION SELECT state FROM mart.dim
UNION SELECT state FROM mart.kinds UNION SELECT state FROM mart.total
UNION SELECT split_part(run_id, '-', 2)::int FROM mart.publication
"""


@contextmanager
def readers(url: str, *loops: Callable[[Any], set[int]]) -> Iterator[list[Any]]:
    """Loops queries until the end of the block; gives what went wrong and the states seen."""
    stop = threading.Event()
    seen: list[Any] = []

    def read(loop: Callable[[Any], set[int]]) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.is_set():
                try:
                    seen.append(loop(connection))
                except Exception as error:  # noqa: BLE001  (judged by the test)
                    seen.append(error)
                    return

    threads = [threading.Thread(target=read, args=(loop,)) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def one_statement(connection: Any) -> set[int]:
    """All tables in one statement."""
    return {state for (state,) in connection.execute(STATES).fetchall()}


def prepared(connection: Any) -> set[int]:
    """The same, planned once by the server."""
    return {state for (state,) in connection.execute(STATES, prepare=True).fetchall()}


def one_snapshot(connection: Any) -> set[int]:
    """One table after the other, in one transaction."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        found = connection.execute("SELECT DISTINCT state FROM mart.fct").fetchall()
        connection.execute("SELECT pg_sleep(0.02)")
        found += connection.execute("SELECT DISTINCT state FROM mart.dim").fetchall()
        found += connection.execute(STATES).fetchall()
        assert connection.execute("SELECT count(*) FROM mart.fct").fetchall() == [(500,)]
    return {state for (state,) in found}


def test_readers_see_no_error_and_no_mixed_state_in_ten_republishes(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    with readers(url, one_statement, prepared, one_snapshot) as seen:
        for state in range(2, 12):
            write_warehouse(published, state)
            assert publish_to_postgres(published, url).n_remade == 0
    assert [item for item in seen if not isinstance(item, set) or len(item) != 1] == []
    assert len(set.union(*seen)) > 5
    assert rows(url, "SELECT DISTINCT state FROM mart.fct") == [(11,)]


def test_readers_see_no_error_and_no_mixed_state_while_columns_change(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    with readers(url, one_statement, one_statement, one_statement) as seen:
        for state in range(2, 12):
            write_warehouse(published, state, extra=state % 2 == 0)
            assert publish_to_postgres(published, url).n_remade > 0
    assert [item for item in seen if not isinstance(item, set) or len(item) != 1] == []
    assert len(set.union(*seen)) > 5


def test_a_reader_that_holds_a_table_is_waited_for_and_not_turned_away(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    write_warehouse(published, 2, extra=True)
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM mart.fct")
        with pytest.raises(LesionsError, match=r"Nothing was changed.*idle in transaction"):
            publish_to_postgres(published, url, lock_seconds=1.0)
        assert reader.execute("SELECT DISTINCT state FROM mart.fct").fetchall() == [(1,)]
    publish_to_postgres(published, url)
    assert rows(url, "SELECT DISTINCT state FROM mart.fct") == [(2,)]


WRITES = (
    "INSERT INTO mart.fct VALUES (9999, 1)",
    "UPDATE mart.fct SET state = 0",
    "DELETE FROM mart.fct",
    "TRUNCATE mart.fct",
    "MERGE INTO mart.fct AS f USING mart.total AS t ON f.state = t.state WHEN MATCHED THEN DELETE",
    "COPY mart.fct FROM STDIN",
    "COPY mart.fct TO '/tmp/lesions-stolen'",
    "COPY mart.fct TO PROGRAM 'cat > /tmp/lesions-stolen'",
    "SELECT * FROM mart.fct FOR UPDATE",
    "BEGIN; LOCK TABLE mart.fct IN EXCLUSIVE MODE",
    "DROP TABLE mart.fct",
    "DROP SCHEMA mart CASCADE",
    "ALTER TABLE mart.fct ADD COLUMN x int",
    "ALTER TABLE mart.fct OWNER TO lesions_reader",
    "ALTER SCHEMA mart RENAME TO other",
    "COMMENT ON TABLE mart.fct IS 'x'",
    "CREATE INDEX ON mart.fct (state)",
    "CREATE TRIGGER x BEFORE INSERT ON mart.fct "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE x AS ON SELECT TO mart.fct DO INSTEAD NOTHING",
    "CREATE POLICY x ON mart.fct",
    "CREATE TABLE mart.x (id int)",
    "CREATE TABLE public.x (id int)",
    "CREATE VIEW mart.x AS SELECT 1",
    "CREATE VIEW public.x AS SELECT 1",
    "CREATE MATERIALIZED VIEW public.x AS SELECT 1",
    "SELECT * INTO public.x FROM mart.fct",
    "CREATE TEMPORARY TABLE x (id int)",
    "CREATE TEMPORARY VIEW x AS SELECT 1",
    "CREATE TEMPORARY SEQUENCE x",
    "CREATE SCHEMA x",
    "CREATE SEQUENCE public.x",
    "CREATE TYPE public.x AS (id int)",
    "CREATE FUNCTION public.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION hstore",
    "CREATE ROLE x",
    "CREATE DATABASE x",
    "GRANT SELECT ON mart.fct TO publisher",
    "SET ROLE publisher",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_read_file('/etc/hostname')",
    "VACUUM FULL mart.fct",
    "DO $$ BEGIN EXECUTE 'DELETE FROM mart.fct'; END $$",
    "WITH x AS (DELETE FROM mart.fct RETURNING 1) SELECT * FROM x",
    "EXPLAIN ANALYZE DELETE FROM mart.fct",
    "ALTER DATABASE {database} SET work_mem = '1MB'",
)  # fmt: skip


def test_the_role_reads_everything_and_writes_nothing(published: Path, database: Database) -> None:
    url = database("admin")
    report = publish_to_postgres(published, url, reader_password="open:sesame@1")
    assert report.notes == ()
    before = rows(url, "SELECT state, count(*) FROM mart.fct GROUP BY 1")
    rights = "SELECT relacl::text FROM pg_class WHERE oid = 'mart.fct'::regclass"
    granted = rows(url, rights)
    verifier = rows(url, "SELECT rolpassword FROM pg_authid WHERE rolname = 'lesions_reader'")
    assert verifier[0][0].startswith("SCRAM-SHA-256$")
    reader = database("lesions_reader")
    for name in ("fct", "dim", "kinds", "total", "publication"):
        assert rows(reader, f"SELECT count(*) > 0 FROM mart.{name}") == [(True,)]
    done = []
    for sql in WRITES:
        with psycopg.connect(reader, autocommit=True) as connection:
            name = connection.info.dbname
            try:
                connection.execute(sql.format(database=name) if "{" in sql else sql)
                done.append(sql)
            except psycopg.errors.InsufficientPrivilege:
                continue
            except psycopg.Error as error:
                done.append(f"{sql}: {error}")
    # PostgreSQL answers these two with a warning and does nothing.
    assert done == ["GRANT SELECT ON mart.fct TO publisher", "VACUUM FULL mart.fct"]
    assert rows(url, rights) == granted
    assert rows(url, "SELECT state, count(*) FROM mart.fct GROUP BY 1") == before
    after = rows(url, "SELECT relname FROM pg_class WHERE relowner = 'lesions_reader'::regrole")
    assert after == []


def test_what_a_shared_database_lets_the_role_do_is_said(
    published: Path, database: Database
) -> None:
    url = database("publisher")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE public.somebody_elses AS SELECT 1 AS id")
    report = publish_to_postgres(published, url)
    assert "make temporary tables" in report.notes
    with psycopg.connect(database("admin")) as connection:
        connection.execute("GRANT UPDATE ON public.somebody_elses TO PUBLIC")
    assert "write to somebody_elses" in publish_to_postgres(published, url).notes


def test_what_is_not_ours_is_not_touched(published: Path, database: Database) -> None:
    url = database("publisher")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA mart; CREATE TABLE mart.fct AS SELECT 7 AS id")
    with pytest.raises(LesionsError, match="--schema"):
        publish_to_postgres(published, url)
    assert rows(url, "SELECT * FROM mart.fct") == [(7,)]
    publish_to_postgres(published, url, schema="trial data")
    with psycopg.connect(url) as connection:
        connection.execute('CREATE VIEW public.mine AS SELECT max(state) FROM "trial data".fct')
        connection.execute('CREATE TABLE "trial data".more AS SELECT 8 AS id')
    write_warehouse(published, 2)
    publish_to_postgres(published, url, schema="trial data")
    assert rows(url, "SELECT * FROM public.mine") == [(2,)]
    write_warehouse(published, 3, extra=True)
    with pytest.raises(LesionsError, match="more"):
        publish_to_postgres(published, url, schema="trial data")
    assert rows(url, 'SELECT * FROM "trial data".more') == [(8,)]


def test_one_publish_at_a_time(published: Path, database: Database) -> None:
    url = database("publisher")
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('lesions mart'))")
        with pytest.raises(LesionsError, match="under way"):
            publish_to_postgres(published, url)


def test_a_failed_publish_leaves_the_mirror_as_it_was(published: Path, database: Database) -> None:
    url = database("publisher")
    publish_to_postgres(published, url)
    write_warehouse(published, 2)
    with duckdb.connect(str(published)) as connection:
        connection.execute("UPDATE mart.dim SET text = chr(0) WHERE name = 't05'")
    with pytest.raises(LesionsError, match="0x00"):
        publish_to_postgres(published, url)
    assert rows(url, STATES) == [(1,)]


def test_no_password_is_ever_shown(published: Path, postgres: str) -> None:
    secret = "s3cr:t@w@rd"
    port = postgres.rsplit(":", 1)[1].split("/")[0]
    for url in (
        f"postgresql://nobody_here:{secret.replace('@', '%40')}@127.0.0.1:{port}/nothing",
        f"postgresql://nobody_here@127.0.0.1:{port}/nothing?password={secret.replace('@', '%40')}",
        f"postgresql://nobody_here:{secret}@127.0.0.1:x{port}/nothing",
        f"postgresql://nobody_here:{secret}@127.0.0.1:{port}/nothing?no_such_option=1",
    ):
        with pytest.raises(LesionsError) as caught:
            publish_to_postgres(published, url)
        shown = f"{caught.value} {without_password(url)}"
        assert secret not in shown
        assert secret.replace("@", "%40") not in shown
        assert "nobody_here" in shown


def test_a_warehouse_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="lesions run"):
        publish_to_postgres(tmp_path / "none.duckdb", "postgresql://x/y")
