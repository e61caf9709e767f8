"""A disk that is full, read-only or shut at any write: nothing published is damaged.

The disks are memory file systems of a few megabytes, which only root may mount.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path

import duckdb
import pytest
from engine.test_many_kills import SHARES, Contents, is_page, is_zip, marts_are_whole, nursery
from engine.test_run import MODELS, graph_of, rows

from warehouse.doctor import examine
from warehouse.errors import LesionsError
from warehouse.leftovers import replacing
from warehouse.project import Project, create_project, open_project
from warehouse.published import altered_tables
from warehouse.publishing.folder import publish_to_folder
from warehouse.query import run_query
from warehouse.run import run_project
from warehouse.simulate import write_trials

Mount = Callable[[int], Path]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Makes disks of so many megabytes; each is unmounted at the end."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root mounts file systems")
    made: list[Path] = []

    def make(megabytes: int) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="lesions-disk-"))
        options = f"size={megabytes}m,mode=755"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", folder],
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            folder.rmdir()
            pytest.skip("this system lets nobody mount file systems")
        made.append(folder)
        return folder

    yield make
    for folder in made:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def fill(disk: Path, left: int) -> None:
    """Leaves so many bytes of a disk free."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    size = shutil.disk_usage(disk).free - left
    with filler.open("wb") as handle:
        os.posix_fallocate(handle.fileno(), 0, size)


def make_free(disk: Path) -> None:
    (disk / "filler").unlink(missing_ok=True)


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def whole(project: Project) -> None:
    with duckdb.connect(str(project.published), read_only=True) as connection:
        assert altered_tables(connection) == {}


def files_of(folder: Path) -> Mapping[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def models_of(number: int) -> dict[str, str]:
    """Models of which a table and all after it follow from a number."""
    return {
        **MODELS,
        "core.b": f"SELECT id, -- the same\n id * {number} AS twice -- so many\nFROM staging.a",
        "mart.large": "SELECT range AS id, -- the row\n md5(range::VARCHAR) AS text -- a text\n"
        "FROM range(20000) CROSS JOIN (SELECT max(id) FROM staging.a)",
    }


def test_a_disk_that_fills_at_any_write_of_a_run_damages_nothing(
    tmp_path: Path, mount: Mount
) -> None:
    disk = mount(24)
    project = create_project(disk / "project")
    graphs = {n: graph_of(tmp_path / str(n), models_of(n)) for n in (2, 3)}
    run_project(project, graph=graphs[2])
    fill(disk, 0)
    failed = 0
    state, left = 2, 0
    while failed < 40:
        fill(disk, left)
        try:
            run_project(project, graph=graphs[5 - state])
        except (LesionsError, OSError) as error:
            failed += 1
            said = str(error)
        else:
            state, said = 5 - state, ""
        assert "\n" not in said
        is_new = "is the new one" in said
        state = 5 - state if is_new else state
        make_free(disk)
        whole(project)
        assert rows(project, "SELECT twice FROM core.b WHERE id = 1") == [(state,)], said
        if not said:
            break
        left += 128 * 1024
    assert failed >= 5
    whole(project)
    left_over = {path.name for path in project.state.iterdir()}
    assert left_over <= {"checks.html", "lineage.json", "lock", "published.json", "runs.log", "raw"}


# openpyxl's writers cannot be closed once their file is gone; a command says the error alone.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_disk_that_fills_under_what_is_written_from_the_file_keeps_what_was_there(
    tmp_path: Path, mount: Mount
) -> None:
    disk = mount(16)
    project = create_project(tmp_path / "project")
    run_project(project, graph=graph_of(tmp_path, models_of(2)))
    sql = "SELECT hash(range) AS a, md5(range::VARCHAR) AS b FROM range(20000)"
    outputs = [disk / name for name in ("q.csv", "q.json", "q.parquet", "q.xlsx")]
    marts = disk / "marts"
    acts = {
        **{
            path.name: lambda path=path: run_query(project.published, sql, "table", path, 10)
            for path in outputs
        },
        "marts": lambda: publish_to_folder(project.published, marts),
    }
    for act in acts.values():
        act()
    before = files_of(disk)
    current = (marts / "current").readlink()
    failed: Counter[str] = Counter()
    for name, act in acts.items():
        for left in (0, 65536, 524288):
            fill(disk, left)
            try:
                act()
            except (LesionsError, OSError):
                failed[name] += 1
                make_free(disk)
                assert files_of(disk) == before, (name, left)
                assert (marts / "current").readlink() == current
            else:
                make_free(disk)
                before, current = files_of(disk), (marts / "current").readlink()
    assert set(failed) == set(acts), failed
    assert marts_are_whole(marts)


def test_a_read_only_disk_is_said_at_once_and_changes_nothing(tmp_path: Path, mount: Mount) -> None:
    disk = mount(16)
    project = create_project(disk / "project")
    run_project(project, graph=graph_of(tmp_path / "2", models_of(2)))
    before = files_of(disk)
    remount(disk, "ro")
    try:
        with pytest.raises(LesionsError, match="cannot be written: Read-only file system"):
            run_project(project, graph=graph_of(tmp_path / "3", models_of(3)))
        with pytest.raises(LesionsError, match="Read-only file system"):
            publish_to_folder(project.published, disk / "marts")
        with pytest.raises(OSError, match="Read-only"), replacing(disk / "page.html") as beside:
            beside.write_text("")
        assert files_of(disk) == before
    finally:
        remount(disk, "rw")
    run_project(project, graph=graph_of(tmp_path / "3", models_of(3)))
    assert rows(project, "SELECT twice FROM core.b WHERE id = 1") == [(3,)]


