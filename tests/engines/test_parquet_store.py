"""Tables in Parquet, shown by the published file: what holds whatever engine wrote them.

DuckDB answers the models here, so that these tests need neither Java nor Spark.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from warehouse.catalogue import graph_behind
from warehouse.database import STORE, open_published
from warehouse.engines.spark import SparkEngine
from warehouse.engines.store import Store, stored_folders
from warehouse.errors import LesionsError
from warehouse.graph import Graph
from warehouse.models import SqlModel
from warehouse.project import Project, create_project, open_project
from warehouse.published import altered_tables
from warehouse.run import run_project
from warehouse.simulate import write_trials

PARQUET = "[run]\nengine = 'spark'\n"
CLOCKED = ("meta.", "quality.check_result")
"""Tables that hold a time of day or the name of a run."""


class ParquetByDuckDB(SparkEngine):
    """The engine but for Spark."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def create(self, cursor: duckdb.DuckDBPyConnection, model: SqlModel) -> None:
        if model.name == "core.measurement" and (self.store.root.parent / "fail").exists():
            raise LesionsError("core.measurement could not be built by Spark: no more workers")
        self.keep(cursor, model.name, model.text)

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def graph() -> Graph:
    return graph_behind(["core.measurement", "quality.quarantine", "mart.dim_organ"])


@pytest.fixture(scope="module")
def by_duckdb(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> Project:
    """A small project, its studies loaded and built by DuckDB."""
    folder = tmp_path_factory.mktemp("engines") / "by_duckdb"
    write_trials(folder, "mcrc", patients=20, seed=11)
    create_project(folder)
    run_project(open_project(folder), graph=graph)
    return open_project(folder)


@pytest.fixture(autouse=True)
def _parquet_by_duckdb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "warehouse.engines.make.spark_engine",
        lambda project, graph, run_id: ParquetByDuckDB(Store(project.root / STORE, run_id)),
    )


@pytest.fixture
def folder(by_duckdb: Project, tmp_path: Path) -> Path:
    """A copy of the project with its loaded studies and nothing published."""
    copy = tmp_path / "project"
    shutil.copytree(by_duckdb.root, copy, symlinks=True)
    (copy / "warehouse.duckdb").unlink()
    (copy / "lesions.toml").write_text(PARQUET)
    return copy


def built(folder: Path, graph: Graph, settings: str = PARQUET) -> Project:
    (folder / "lesions.toml").write_text(settings)
    project = open_project(folder)
    run_project(project, graph=graph)
    return project


def digests(project: Project) -> dict[str, str]:
    with open_published(project.published) as connection:
        assert altered_tables(connection) == {}
        rows = connection.execute("SELECT table_name, digest FROM meta.digest").fetchall()
    return {name: digest for name, digest in rows if not name.startswith(CLOCKED)}


def folders(project: Project) -> dict[str, Path]:
    with open_published(project.published) as connection:
        return stored_folders(connection)


def test_tables_in_parquet_have_the_digests_of_duckdbs(
    by_duckdb: Project, folder: Path, graph: Graph
) -> None:
    project = built(folder, graph)
    assert digests(project) == digests(by_duckdb)
    assert len(folders(project)) > 50
    with open_published(project.published) as connection:
        held = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()")
        assert {name for (name,) in held.fetchall() if not name.startswith(CLOCKED)} == set()
        comment = connection.execute(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'measurement' "
            "AND column_name = 'diameter_mm'"
        ).fetchone()
        assert comment is not None
        assert comment[0]


def test_a_published_file_reaches_its_own_tables_and_no_other_file(
    folder: Path, graph: Graph, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    project = built(folder, graph)
    with (
        open_published(project.published) as connection,
        open_published(project.published) as another,
    ):
        for one in (connection, another):
            assert one.execute("SELECT count(*) > 0 FROM core.measurement").fetchall() == [(True,)]
            with pytest.raises(duckdb.PermissionException):
                one.execute(f"SELECT * FROM read_csv('{secret}')")


def test_what_is_not_out_of_date_keeps_its_files(folder: Path, graph: Graph) -> None:
    before = folders(built(folder, graph))
    project = built(folder, graph, PARQUET + "[too_small]\ndefault_mm = 4.0\n")
    after = folders(project)
    assert after["core.measurement"] != before["core.measurement"]
    assert after["raw.tr"] == before["raw.tr"]
    # Readers of the file before find its tables until the next run begins.
    assert before["core.measurement"].is_dir()
    run_project(project, graph=graph)
    assert not before["core.measurement"].exists()
    assert all(place.is_dir() for place in after.values())


def test_a_failed_run_leaves_the_old_tables(folder: Path, graph: Graph) -> None:
    project = built(folder, graph)
    old, bytes_before = digests(project), project.published.read_bytes()
    (folder / "fail").touch()
    with pytest.raises(LesionsError, match="no more workers"):
        built(folder, graph, PARQUET + "[too_small]\ndefault_mm = 4.0\n")
    assert project.published.read_bytes() == bytes_before
    assert digests(project) == old
    (folder / "fail").unlink()
    built(folder, graph)
    used = set(folders(project).values())
    assert {place for table in (folder / STORE).iterdir() for place in table.iterdir()} == used


@pytest.mark.parametrize("harm", ["removed", "another"])
def test_files_that_another_program_changed_are_made_anew(
    folder: Path, graph: Graph, harm: str
) -> None:
    project = built(folder, graph)
    good = digests(project)
    place = folders(project)["core.measurement"]
    (file,) = place.glob("*.parquet")
    if harm == "removed":
        file.unlink()
    else:
        duckdb.execute(
            f"COPY (SELECT * REPLACE (1.0 AS diameter_mm) FROM '{file}') "
            f"TO '{file}.new' (FORMAT parquet)"
        )
        Path(f"{file}.new").replace(file)
    built(folder, graph)
    assert digests(project) == good


def test_the_engine_may_change_between_runs(by_duckdb: Project, folder: Path, graph: Graph) -> None:
    """Tables that are not out of date stay as they lie, and are read by the other engine."""
    small = "[too_small]\ndefault_mm = 4.0\n"
    project = built(folder, graph)
    mixed = built(folder, graph, "[run]\nengine = 'duckdb'\n" + small)
    lie = folders(mixed)
    assert "raw.tr" in lie
    assert "core.measurement" not in lie
    assert built(folder, graph, PARQUET).root == project.root
    assert digests(project) == digests(by_duckdb)
    assert "core.measurement" in folders(project)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    place = tmp_path / "shared disk"
    place.mkdir()
    return place


def test_the_store_may_be_a_link_to_another_disk(
    folder: Path, graph: Graph, elsewhere: Path, by_duckdb: Project
) -> None:
    (folder / STORE).symlink_to(elsewhere)
    project = built(folder, graph)
    assert digests(project) == digests(by_duckdb)
    assert all(elsewhere in place.parents for place in folders(project).values())
