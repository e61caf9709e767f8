"""The Parquet folder: same rows, a true manifest, and versions that swap whole."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from bi.small_warehouse import write_warehouse

from warehouse.errors import LesionsError
from warehouse.project import Project
from warehouse.publishing import folder as parquet
from warehouse.publishing.folder import publish_to_folder
from warehouse.publishing.publish import publish_to
from warehouse.query import run_query


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    write_warehouse(path, 1)
    return path


def test_rows_comments_and_manifest(published: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    report = publish_to_folder(published, target)
    manifest = json.loads((target / "current/manifest.json").read_text())
    assert manifest["run_id"] == "run-1"
    by_name = {table["name"]: table for table in manifest["tables"]}
    assert sorted(by_name) == ["dim", "fct", "kinds", "publication", "total"]
    assert report.n_rows == sum(table["rows"] for table in manifest["tables"])
    for name, table in by_name.items():
        files = [target / "current" / file["path"] for file in table["files"]]
        with duckdb.connect(str(published), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            if name != "publication":
                key = ", ".join(table["key"])
                wanted = connection.sql(f"SELECT * FROM mart.{name} ORDER BY {key}").fetchall()
                assert duckdb.sql(f"FROM read_parquet('{files[0]}')").fetchall() == wanted
        assert table["rows"] == sum(pq.read_metadata(file).num_rows for file in files)
        for file, said in zip(files, table["files"], strict=True):
            assert hashlib.sha256(file.read_bytes()).hexdigest() == said["sha256"]
            assert file.stat().st_size == said["bytes"]
    metadata = pq.read_metadata(target / "current/fct/data.parquet").metadata
    assert json.loads(metadata[b"columns"])["state"] == "which state; it's the same everywhere"
    assert metadata[b"description"] == b"One thing."


def test_a_large_table_is_split_by_study_and_keeps_its_columns(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(published)) as connection:
        connection.execute(
            "CREATE OR REPLACE TABLE mart.fct AS SELECT range AS id, "
            "CASE range % 3 WHEN 0 THEN '001' WHEN 1 THEN 'a/b' END AS study_id, 1 AS state "
            "FROM range(500)"
        )
        wanted = connection.execute("FROM mart.fct ORDER BY id").fetchall()
    monkeypatch.setattr(parquet, "PARTITION_ROWS", 500)
    publish_to_folder(published, tmp_path / "out")
    manifest = json.loads((tmp_path / "out/current/manifest.json").read_text())
    table = next(t for t in manifest["tables"] if t["name"] == "fct")
    assert table["partitioned_by"] == ["study_id"]
    assert len(table["files"]) == 3
    pattern = tmp_path / "out/current/fct/*/*.parquet"
    found = duckdb.sql(f"FROM read_parquet('{pattern}', hive_partitioning = false) ORDER BY id")
    assert found.columns == ["id", "study_id", "state"]
    assert found.fetchall() == wanted


def test_the_same_warehouse_gives_the_same_bytes(published: Path, tmp_path: Path) -> None:
    digests = []
    for _ in range(2):
        version = publish_to_folder(published, tmp_path / "out").version
        manifest = json.loads((version / "manifest.json").read_text())
        digests.append([file["sha256"] for table in manifest["tables"] for file in table["files"]])
    assert digests[0] == digests[1]


def test_readers_of_a_version_see_it_whole_while_it_is_republished(
    published: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    publish_to_folder(published, target)
    stop = threading.Event()
    seen: list[object] = []

    def read() -> None:
        with duckdb.connect() as connection:
            while not stop.is_set():
                version = (target / "current").resolve()
                try:
                    found = connection.execute(
                        f"SELECT state FROM '{version}/fct/*.parquet' UNION SELECT state FROM "
                        f"'{version}/dim/*.parquet' UNION SELECT state FROM "
                        f"'{version}/total/*.parquet'"
                    ).fetchall()
                    seen.append(tuple(found))
                except duckdb.Error as error:
                    seen.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for state in range(2, 8):
        write_warehouse(published, state)
        publish_to_folder(published, target)
    stop.set()
    thread.join()
    assert [item for item in seen if not isinstance(item, tuple) or len(item) != 1] == []
    assert len(set(seen)) > 2
    # The link, the version it leads to and the one before.
    assert len(list(target.iterdir())) == 3


def test_a_failed_write_leaves_the_link_where_it_was(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    first = publish_to_folder(published, target).version

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "_sync", full)
    with pytest.raises(LesionsError, match="No space left"):
        publish_to_folder(published, target)
    assert (target / "current").resolve() == first.resolve()
    assert [path.name for path in target.iterdir() if path.name.startswith(".")] == []


def test_a_folder_with_other_files_is_refused(published: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(LesionsError, match=r"mine\.txt"):
        publish_to_folder(published, tmp_path / "out")
    (tmp_path / "out/mine.txt").rename(tmp_path / "out/version-1")
    with pytest.raises(LesionsError, match="version-1"):
        publish_to_folder(published, tmp_path / "out")
    (tmp_path / "out/version-1").rename(tmp_path / "out/mine.txt")
    with pytest.raises(LesionsError, match="is a file"):
        publish_to_folder(published, tmp_path / "out/mine.txt")
    assert (tmp_path / "out/mine.txt").read_text() == "mine"


def test_a_second_publish_at_once_is_refused(published, tmp_path):
    target = tmp_path / "marts"
    target.mkdir()
    handle = os.open(target, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(LesionsError, match="another 'lesions publish' is writing"):
        publish_to_folder(published, target)
    os.close(handle)
    assert list(target.iterdir()) == []


def test_files_that_are_not_as_written_are_not_led_to(published, tmp_path, monkeypatch):
    target = tmp_path / "marts"
    first = publish_to_folder(published, target)

    def lose(beside):
        next(beside.rglob("*.parquet")).unlink()

    monkeypatch.setattr("warehouse.publishing.folder._sync", lose)
    with pytest.raises(LesionsError, match="is not as it was written"):
        publish_to_folder(published, target)
    assert (target / "current").resolve() == first.version.resolve()
    assert {path.name for path in target.iterdir()} == {"current", first.version.name}


@pytest.mark.parametrize(
    "target",
    [
        *("postgresql:/ann:secret@host/db", "Postgresql:/ann:secret@host/db", "postgres:host/db"),
        *(" postgresql:/ann:secret@host/db", "POSTGRESQL+psycopg:/ann:secret@host/db"),
        "postgres//ann:secret@host/db",
    ],
)
def test_a_database_with_one_slash_is_no_folder_and_its_password_is_not_shown(target):
    with pytest.raises(LesionsError, match="two slashes") as told:
        publish_to(Project(Path("/nowhere"), {}), target, "mart", "reader", True)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "target", ["ann:secret@host/db", "host=here dbname=db password=secret", "s3:/bucket/secret"]
)
def test_a_login_of_a_server_is_no_folder_and_not_shown(tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LesionsError, match="looks like a login") as told:
        publish_to(Project(tmp_path, {}), target, "mart", "reader", True)
    assert "secret" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_no_folder_is_made_for_a_warehouse_that_is_not_there(tmp_path):
    with pytest.raises(LesionsError, match="is not there yet"):
        publish_to_folder(tmp_path / "warehouse.duckdb", tmp_path / "marts")
    assert list(tmp_path.iterdir()) == []


def test_the_scheme_of_a_database_may_be_in_capitals(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LesionsError, match="is not there yet"):
        publish_to(Project(tmp_path, {}), "PostgreSQL://a:secret@h/db", "mart", "reader", True)
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_cannot_be_written_leaves_the_former_one(published, tmp_path):
    out = tmp_path / "x.csv"
    out.write_text("good")
    with pytest.raises(LesionsError, match="the query failed"):
        run_query(published, "SELECT 1 AS a UNION ALL SELECT error('no')::INT", "csv", out, 40)
    assert out.read_text() == "good"
    run_query(published, "SELECT 1 AS a", "csv", out, 40)
    assert out.read_text() == "a\n1\n"
    assert {path.name for path in tmp_path.iterdir()} == {"x.csv", published.name}
