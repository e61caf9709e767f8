"""Keeps a project fresh: a Prefect server of its own, and the nightly flow served by the clock.

This process only watches. It starts two others, each in a session of its own so that Ctrl-C
reaches this one alone: Prefect's server, and ``flows.serving``, which runs the flow.
"""

from __future__ import annotations

import ctypes
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from flows.copies import wanted_copies
from flows.notices import channels
from flows.openlineage_events import refuse_without_library
from flows.prefect_home import (
    local_timezone,
    own_server_environment,
    quiet_prefect,
    refuse_broken_versions,
)
from warehouse.errors import LesionsError
from warehouse.project import Project, open_project

DEFAULT_PORT = 4200
HOST = "127.0.0.1"
START_SECONDS = 180.0
"""Longest wait for the server: its first start makes its database."""
END_SECONDS = 20.0
"""Longest wait for a process told to end; then it is killed."""
POLL_SECONDS = 0.2
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve(project_root: Path, cron: str, port: int | None = None) -> None:
    """Runs the nightly flow of a project whenever ``cron`` says, until Ctrl-C or SIGTERM.

    Starts a Prefect server on the loopback address, with its files in ``.lesions/prefect``, unless
    PREFECT_API_URL names one. Times are local. Ends the processes that it started, and no others.

    Args:
        project_root: the project's folder, or one below it.
        cron: five fields: minute, hour, day of month, month, day of week; or @daily and the like.
        port: the server's port; 4200, or a free one where that is taken, when None.

    Raises:
        LesionsError: no project, a cron that is none, a package version with which schedules do not
            work, a port that is taken, a server that does not start, another process serves the
            project, or settings of copies and events that cannot be.
    """
    project = open_project(project_root)
    refuse_broken_versions()
    refuse_without_library(project)
    home = project.state / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_only_scheduler(project))
        stop = stack.enter_context(_stop_on_signal())
        own_server = not os.environ.get("PREFECT_API_URL")
        if own_server:
            port = free_port(port)
            os.environ.update(own_server_environment(home, port, os.environ))
        else:
            os.environ.setdefault("PREFECT_HOME", str(home))
        quiet_prefect()
        check_cron(cron)
        log = home / "server.log"
        children = stack.enter_context(_children())
        if own_server:
            children.append(_start_server(home, log))
            if not _await_health(children[0], stop, log):
                return
        where = f"http://{HOST}:{port}" if own_server else os.environ["PREFECT_API_URL"]
        say(f"Prefect   {where}  (log {log})" if own_server else f"Prefect   {where}")
        zone = local_timezone(os.environ)
        reason = home / "reason"
        reason.unlink(missing_ok=True)
        arguments = [str(project.root), cron, zone, str(reason)]
        children.append(_start(["-m", "flows.serving", *arguments], home))
        say(f"Schedule  {cron}  ({zone})  of {project.root}")
        for line in what_follows(project):
            say(line)
        say("Ctrl-C ends it.")
        _watch(children, stop, reason, log)
    say("Ended.")


def what_follows(project: Project) -> list[str]:
    """What is done after each publish, and who is told, in lines."""
    copies = [name for name, _, _ in wanted_copies(project)]
    lines = [f"Then      {', '.join(copies)}"] if copies else []
    told = [name for name, _ in channels(project.values)]
    lines += [f"Notices   {', '.join(told)}"] if told else []
    lines += ["Lineage   events of OpenLineage"] if project.values["openlineage.to"] else []
    return lines


def say(text: str) -> None:
    """Prints a line."""
    print(text, flush=True)


def check_cron(cron: str) -> None:
    """Imports Prefect, so its environment must be set before.

    Raises:
        LesionsError: ``cron`` is not of five fields, nor @daily or the like.
    """
    from prefect.schedules import Cron

    remedy = (
        "Give minute, hour, day of month, month and day of week: '0 2 * * *' is every night at "
        "two, '30 6 * * 1-5' half past six on weekdays."
    )
    try:
        Cron(cron)
    except ValueError as error:
        raise LesionsError(f"{cron!r} is not a cron schedule. {remedy}") from error
    if len(cron.split()) != 5 and not cron.startswith("@"):
        raise LesionsError(f"{cron!r} has {len(cron.split())} fields. {remedy}")


