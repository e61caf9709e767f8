"""Commands killed by any signal at any moment, one after the other: nothing published is damaged.

LESIONS_KILL_SECONDS=900 pytest -m slow -n 0 -s tests/engine/test_many_kills.py
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from warehouse.project import create_project, open_project
from warehouse.published import altered_tables
from warehouse.run import run_project
from warehouse.simulate import write_trials

SECONDS = float(os.environ.get("LESIONS_KILL_SECONDS", "240"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SHARES = (0.8, 0.9)
"""Two values of a setting that a handful of tables follow from: the two states of the file."""
CLOCKED = ("meta.", "quality.check_result", "raw.")
"""What names the run or holds a time of day."""


def contents(published: Path) -> tuple[tuple[str, str], ...]:
    """The digest of each table, worked out anew and found as it is recorded."""
    with duckdb.connect(str(published), read_only=True) as connection:
        assert altered_tables(connection) == {}
        rows = connection.execute("SELECT table_name, digest FROM meta.digest ORDER BY 1")
        return tuple(row for row in rows.fetchall() if not row[0].startswith(CLOCKED))


def marts_are_whole(target: Path) -> bool:
    """Whether the Parquet folder that the link leads to has each file of its list, byte by byte."""
    current = target / "current"
    if not current.exists():
        return True
    manifest = json.loads((current / "manifest.json").read_text())
    files = [file for table in manifest["tables"] for file in table["files"]]
    assert files
    return all(
        hashlib.sha256((current / file["path"]).read_bytes()).hexdigest() == file["sha256"]
        for file in files
    )


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "warehouse.cli", *map(str, arguments)]


def whole(*arguments: object) -> float:
    """Runs a command to its end; the seconds that it took."""
    started = time.monotonic()
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, (arguments, done.stderr)
    return time.monotonic() - started


@pytest.mark.slow
def test_many_kills_of_every_command_damage_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    marts, report = tmp_path / "marts", folder / "report.html"
    write_trials(folder, "mcrc", patients=20, seed=4)
    create_project(folder)
    study = min((folder / "studies").iterdir())
    states = []
    for share in SHARES:
        (folder / "lesions.toml").write_text(f"[radiomics]\nrecovered_share = {share}\n")
        run_project(open_project(folder))
        states.append(contents(folder / "warehouse.duckdb"))
    assert states[0] != states[1]
    calls = {
        "run": ("run", "-q", "-C", folder),
        "load": ("load", study),
        "publish": ("publish", "--to", marts, "-C", folder),
        "report": ("report", "-C", folder),
    }
    lasting = {name: whole(*arguments) for name, arguments in calls.items()}
    chance = random.Random(int(SECONDS))
    killed: Counter[tuple[str, str]] = Counter()
    ended: Counter[str] = Counter()
    end = time.monotonic() + SECONDS
    turn = 0
    while time.monotonic() < end:
        turn += 1
        name = chance.choice([*calls, "run", "load"])
        if name == "run":
            share = SHARES[turn % 2]
            (folder / "lesions.toml").write_text(f"[radiomics]\nrecovered_share = {share}\n")
        if name in ("run", "load"):  # another comment: the study is read again
            text = (study / "study.yml").read_text().split("\n# ")[0]
            (study / "study.yml").write_text(f"{text}\n# {turn}\n")
        process = subprocess.Popen(
            command(*calls[name]), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        started = time.monotonic()
        time.sleep(chance.uniform(0.0, lasting[name]))
        with_what = chance.choice(SIGNALS)
        process.send_signal(with_what)
        _, errors = process.communicate(timeout=300)
        said = errors.decode()
        if process.returncode == 0:
            ended[name] += 1
            lasting[name] = time.monotonic() - started
        else:
            killed[name, with_what.name] += 1
            wanted = 130 if with_what is signal.SIGINT else -with_what
            # In its first moments Python itself has no handler yet.
            assert process.returncode in (wanted, -with_what), (name, with_what, said)
            assert "Traceback" not in said or process.returncode == -signal.SIGINT, said
        assert contents(folder / "warehouse.duckdb") in states, (name, with_what)
        assert marts_are_whole(marts), (name, with_what)
        assert report.read_bytes().rstrip().endswith(b"</html>"), (name, with_what)
    print(f"\n{sum(killed.values())} kills in {SECONDS:.0f} s, {sum(ended.values())} ended before:")
    for (name, what), count in sorted(killed.items()):
        print(f"  {name:<8} {what:<8} {count}")
    for arguments in calls.values():
        whole(*arguments)
    whole("check", "-C", folder)
    assert contents(folder / "warehouse.duckdb") in states
    assert sorted(path.name for path in (folder / ".lesions/raw").iterdir()) == sorted(
        path.name for path in (folder / "studies").iterdir()
    )
    assert not list(marts.glob(".writing-*"))
    assert sum(killed.values()) >= SECONDS / 60
