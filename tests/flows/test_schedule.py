"""``lesions schedule``: what it refuses, and a cron that really fires."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import pytest
from processes import LOOKS_IN_PROC, descendants, is_alive, start_schedule, wait_for

from flows import schedule
from flows.schedule import check_cron, free_port, serve
from flows.serving import deployment_name
from warehouse.errors import LesionsError
from warehouse.project import Project, create_project
from warehouse.simulate import write_trials


@pytest.mark.parametrize("cron", ["0 2 * * *", "*/5 8-18 * * mon-fri", "@daily"])
def test_cron_of_five_fields_or_a_word_is_taken(cron: str) -> None:
    check_cron(cron)


@pytest.mark.parametrize(
    "cron", ["", "nightly", "61 * * * *", "0 2 * *", "* * * * * *", "H 2 * * *"]
)
def test_other_cron_is_refused_with_an_example(cron: str) -> None:
    with pytest.raises(LesionsError, match=re.escape(repr(cron))) as caught:
        check_cron(cron)
    assert "'0 2 * * *'" in str(caught.value)


def test_port_that_is_taken_is_refused_and_a_free_one_found() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LesionsError, match=f"port {port} is taken"):
            free_port(port)
        assert free_port(None) != port
    assert free_port(port) == port


def test_usual_port_gives_way_to_a_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(schedule, "DEFAULT_PORT", taken.getsockname()[1])
        assert free_port(None) not in (0, taken.getsockname()[1])


def test_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="not in a project"):
        serve(tmp_path, "0 2 * * *")


def test_schedules_of_folders_with_one_name_differ() -> None:
    first, second = deployment_name(Path("/a/100%")), deployment_name(Path("/b/100%"))
    assert first != second
    assert first == deployment_name(Path("/a/100%"))
    assert re.fullmatch("100--[0-9a-f]{6}", first)


def test_only_one_serves_a_project_and_signals_are_as_before(project: Project) -> None:
    before = signal.getsignal(signal.SIGTERM)
    project.state.mkdir()
    with (
        schedule._only_scheduler(project),
        schedule._stop_on_signal() as stop,
    ):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.is_wanted
        with pytest.raises(LesionsError, match=f"process {os.getpid()}"):
            serve(project.root, "0 2 * * *")
    assert signal.getsignal(signal.SIGTERM) is before


@LOOKS_IN_PROC
def test_a_child_and_its_child_end(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); \
time.sleep(600)"
    )
    log = tmp_path / "pid"
    with schedule._children() as children:
        children.append(schedule._start(["-c", code], tmp_path, log))
        pids = [children[0].process.pid, int(wait_for(log, r"\d+", 30))]
        assert all(is_alive(pid) for pid in pids)
    assert not any(is_alive(pid) for pid in pids)


def test_server_that_ends_is_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "server.log"
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", str(free_port(None)))
    with schedule._children() as children:
        children.append(schedule._start(["-c", "raise SystemExit('no disk')"], tmp_path, log))
        with pytest.raises(LesionsError, match=r"status 1.*no disk.*server\.log"):
            schedule._await_health(children[0], schedule.Stop(), log)


@LOOKS_IN_PROC
@pytest.mark.slow
def test_schedule_fires_publishes_and_ends_without_leaving_a_process(tmp_path: Path) -> None:
    folder = tmp_path / "trials"
    write_trials(folder, "mcrc", patients=30, seed=5)
    project = create_project(folder)
    output = tmp_path / "output"
    process = start_schedule(folder, "* * * * *", output)
    try:
        wait_for(output, r"next run .*", 120)
        started = descendants(process.pid)
        assert len(started) >= 2
        assert wait_for(output, r"(published|failed).*", 150).startswith("published")
        assert project.published.exists()
        assert (project.state / "prefect" / "prefect.db").exists()
        started |= descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.terminate()
        process.wait(60)
    text = output.read_text()
    assert "http://127.0.0.1:" in text
    assert "Traceback" not in text
    assert "Warning" not in text
    assert text.rstrip().endswith("Ended.")
    assert not [pid for pid in started if is_alive(pid)]