def free_port(wanted: int | None) -> int:
    """The port wanted, or when None the usual one, or failing that a free one.

    Raises:
        LesionsError: the port wanted is taken.
    """
    for port in (DEFAULT_PORT, 0) if wanted is None else (wanted,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise LesionsError(
        f"port {wanted} is taken by another process. Name another with --port, or leave it out."
    )


@dataclass
class Stop:
    """Whether this process was told to end."""

    is_wanted: bool = False


@contextmanager
def _stop_on_signal() -> Iterator[Stop]:
    """Notes a signal to end, in place of what it would do."""
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        stop.is_wanted = True

    former = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number, handler in former.items():
        if handler != signal.SIG_IGN:  # nohup ignores SIGHUP, and means it
            signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def _only_scheduler(project: Project) -> Iterator[None]:
    """Holds the project's schedule; the system frees it when the process ends, however."""
    with (project.state / "schedule.lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            raise LesionsError(
                f"another 'lesions schedule' (process {handle.read().strip() or 'unknown'}) "
                f"serves {project.root} already. End that one first."
            ) from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


@contextmanager
def _children() -> Iterator[list[Child]]:
    """Processes that end when the block does, the last started first."""
    children: list[Child] = []
    try:
        yield children
    finally:
        for child in reversed(children):
            child.end()


@dataclass
class Child:
    """A process that this one started, in a session and so a group of its own."""

    process: subprocess.Popen[bytes]
    patience: float = field(default=END_SECONDS)

    def end(self) -> None:
        """Ends it and those it started: asks, waits, then kills."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(self.patience)
        deadline = time.monotonic() + 2
        while self._signal(0) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: int) -> bool:
        """Signals the group; false where nobody is left in it."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return False
        return True


def _start(arguments: Sequence[str], folder: Path, log: Path | None = None) -> Child:
    """Starts Python with ``arguments``; -P keeps the current folder's modules out of its way."""
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log is not None else None
        process = subprocess.Popen(
            [sys.executable, "-P", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            start_new_session=True,
            preexec_fn=_dying_with_parent(),
        )
    return Child(process)


def _dying_with_parent() -> Callable[[], None] | None:
    """What a child does first, so that it is told to end even when its parent is killed."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1

    def ask() -> None:
        prctl(set_parent_death_signal, int(signal.SIGTERM))

    return ask


def _start_server(home: Path, log: Path) -> Child:
    return _start(["-m", "prefect", "server", "start"], home, log)


def _await_health(server: Child, stop: Stop, log: Path) -> bool:
    """Waits until the server answers; false where this process was told to end meanwhile.

    Raises:
        LesionsError: it ended, or did not answer in time.
    """
    port = int(os.environ["PREFECT_SERVER_API_PORT"])
    deadline = time.monotonic() + START_SECONDS
    while not _is_healthy(port):
        if stop.is_wanted:
            return False
        ended = server.process.poll()
        if ended is not None or time.monotonic() > deadline:
            how = f"ended with status {ended}" if ended is not None else "does not answer"
            raise LesionsError(f"Prefect's server {how}.{_last_line(log)} All it says is in {log}.")
        time.sleep(POLL_SECONDS)
    return True


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    last = next((line for line in reversed(lines) if line and line != "Server stopped!"), "")
    return f" Its last words: {last}" if last else ""


def _watch(children: Sequence[Child], stop: Stop, reason: Path, log: Path) -> None:
    """Waits for the signal to end.

    Raises:
        LesionsError: one of the processes ended by itself.
    """
    while not stop.is_wanted:
        for child in children:
            ended = child.process.poll()
            if ended is not None and reason.exists():
                raise LesionsError(reason.read_text(encoding="utf-8"))
            if ended is not None:
                raise LesionsError(
                    f"a process of the schedule has ended by itself (status {ended}); why is said "
                    f"above or in {log}."
                )
        time.sleep(POLL_SECONDS)
