"""``lesions schedule`` killed at any moment: nothing published is damaged, no process stays behind.

LESIONS_KILL_SECONDS=900 pytest -m slow -n 0 -s tests/flows/test_schedule_kills.py
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from engine.nursery import digests
from processes import LOOKS_IN_PROC, descendants, is_alive, start_schedule
from projects import QUICK

from warehouse.project import Project, create_project, open_project
from warehouse.run import run_project
from warehouse.simulate import write_trials

SECONDS = float(os.environ.get("LESIONS_KILL_SECONDS", "240"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SHARES = (0.8, 0.9)
"""Two values of a setting that a handful of tables follow from: the two states of the file."""
CRONS = ("0 0 1 * *", "* * * * *")
"""One that does not fire meanwhile, and one that runs each minute."""
MOMENTS = ((0.0, 25.0), (40.0, 150.0))
"""Seconds after which each is killed: the start of server and flow; a run, and its publish."""
PATIENCE = 30.0
"""Seconds that the processes it started have to end after it was killed."""


def share(project: Project, value: float) -> None:
    settings = f"{QUICK}[radiomics]\nrecovered_share = {value}\n"
    (project.root / "lesions.toml").write_text(settings)


def left_alive(pids: set[int]) -> list[str]:
    """What of these processes still runs when their patience is over."""
    deadline = time.monotonic() + PATIENCE
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return [
        Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in pids if is_alive(pid)
    ]


@LOOKS_IN_PROC
@pytest.mark.slow
def test_a_schedule_killed_at_any_moment_damages_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "trials"
    write_trials(folder, "mcrc", patients=20, seed=4)
    project = create_project(folder)
    states = []
    for value in SHARES:
        share(project, value)
        run_project(open_project(folder))
        states.append(digests(str(project.published)))
    assert states[0] != states[1]
    chance = random.Random(int(SECONDS))
    killed: Counter[tuple[str, str]] = Counter()
    seen: Counter[int] = Counter()
    end = time.monotonic() + SECONDS
    turn = 0
    while time.monotonic() < end:
        turn += 1
        kind = turn % 2
        share(project, SHARES[turn // 2 % 2])  # so that each second run has something to publish
        with_what = chance.choice(SIGNALS)
        output = tmp_path / "output"
        process = start_schedule(folder, CRONS[kind], output)
        started: set[int] = set()
        moment = time.monotonic() + chance.uniform(*MOMENTS[kind])
        while time.monotonic() < moment:
            assert process.poll() is None, output.read_text()
            started |= descendants(process.pid)
            time.sleep(0.1)
        started |= descendants(process.pid)
        process.send_signal(with_what)
        process.wait(60)
        where = (CRONS[kind], with_what.name, turn, output.read_text()[-2000:])
        assert "Traceback" not in output.read_text(), where
        assert left_alive(started) == [], where
        now = digests(str(project.published))
        assert now in states, where
        seen[states.index(now)] += 1
        killed[CRONS[kind], with_what.name] += 1
    print(f"\n{sum(killed.values())} kills: {dict(killed)}; states afterwards {dict(seen)}")
    report = run_project(open_project(folder))
    assert report.run_id
    assert digests(str(project.published)) == states[turn // 2 % 2]
    assert sum(killed.values()) >= SECONDS / 120
