"""What killed commands have left is removed at once, and what others still write is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from engine.test_run import MODELS, graph_of

from warehouse.leftovers import OLD_SECONDS, remove_leftovers, replacing
from warehouse.pages import write_page
from warehouse.project import create_project
from warehouse.run import run_project

WRITER = """
import sys
from pathlib import Path
from warehouse.leftovers import replacing
with replacing(Path(sys.argv[1])) as beside:
    beside.write_text("half")
    print("written", flush=True)
    sys.stdin.read()
"""


@contextmanager
def writer(target: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another command that is writing a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        try:
            yield process
        finally:
            process.kill()


def beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".*.writing"))


@pytest.mark.parametrize("name", ["report.html", "x" * 250, "[a]*.csv", "ü" * 120])
def test_what_a_killed_command_left_goes_with_the_next_that_writes_there(tmp_path, name):
    target = tmp_path / name
    with writer(target) as process:
        assert len(beside(tmp_path)) == 1
        with replacing(target) as path:
            path.write_text("another")
        # What is still written stays.
        assert len(beside(tmp_path)) == 1
        process.kill()
        process.wait()
    assert len(beside(tmp_path)) == 1
    write_page(tmp_path / "other.html", "<html></html>")
    assert beside(tmp_path) == []
    assert target.read_text() == "another"


def test_files_of_another_machine_have_an_hour_and_those_of_users_stay(tmp_path):
    foreign = tmp_path / ".report.html.00000000-1.writing"
    users = [tmp_path / name for name in (".notes.writing", "a.00000000-1.writing", ".x.1.tmp")]
    for path in (foreign, *users):
        path.write_text("")
    remove_leftovers(tmp_path)
    assert foreign.exists()
    old = time.time() - OLD_SECONDS - 1
    for path in (foreign, *users):
        os.utime(path, (old, old))
    remove_leftovers(tmp_path)
    assert not foreign.exists()
    assert all(path.exists() for path in users)


def test_a_process_that_has_the_number_of_a_killed_one_is_no_reason_to_keep(tmp_path):
    """In a container each command may have the same number."""
    with replacing(tmp_path / "a") as path:
        name = path.name
    (tmp_path / name).write_text("half")
    remove_leftovers(tmp_path)
    assert beside(tmp_path) == []


def test_permissions_and_links_of_a_replaced_file_stay(tmp_path):
    target = tmp_path / "share" / "r.html"
    target.parent.mkdir()
    target.write_text("old")
    target.chmod(0o600)
    link = tmp_path / "report.html"
    link.symlink_to(target)
    write_page(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600


def test_what_fails_leaves_the_file_before(tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("whole")

    def fail() -> None:
        with replacing(target) as path:
            path.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert target.read_text() == "whole"
    assert beside(tmp_path) == []


def test_a_run_with_nothing_to_do_removes_what_killed_ones_left(tmp_path):
    project = create_project(tmp_path / "project")
    models = graph_of(tmp_path, MODELS)
    run_project(project, graph=models)
    with writer(project.root / "report.html"), writer(project.state / "lineage.json"):
        pass
    for name in (
        "work.duckdb", "work.duckdb.wal", "compact.duckdb", "compact.duckdb.wal",
        "published_copy.1.duckdb", "spill/duckdb_temp_block", "raw/.MCRC01.loading.7/tr.parquet",
        "raw/.MCRC02.former.8/tr.parquet",
    ):  # fmt: skip
        path = project.state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    (project.root / ".warehouse.duckdb.writing").write_text("half")
    assert run_project(project, graph=models).is_unchanged
    assert sorted(path.name for path in project.state.iterdir()) == [
        *("checks.html", "lineage.json", "lock", "published.json", "raw", "runs.log"),
    ]
    assert list((project.state / "raw").iterdir()) == []
    assert sorted(path.name for path in project.root.iterdir()) == [
        *(".lesions", "lesions.toml", "studies", "warehouse.duckdb"),
    ]
