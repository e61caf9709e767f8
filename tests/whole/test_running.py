"""What a program that runs the warehouse relies on: exit codes, JSON lines, the environment."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse import logs
from warehouse.display import Display, console
from warehouse.errors import CommandError, LesionsError
from warehouse.project import create_project, open_project
from warehouse.publishing.publish import publish_to
from warehouse.settings import read_settings

LONG = "study_id: t\nlayout: lesion_long\nday_convention: zero_based\nfiles: [{file: d.csv}]\n"


def lesions(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "warehouse.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of two patients in a project."""
    create_project(tmp_path / "p")
    folder = tmp_path / "p" / "studies" / "t"
    folder.mkdir()
    (folder / "study.yml").write_text(LONG)
    (folder / "d.csv").write_text(
        "patient,lesion,day,diameter_mm,organ\n1,A,0,20,LIVER\n1,A,42,15,LIVER\n2,A,0,30,XYZZY\n"
        "2,A,4.5,31,XYZZY\n"
    )
    return folder


def test_load_judges_and_says_what_will_be_usable(study):
    done = lesions("load", study)
    assert done.returncode == 0, done.stderr
    assert "Usable: 2 patients, 2 lesions, 3 measurements; days 0 to 42. Quarantined: 1 rows." in (
        done.stderr
    )
    assert "Write it as a whole number (42)" in " ".join(done.stdout.split())
    assert "site 'XYZZY' (1 lesions) has no organ" in done.stderr
    assert "No patient has a time of survival" in done.stderr


def test_files_that_no_reader_takes_are_named(study):
    for name in ("old.xls", "all.zip", "fit.rds"):
        (study / name).write_bytes(b"x")
    done = lesions("load", study)
    assert done.returncode == 0
    for advice in ("old.xls (an old Excel workbook: save it as .xlsx)", "all.zip (an archive"):
        assert advice in done.stderr
    (study / "study.yml").write_text(LONG.replace("d.csv", "old.xls"))
    assert "It is an old Excel workbook" in lesions("load", study).stderr


def test_exit_codes(study, tmp_path):
    project = study.parents[1]
    assert lesions("load", study, "--nonsense").returncode == 2
    assert lesions("load", study, "--log-format", "xml").returncode == 2
    assert lesions("plan", "-C", tmp_path).returncode == 2
    assert lesions("plan", "-C", project, "no.such_model").returncode == 2
    assert lesions("query", "-C", project, "--failed", "SELECT 1").returncode == 1
    (project / ".lesions").mkdir(exist_ok=True)
    with (project / ".lesions" / "lock").open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        held = lesions("load", study)
    assert held.returncode == 4
    assert "is writing" in held.stderr
    (study / "d.csv").write_text("patient,lesion\n")
    assert lesions("load", study).returncode == 1


def test_a_machine_that_fails(study):
    if os.geteuid() == 0:
        # Root may write anywhere; a file in a folder's place fails for root too.
        state = study.parents[1] / ".lesions"
        state.write_text("")
    else:
        study.parents[1].chmod(0o500)
    done = lesions("load", study)
    assert done.returncode == 5
    assert "cannot be written" in done.stderr


def test_json_lines(study):
    done = lesions("load", study, "--log-format", "json")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["event"] for line in lines} == {"message"}
    assert any(line["message"].startswith("Usable: 2 patients") for line in lines)
    assert all(line["time"].endswith("+00:00") for line in lines)
    failed = lesions("plan", "-C", "/nowhere", LESIONS_LOG_FORMAT="json")
    error = json.loads(failed.stderr)
    assert (error["event"], error["status"]) == ("error", 2)
    assert "is not in a project" in error["message"]


def test_a_stage_as_a_json_line(capsys):
    logs.use("json")
    try:
        with Display(console(stderr=True)).stage("core", 3, "models built"):
            pass
    finally:
        logs.use("text")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["message"], line["total"]) == ("stage", "core", 3)
    assert line["seconds"] >= 0


def test_settings_of_the_environment_go_before_the_files(tmp_path, monkeypatch):
    root = tmp_path / "p"
    create_project(root)
    (root / "lesions.toml").write_text("[run]\nthreads = 3\n")
    assert open_project(root).values["run.threads"] == 3
    monkeypatch.setenv("LESIONS_RUN__THREADS", "2")
    monkeypatch.setenv("LESIONS_GROWTH__DROPOUT", "false")
    values = open_project(root).values
    assert (values["run.threads"], values["growth.dropout"]) == (2, False)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LESIONS_RUN__THREDS", "2", r"names no setting. Did you mean LESIONS_RUN__THREADS"),
        ("LESIONS_RUN__THREADS", "two", r"environment, LESIONS_RUN__THREADS: .* is not an integer"),
        ("LESIONS_RUN__THREADS", "-1", r"is below 0"),
        ("LESIONS_GROWTH__DROPOUT", "maybe", r"is not a"),
    ],
)
def test_wrong_settings_of_the_environment(tmp_path, monkeypatch, variable, value, message):
    create_project(tmp_path / "p")
    monkeypatch.setenv(variable, value)
    with pytest.raises(CommandError, match=message):
        read_settings(tmp_path / "p" / "lesions.toml")


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("x.xpt", "lesions publish --to adam FOLDER --format xpt"),
        ("marts.xlsx", "lesions query"),
        ("copy.sqlite", "A DuckDB file ends in"),
        ("mysql://u:s3cret@host/db", "It needs DuckDB's extension mysql"),
        ("mssql+pyodbc://u:s3cret@host/db", "No connector of DuckDB writes to SQL Server"),
        ("ftp://u:s3cret@host/db", "publishing to ftp:// is not known"),
        ("s3://bucket", "s3://bucket/prefix"),
        ("s3://key:s3cret@bucket/prefix", "keys come from the environment"),
    ],
)
def test_a_target_that_is_no_folder_is_refused(tmp_path, target, remedy):
    project = create_project(tmp_path / "p")
    with pytest.raises(LesionsError, match=re.escape(remedy)) as caught:
        publish_to(
            project, str(tmp_path / target) if "//" not in target else target, "m", "r", True
        )
    assert "s3cret" not in str(caught.value)
    assert not (tmp_path / target).exists()
