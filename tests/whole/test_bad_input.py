"""Bad input: one clear message, exit status not 0, and the published file as it was."""

from __future__ import annotations

import csv
import hashlib
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyreadstat
import pytest
from whole.calling import Called

from warehouse.project import Project, open_project

FIRST = "MCRC01"


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A built project of one's own, to spoil."""
    folder = tmp_path / "project"
    shutil.copytree(built.root, folder, copy_function=shutil.copy2)
    return open_project(folder)


def run(project: Project, **more: object) -> subprocess.CompletedProcess[str]:
    """``lesions run`` in a process of its own."""
    command = [sys.executable, "-m", "warehouse.cli", "run", "--quiet", "-C", str(project.root)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload, no-any-return]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def study(project: Project, name: str = FIRST) -> Path:
    return project.studies / name


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)


def missing_column(project: Project) -> tuple[str, ...]:
    edit(study(project) / "tr.csv", lambda t: t.replace("USUBJID", "SUBJECT", 1))
    return "tr.csv", "usubjid", "SUBJECT"


def empty_file(project: Project) -> tuple[str, ...]:
    (study(project) / "tr.csv").write_text("")
    return "tr.csv", "empty"


def not_utf8(project: Project) -> tuple[str, ...]:
    path = study(project) / "tu.csv"
    path.write_bytes(path.read_bytes() + "x,Läsion\n".encode("latin-1"))
    return "tu.csv", "UTF-8", "encoding"


def typo_in_study_yml(project: Project) -> tuple[str, ...]:
    edit(study(project) / "study.yml", lambda t: t + "\ntumour_type: x\n")
    return "study.yml", "tumour_type", "tumor_type"


def key_given_twice(project: Project) -> tuple[str, ...]:
    edit(study(project) / "study.yml", lambda t: t + f"\nstudy_id: {FIRST}\n")
    return "study.yml", "study_id"


def study_id_used_twice(project: Project) -> tuple[str, ...]:
    shutil.copytree(study(project), study(project, "again"))
    return FIRST, "again", "twice"


def wrong_type_in_study_yml(project: Project) -> tuple[str, ...]:
    edit(study(project) / "study.yml", lambda t: t + "\nline_of_therapy: first\n")
    return "study.yml", "line_of_therapy", "first"


def unknown_organ_in_study_yml(project: Project) -> tuple[str, ...]:
    edit(study(project) / "study.yml", lambda t: t + "\nsites: {LIVER: livr}\n")
    return ("livr",)


def truncated_xpt(project: Project) -> tuple[str, ...]:
    folder = study(project)
    frame, _ = pyreadstat.read_xport(str(_as_xpt(folder)))
    assert len(frame) > 10
    (folder / "ds.csv").unlink()
    path = folder / "ds.xpt"
    path.write_bytes(path.read_bytes()[:-37])
    return "ds.xpt", "cut off"


def _as_xpt(folder: Path) -> Path:
    import pandas as pd

    frame = pd.read_csv(folder / "ds.csv", dtype=str).fillna("")
    pyreadstat.write_xport(frame, str(folder / "ds.xpt"), table_name="DS")
    return folder / "ds.xpt"


def rewrite(path: Path, change: Callable[[dict[str, str]], None]) -> None:
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        change(row)
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def unknown_unit_throughout(project: Project) -> tuple[str, ...]:
    def furlongs(row: dict[str, str]) -> None:
        if row["TRORRESU"]:
            row["TRORRESU"] = row["TRSTRESU"] = "furlong"

    for path in project.studies.glob("*/tr.csv"):
        rewrite(path, furlongs)
    return "FURLONG", "tr.csv", "quarantined"


def sizes_that_are_no_numbers(project: Project) -> tuple[str, ...]:
    def about(row: dict[str, str]) -> None:
        if row["TRTESTCD"] == "LDIAM" and row["TRORRES"]:
            row["TRORRES"] = row["TRSTRESC"] = f"about {row['TRORRES']}"
            row["TRSTRESN"] = ""

    for path in project.studies.glob("*/tr.csv"):
        rewrite(path, about)
    return "about", "tr.csv", "quarantined"


def site_codes_throughout(project: Project) -> tuple[str, ...]:
    def code(row: dict[str, str]) -> None:
        row["TULOC"] = "C77"

    for path in project.studies.glob("*/tu.csv"):
        rewrite(path, code)
    return "C77", "sites"


SPOILERS = [
    missing_column,
    empty_file,
    not_utf8,
    typo_in_study_yml,
    key_given_twice,
    study_id_used_twice,
    wrong_type_in_study_yml,
    unknown_organ_in_study_yml,
    truncated_xpt,
    unknown_unit_throughout,
    sizes_that_are_no_numbers,
    site_codes_throughout,
]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda f: f.__name__)
def test_one_clear_message_and_nothing_published(
    project: Project, spoil: Callable[[Project], tuple[str, ...]], call: Callable[..., Called]
) -> None:
    before = digest(project.published)
    words = spoil(project)
    done = call("run", "--quiet", "-C", project.root)
    assert done.status == (3 if "critical failed" in done.err else 1)
    assert "Traceback" not in done.err
    message = done.err[done.err.index("error: ") :]
    assert len(message.strip().splitlines()) == 1, message
    for word in words:
        assert word in message, message
    assert digest(project.published) == before


def test_a_disk_that_fills_leaves_the_published_file(project: Project) -> None:
    """The limit on file size stands for the disk: writes past it fail as they do on a full one."""
    before = digest(project.published)
    # A setting of a step and the seven tables behind it: the run begins with a copy of the rest.
    (project.root / "lesions.toml").write_text("[radiomics]\nrecovered_share = 0.8\n")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))

    assert project.published.stat().st_size > 1_500_000
    done = run(project, preexec_fn=limit)
    assert done.returncode == 5  # the machine failed
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    assert digest(project.published) == before
    again = run(project)
    assert again.returncode == 0, again.stderr
    assert digest(project.published) != before
