"""Ctrl-C ends every command with one paragraph and status 130, whatever a library makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse import cli, cli_exit
from warehouse.errors import LesionsError


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)
    cli_exit.interrupts.clear()


@pytest.mark.parametrize(
    "made",
    [
        RuntimeError("Query interrupted"),
        ImportError("cannot import name"),
        LesionsError("core.b could not be built: INTERRUPT Error: Interrupted!"),
        OSError("half a file"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_library_makes_of_ctrl_c_is_one_paragraph(monkeypatch, capsys, made):
    def command(**_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        except KeyboardInterrupt:
            raise made from None

    monkeypatch.setattr(cli.lesions, "main", command)
    monkeypatch.setattr(sys, "argv", ["lesions", "run"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "interrupted; what was published before is as it was.\n"


def test_an_error_without_ctrl_c_is_not_taken_for_one(monkeypatch):
    def command(**_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(cli.lesions, "main", command)
    monkeypatch.setattr(sys, "argv", ["lesions", "run"])
    with pytest.raises(RuntimeError, match="a fault of ours"):
        cli.main()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")
def test_ctrl_c_at_many_moments_of_a_load(tmp_path):
    from warehouse.project import create_project

    project = create_project(tmp_path / "project")
    study = project.studies / "trial"
    study.mkdir()
    (study / "study.yml").write_text("study_id: trial\n")
    rows = "".join(f'{n},"{"x" * 50}"\n' for n in range(400_000))
    (study / "dm.csv").write_text("USUBJID,ARM\n" + rows)
    command = [sys.executable, "-m", "warehouse.cli", "load", str(study)]
    for turn in range(30):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Past the interpreter's own start: the command has begun to load DuckDB.
        maps = Path(f"/proc/{process.pid}/maps")
        while process.poll() is None and "_duckdb" not in maps.read_text():
            time.sleep(0.01)
        time.sleep(0.05 * turn)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode in (0, 130), errors.decode()
        assert b"Traceback" not in errors
        if process.returncode == 0:
            (project.raw / "trial" / "manifest.json").unlink()
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert [path.name for path in project.raw.iterdir()] == ["trial"]
