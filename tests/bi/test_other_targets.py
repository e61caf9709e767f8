"""The marts in a schema of another DuckDB file, and as objects in S3-compatible storage."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from bi.other_pythons import python_of
from bi.small_warehouse import write_warehouse

from warehouse.errors import LesionsError
from warehouse.publishing import object_store
from warehouse.publishing.duckdb_file import publish_to_duckdb
from warehouse.publishing.object_store import publish_to_store


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    write_warehouse(path, 1)
    return path


def rows(file: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found: list[tuple[object, ...]] = connection.execute(sql).fetchall()
        return found


def test_without_a_warehouse_a_file_that_is_there_stays(tmp_path: Path) -> None:
    target = tmp_path / "mine.duckdb"
    target.write_bytes(b"")
    with pytest.raises(LesionsError, match="is not there yet"):
        publish_to_duckdb(tmp_path / "warehouse.duckdb", target, "trials")
    assert target.read_bytes() == b""


def test_tables_with_their_comments_beside_what_the_file_holds(
    published: Path, tmp_path: Path
) -> None:
    target = tmp_path / "mine.duckdb"
    with duckdb.connect(str(target)) as connection:
        connection.execute("CREATE TABLE own AS SELECT 7 AS x")
    done = publish_to_duckdb(published, target, "trials")
    for name, key in (("fct", "id"), ("dim", "name"), ("kinds", "id"), ("total", "state")):
        wanted = rows(published, f"SELECT * FROM mart.{name} ORDER BY {key}")
        assert rows(target, f"SELECT * FROM trials.{name} ORDER BY {key}") == wanted
    assert rows(target, "SELECT x FROM own") == [(7,)]
    assert rows(target, "SELECT DISTINCT run_id FROM trials.publication") == [("run-1",)]
    comments = "SELECT comment FROM duckdb_columns() WHERE table_name = 'fct' AND column_name = "
    assert rows(target, comments + "'state'") == [("which state; it's the same everywhere",)]
    assert (done.n_tables, done.n_rows) == (5, 500 + 12 + 2 + 1 + 4)


def test_a_second_publish_replaces_all_and_a_view_of_another_schema_stays(
    published: Path, tmp_path: Path
) -> None:
    target = tmp_path / "mine.duckdb"
    write_warehouse(published, 1, extra=True)
    publish_to_duckdb(published, target, "mart")
    with duckdb.connect(str(target)) as connection:
        connection.execute("CREATE VIEW seen AS SELECT max(state) AS state FROM mart.fct")
    write_warehouse(published, 2)
    publish_to_duckdb(published, target, "mart")
    assert rows(target, "SELECT state FROM seen") == [(2,)]
    assert rows(target, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'more'") == [(0,)]


@pytest.mark.parametrize("is_new", [True, False])
def test_a_schema_that_holds_something_else_is_refused_untouched(
    published: Path, tmp_path: Path, is_new: bool
) -> None:
    target = tmp_path / "mine.duckdb"
    if not is_new:
        publish_to_duckdb(published, target, "mart")
    with duckdb.connect(str(target)) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS mart; CREATE TABLE mart.thesis (a INT)")
    before = target.read_bytes()
    with pytest.raises(LesionsError, match=r"holds thesis, which lesions did not make"):
        publish_to_duckdb(published, target, "mart")
    assert target.read_bytes() == before


def test_a_publish_that_fails_leaves_the_rows_of_before(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mine.duckdb"
    publish_to_duckdb(published, target, "mart")
    write_warehouse(published, 2)
    with duckdb.connect(str(published)) as connection:
        connection.execute("CREATE OR REPLACE VIEW mart.total AS SELECT 1/('a'::INT) AS state, "
                           "1 AS n")  # fmt: skip
    with pytest.raises(LesionsError, match="Nothing in it was changed"):
        publish_to_duckdb(published, target, "mart")
    assert rows(target, "SELECT DISTINCT state FROM mart.fct") == [(1,)]


def test_the_warehouse_itself_and_what_is_no_database_are_refused(
    published: Path, tmp_path: Path
) -> None:
    with pytest.raises(LesionsError, match="published warehouse itself"):
        publish_to_duckdb(published, published, "mart")
    (tmp_path / "x.duckdb").write_text("not a database, but long enough to be looked at" * 200)
    with pytest.raises(LesionsError, match="failed"):
        publish_to_duckdb(published, tmp_path / "x.duckdb", "mart")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> pafs.FileSystem:
    """An object store in memory in place of the one on the network."""
    import fsspec
    from fsspec.implementations.memory import MemoryFileSystem

    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    store = pafs.PyFileSystem(pafs.FSSpecHandler(fsspec.filesystem("memory")))
    monkeypatch.setattr(object_store, "_open_store", lambda: store)
    return store


def current(store: pafs.FileSystem) -> dict[str, str]:
    with store.open_input_stream("bucket/marts/current.json") as stream:
        found: dict[str, str] = json.loads(stream.read())
        return found


def check_versions(store: pafs.FileSystem, published: Path) -> None:
    """Three publishes: the last is named, the one before stays, the first is gone."""
    names = []
    for state in (1, 2, 3):
        write_warehouse(published, state)
        publish_to_store(published, "s3://bucket/marts/")
        names.append(current(store)["version"])
        assert current(store)["run_id"] == f"run-{state}"
        path = f"bucket/marts/{names[-1]}/fct/data.parquet"
        table = pq.read_table(path, filesystem=store)
        assert table["state"].unique().to_pylist() == [state]
    listed = store.get_file_info(pafs.FileSelector("bucket/marts"))
    assert sorted(info.base_name for info in listed) == sorted(["current.json", *names[1:]])


def test_versions_in_a_store(memory: pafs.FileSystem, published: Path) -> None:
    check_versions(memory, published)


def test_a_prefix_with_other_objects_is_refused(memory: pafs.FileSystem, published: Path) -> None:
    memory.create_dir("bucket/marts")
    with memory.open_output_stream("bucket/marts/thesis.csv") as stream:
        stream.write(b"a\n")
    with pytest.raises(LesionsError, match=r"other objects \(thesis.csv\)"):
        publish_to_store(published, "s3://bucket/marts")


def test_an_upload_that_fails_leaves_the_version_before(
    memory: pafs.FileSystem, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_to_store(published, "s3://bucket/marts")
    before = current(memory)
    write_warehouse(published, 2)
    monkeypatch.setattr(object_store, "_upload", lambda *given: None)
    with pytest.raises(LesionsError, match="is not there as it was written"):
        publish_to_store(published, "s3://bucket/marts")
    assert current(memory) == before


def test_a_store_that_does_not_answer(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    with pytest.raises(LesionsError, match="publishing to s3://bucket/marts failed") as caught:
        publish_to_store(published, "s3://bucket/marts")
    assert "s3cret" not in str(caught.value)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that speaks S3 (moto), with a bucket."""
    python = python_of("moto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [str(python), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MOTO_PORT": str(port)},
    )
    try:
        for name, value in (("AWS_ENDPOINT_URL", url), ("AWS_ACCESS_KEY_ID", "test"),
                            ("AWS_SECRET_ACCESS_KEY", "test")):  # fmt: skip
            monkeypatch.setenv(name, value)
        deadline = time.monotonic() + 60
        while True:
            try:
                request = urllib.request.Request(f"{url}/bucket", method="PUT")
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield
    finally:
        server.terminate()
        server.wait()


@pytest.mark.external
@pytest.mark.usefixtures("s3")
def test_versions_in_a_server_that_speaks_s3(published: Path) -> None:
    check_versions(object_store._open_store(), published)
    with pytest.raises(LesionsError, match="publishing to s3://nowhere/marts failed"):
        publish_to_store(published, "s3://nowhere/marts")
