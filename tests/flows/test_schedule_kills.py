"""``lesions schedule`` and the runs that it starts, killed at any moment: nothing is damaged.

LESIONS_SCHEDULE_KILLS=30 pytest -m slow -n 0 -s tests/flows/test_schedule_kills.py
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from engine.test_many_kills import SHARES, SIGNALS, Contents, files_of, nursery
from processes import LOOKS_IN_PROC, SERVE, descendants, is_alive, wait_for

from warehouse.project import create_project
from warehouse.simulate import write_trials

KILLS = int(os.environ.get("LESIONS_SCHEDULE_KILLS", "12"))
NEVER = "0 0 1 * *"
"""No run is due by the clock, once a month apart: the test asks for each. Prefect plans no further
ahead than 100 days, and says nothing of a next run before."""


class Scheduler:
    """A ``lesions schedule`` that runs, and what it said."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.output, self.folder = output, folder
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PREFECT")
        } | {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}
        with output.open("wb") as handle:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(folder), NEVER],
                env=environment,
                stdout=handle,
                stderr=subprocess.STDOUT,
            )
        wait_for(output, r"next run .*", 180)
        self.api = wait_for(output, r"http://127\.0\.0\.1:\d+", 1) + "/api"
        self.idle = descendants(self.process.pid)
        self.n_said = 0

    def ask(self) -> None:
        """Asks the server for a run at once, as its page does."""
        with httpx.Client(base_url=self.api, trust_env=False, timeout=30) as client:
            given = client.get("/csrf-token", params={"client": "test"}).json()
            headers = {"Prefect-Csrf-Token": given["token"], "Prefect-Csrf-Client": "test"}
            (served,) = client.post("/deployments/filter", json={}, headers=headers).json()
            path = f"/deployments/{served['id']}/create_flow_run"
            client.post(path, json={}, headers=headers).raise_for_status()

    def has_ended_a_run(self) -> bool:
        """Whether another run than those known has told of its end."""
        return len(re.findall(r"published|failed", self.output.read_text())) > self.n_said

    def wait_for_run(self) -> float:
        """Waits for the end of the run that was asked for; the seconds that it took."""
        began = time.monotonic()
        while not self.has_ended_a_run():
            assert time.monotonic() < began + 300, self.output.read_text()
            time.sleep(0.05)
        self.n_said += 1
        return time.monotonic() - began

    def runner(self, seconds: float) -> int | None:
        """The process of the run under way; None where there is none so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = {pid for pid in descendants(self.process.pid) - self.idle if is_alive(pid)}
            if found:
                return max(found)
            time.sleep(0.02)
        return None

    def kill(self, with_what: signal.Signals) -> int:
        """Kills the scheduler; its status, when all that it started has ended too."""
        started = descendants(self.process.pid)
        self.process.send_signal(with_what)
        status = self.process.wait(90)
        deadline = time.monotonic() + 60
        while left := [pid for pid in started if is_alive(pid)]:
            assert time.monotonic() < deadline, (with_what, left, self.output.read_text())
            time.sleep(0.1)
        return status


@contextmanager
def scheduled(folder: Path, output: Path) -> Iterator[list[Scheduler]]:
    """The scheduler in use, which ends with the block, whoever takes its place."""
    used = [Scheduler(folder, output)]
    try:
        yield used
    finally:
        used[0].process.terminate()
        with suppress(subprocess.TimeoutExpired):
            used[0].process.wait(60)


@LOOKS_IN_PROC
@pytest.mark.slow
def test_kills_of_the_schedule_and_of_its_runs_damage_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write_trials(folder, "mcrc", patients=20, seed=4)
    create_project(folder)
    study, *others = sorted((folder / "studies").iterdir())
    for other in others:
        shutil.rmtree(other)

    def change(turn: int) -> None:
        """Another value of a setting, and a study that is to be read again."""
        text = f"[radiomics]\nrecovered_share = {SHARES[turn % 2]}\n"
        (folder / "lesions.toml").write_text(text)
        layout = (study / "study.yml").read_text().split("\n# ")[0]
        (study / "study.yml").write_text(f"{layout}\n# {turn}\n")

    chance = random.Random(KILLS)
    killed: Counter[tuple[str, str]] = Counter()
    ended = 0
    with nursery(tmp_path) as born:
        contents = Contents(born, folder / "warehouse.duckdb")
        states = []
        for turn in (0, 1):
            change(turn)
            born.whole("run", "-q", "-C", folder)
            states.append(contents.now())
        assert states[0] != states[1]
        with scheduled(folder, tmp_path / "said.0") as used:
            change(0)
            used[0].ask()
            lasting = used[0].wait_for_run()
            assert contents.now() == states[0]
            expected = {x for x in files_of(folder) if not x.startswith(".lesions/prefect")}
            turn = 0
            while sum(killed.values()) < KILLS:
                turn += 1
                assert turn < 3 * KILLS + 10, (killed, ended)
                change(turn)
                scheduler = used[0]
                scheduler.ask()
                run = scheduler.runner(30)
                assert run is not None, scheduler.output.read_text()
                time.sleep(chance.uniform(0, lasting))
                with_what = chance.choice(SIGNALS)
                what = chance.choice(("schedule", "run"))
                if scheduler.has_ended_a_run():
                    scheduler.n_said += 1
                    ended += 1
                    continue
                if what == "schedule":
                    status = scheduler.kill(with_what)
                    wanted = -signal.SIGKILL if with_what is signal.SIGKILL else 0
                    assert status == wanted, (with_what, status, scheduler.output.read_text())
                    used[0] = Scheduler(folder, tmp_path / f"said.{turn}")
                else:
                    with suppress(ProcessLookupError):
                        os.kill(run, with_what)
                    deadline = time.monotonic() + 60
                    while descendants(scheduler.process.pid) - scheduler.idle:
                        assert time.monotonic() < deadline, scheduler.output.read_text()
                        time.sleep(0.1)
                    scheduler.n_said = len(
                        re.findall(r"published|failed", scheduler.output.read_text())
                    )
                    assert scheduler.process.poll() is None
                killed[what, with_what.name] += 1
                assert contents.now() in states, (what, with_what, turn)
            change(turn + 1)
            used[0].ask()
            used[0].wait_for_run()
            assert contents.now() == states[(turn + 1) % 2]
        print(f"\n{dict(killed)}, {ended} ended before", flush=True)
        for said in tmp_path.glob("said.*"):
            assert "Traceback" not in said.read_text(), said.read_text()
    left = {x for x in files_of(folder) if not x.startswith(".lesions/prefect")}
    assert left == expected
