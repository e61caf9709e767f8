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
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from postgres_server import database as database
from postgres_server import postgres as postgres

from warehouse.project import create_project
from warehouse.simulate import write_trials

SECONDS = float(os.environ.get("LESIONS_KILL_SECONDS", "240"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SHARES = (0.8, 0.9)
"""Two values of a setting that a handful of tables follow from: the two states of the file."""
LONGEST = 300
OFTEN = {"run": 3, "load": 3, "publish": 3, "mirror": 3, "report": 2}
"""How often each command is chosen; the others once."""


@dataclass
class Nursery:
    """Runs commands in forks of one process that has imported everything."""

    process: subprocess.Popen[str]
    said: Path

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def start(self, *arguments: object) -> int:
        assert self.process.stdin is not None
        asked = {"arguments": [str(argument) for argument in arguments], "said": str(self.said)}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return int(self._answer()["pid"])

    def end(self) -> tuple[int, str]:
        """The status of what was started, and what it said."""
        status = int(self._answer()["status"])
        return status, self.said.read_text(errors="replace")

    def whole(self, *arguments: object) -> float:
        """Runs a command to its end; the seconds that it took."""
        started = time.monotonic()
        self.start(*arguments)
        status, said = self.end()
        assert status == 0, (arguments, said)
        return time.monotonic() - started


@contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    command = [sys.executable, str(Path(__file__).with_name("nursery.py"))]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
    )
    try:
        made = Nursery(process, folder / "said")
        assert made._answer() == {"ready": True}
        yield made
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


class Contents:
    """The digests of the published file, worked out anew whenever it is another file."""

    def __init__(self, nursery: Nursery, published: Path) -> None:
        self._nursery, self._published = nursery, published
        self._seen: tuple[object, ...] = ()
        self._known: list[Any] = []

    def now(self) -> list[Any]:
        state = self._published.stat()
        seen = (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
        if seen != self._seen:
            out = self._published.parent.parent / "digests.json"
            self._nursery.whole("!digests", self._published, out)
            self._known, self._seen = json.loads(out.read_text()), seen
        return self._known


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


def mirrored(url: str) -> str:
    """A digest of all rows of all tables of a mirror, as one reader sees them at one moment."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'mart' ORDER BY 1"
        ).fetchall()
        found = []
        for (table,) in tables:
            rows = connection.execute(
                f'SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM mart."{table}" t'
            ).fetchall()
            found.append((table, rows))
    return hashlib.sha256(repr(found).encode()).hexdigest()


def is_page(path: Path) -> bool:
    return path.read_bytes().rstrip().endswith(b"</html>")


def is_zip(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return archive.testzip() is None


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def tell(killed: Counter[tuple[str, str]], ended: Counter[str]) -> None:
    print(f"\n{sum(killed.values())} kills, {sum(ended.values())} ended before:")
    for name in sorted({*ended, *(name for name, _ in killed)}):
        counts = [f"{signal.name} {killed[name, signal.name]}" for signal in SIGNALS]
        print(f"  {name:<9} {', '.join(counts)}; ended before {ended[name]}", flush=True)


@pytest.mark.slow
def test_many_kills_of_every_command_damage_nothing(
    tmp_path: Path, database: Callable[[str], str]
) -> None:
    folder = tmp_path / "project"
    marts, report = tmp_path / "marts", folder / "report.html"
    catalogue, sheet, boards = folder / "catalogue.html", folder / "q.xlsx", folder / "s.zip"
    rows = folder / "q.parquet"
    mirror = database("publisher")
    write_trials(folder, "mcrc", patients=20, seed=4)
    create_project(folder)
    study, *others = sorted((folder / "studies").iterdir())
    for other in others[1:]:
        for file in other.iterdir():
            file.unlink()
        other.rmdir()

    def share(value: float) -> None:
        (folder / "lesions.toml").write_text(f"[radiomics]\nrecovered_share = {value}\n")

    calls: dict[str, tuple[object, ...]] = {
        "run": ("run", "-q", "-C", folder),
        "load": ("load", study),
        "publish": ("publish", "--to", marts, "-C", folder),
        "mirror": ("publish", "-q", "--to", mirror, "-C", folder),
        "report": ("report", "-C", folder),
        "docs": ("docs", "-C", folder),
        "sheet": ("query", "FROM mart.dim_patient", "-o", sheet, "-C", folder),
        "rows": ("query", "FROM mart.dim_patient", "-o", rows, "-C", folder),
        "superset": ("connect", "--superset", boards, "-C", folder),
        "check": ("check", "-q", "-C", folder),
    }
    with nursery(tmp_path) as born:
        contents = Contents(born, folder / "warehouse.duckdb")
        states, mirrors = [], []
        for value in SHARES:
            share(value)
            born.whole(*calls["run"])
            states.append(contents.now())
            born.whole(*calls["mirror"])
            mirrors.append(mirrored(mirror))
        assert states[0] != states[1]
        lasting = {name: born.whole(*arguments) for name, arguments in calls.items()}
        expected = files_of(folder)
        chance = random.Random(int(SECONDS))
        weights = [OFTEN.get(name, 1) for name in calls]
        killed: Counter[tuple[str, str]] = Counter()
        ended: Counter[str] = Counter()
        end = time.monotonic() + SECONDS
        turn = 0
        while time.monotonic() < end:
            turn += 1
            (name,) = chance.choices([*calls], weights)
            if name == "run":
                share(SHARES[turn % 2])
            if name in ("run", "load"):  # another comment: the study is read again
                text = (study / "study.yml").read_text().split("\n# ")[0]
                (study / "study.yml").write_text(f"{text}\n# {turn}\n")
            started = time.monotonic()
            process = born.start(*calls[name])
            time.sleep(chance.uniform(0.0, lasting[name]))
            with_what = chance.choice(SIGNALS)
            try:
                os.kill(process, with_what)
            except ProcessLookupError:
                with_what = None
            status, said = born.end()
            if status == 0 or with_what is None:
                assert status == 0, (name, said)
                ended[name] += 1
                lasting[name] = time.monotonic() - started
            else:
                killed[name, with_what.name] += 1
                wanted = 130 if with_what is signal.SIGINT else -with_what
                # In its first moments the command has no handler yet.
                assert status in (wanted, -with_what), (name, with_what, status, said)
                assert "Traceback" not in said, (name, with_what, said)
            where = (name, with_what, turn)
            assert contents.now() in states, where
            if name == "publish":
                assert marts_are_whole(marts), where
            if name == "mirror":
                assert mirrored(mirror) in mirrors, where
            if name in ("report", "docs", "check"):
                pages = (report, catalogue, folder / ".lesions" / "checks.html")
                assert all(map(is_page, pages)), where
            if name in ("sheet", "superset"):
                assert is_zip(sheet), where
                assert is_zip(boards), where
            if name == "rows":
                with duckdb.connect() as connection:
                    assert connection.sql(f"FROM '{rows}'").fetchall(), where
            if turn % 100 == 0:
                tell(killed, ended)
        tell(killed, ended)
        for arguments in calls.values():
            born.whole(*arguments)
        assert contents.now() in states
    assert sorted(path.name for path in (folder / ".lesions/raw").iterdir()) == sorted(
        path.name for path in (folder / "studies").iterdir()
    )
    assert files_of(folder) == expected
    assert not list(marts.glob(".writing-*"))
    assert sum(killed.values()) >= SECONDS / 60