@pytest.mark.parametrize("shut", [".", ".lesions", ".lesions/raw"])
def test_a_folder_that_may_not_be_written_is_named_by_a_run_and_by_doctor(
    tmp_path: Path, mount: Mount, shut: str
) -> None:
    """Each command as a user who is not root, for whom permissions count."""
    disk = mount(16)
    project = create_project(disk / "project")
    run_project(project, graph=graph_of(tmp_path, models_of(2)))
    before = files_of(disk)
    examine(project.root)  # imports what the other user may not be able to read
    nobody = 65534
    for path in (project.root, *project.root.rglob("*")):
        os.chown(path, nobody, nobody)
    folder = (project.root / shut).resolve()
    folder.chmod(0o555)
    asked = {}
    for name in ("run", "doctor"):
        child = os.fork()
        out = tmp_path / name
        if child == 0:
            status = 70
            try:
                with out.open("w") as said, redirect_stdout(said):
                    os.setgid(nobody)
                    os.setuid(nobody)
                    try:
                        if name == "run":
                            run_project(open_project(project.root))
                        status = 0 if examine(project.root) else 1
                    except LesionsError as error:
                        print(error)
                        status = 1
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        asked[name] = (os.waitstatus_to_exitcode(status), " ".join(out.read_text().split()))
    for name, (status, said) in asked.items():
        assert status == 1, (name, said)
        assert "cannot be written: Permission denied" in said, (name, said)
    assert str(folder) in asked["run"][1]
    assert files_of(disk) == before


@pytest.mark.slow
def test_every_command_on_a_disk_that_fills_at_any_write_damages_nothing(
    tmp_path: Path, mount: Mount
) -> None:
    """Between nothing and what the command needs, so many bytes are free."""
    disk = mount(700)
    folder = disk / "project"
    report, catalogue, boards = folder / "report.html", folder / "catalogue.html", folder / "s.zip"
    sheet, table, marts = folder / "q.xlsx", folder / "q.parquet", disk / "marts"
    write_trials(folder, "mcrc", patients=20, seed=4)
    create_project(folder)
    study, *others = sorted((folder / "studies").iterdir())
    for other in others:
        shutil.rmtree(other)

    def share(value: float) -> None:
        (folder / "lesions.toml").write_text(f"[radiomics]\nrecovered_share = {value}\n")

    calls: dict[str, tuple[object, ...]] = {
        "load": ("load", study),
        "run": ("run", "-q", "-C", folder),
        "publish": ("publish", "--to", marts, "-C", folder),
        "report": ("report", "-C", folder),
        "docs": ("docs", "-C", folder),
        "sheet": ("query", "FROM mart.dim_patient", "-o", sheet, "-C", folder),
        "rows": ("query", "FROM mart.dim_patient", "-o", table, "-C", folder),
        "superset": ("connect", "--superset", boards, "-C", folder),
        "check": ("check", "-q", "-C", folder),
    }
    needed = dict.fromkeys(calls, 1500000) | {
        **{"run": 160_000_000, "report": 3_000_000, "superset": 128_000},
        **{"sheet": 32_000, "rows": 32_000},  # files of two pages and of one
    }
    with nursery(tmp_path) as born:
        contents = Contents(born, folder / "warehouse.duckdb")
        states = []
        for value in SHARES:
            share(value)
            born.whole(*calls["run"])
            states.append(contents.now())
        for arguments in calls.values():
            born.whole(*arguments)
        count: Counter[tuple[str, str]] = Counter()
        for turn in range(16):
            for number, (name, arguments) in enumerate(calls.items()):
                make_free(disk)
                share(SHARES[turn % 2])
                text = (study / "study.yml").read_text().split("\n# ")[0]
                (study / "study.yml").write_text(f"{text}\n# {turn} {number}\n")
                fill(disk, needed[name] * turn // 16)
                born.start(*arguments)
                status, said = born.end()
                count[name, "failed" if status else "ended"] += 1
                assert status in (0, 1, 5), (name, turn, said)
                assert "Traceback" not in said, (name, turn, said)
                make_free(disk)
                where = (name, turn, said)
                assert contents.now() in states, where
                assert marts_are_whole(marts), where
                pages = (report, catalogue, folder / ".lesions" / "checks.html")
                assert all(map(is_page, pages)), where
                assert is_zip(sheet), where
                assert is_zip(boards), where
                with duckdb.connect() as connection:
                    assert connection.sql(f"FROM '{table}'").fetchall(), where
        print(f"\n{count}")
        for name, arguments in calls.items():
            assert count[name, "failed"] >= 2, count
            born.whole(*arguments)
        assert contents.now() in states
    assert not list(folder.rglob("*.writing"))
