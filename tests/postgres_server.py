"""A throwaway PostgreSQL server on this machine's loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def _programs() -> Path | None:
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return places[-1] if places and (places[-1] / "initdb").is_file() else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server without a database name; ends with the tests.

    PostgreSQL does not run as root: there the user nobody runs it.
    """
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra: postgres)")
    programs = _programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL server on this machine")
    folder = Path(tempfile.mkdtemp(prefix="lesions-pg-"))
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)

    port = free_port()
    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "admin", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
    # pg_ctl leaves its output open to the server: a pipe would never end.
    subprocess.run(
        [str(programs / "pg_ctl"), "-D", data, "-o", options, "-l", str(folder / "log"), "-w",
         "start"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd=folder,
    )  # fmt: skip
    try:
        yield f"postgresql://{{user}}@127.0.0.1:{port}/{{database}}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def database(postgres: str) -> Callable[[str], str]:
    """URL of a new, empty database as a user: ``admin`` (superuser), or its owner ``publisher``."""
    import psycopg

    name = f"trials_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(
        postgres.format(user="admin", database="postgres"), autocommit=True
    ) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'publisher'").fetchall():
            connection.execute("CREATE ROLE publisher LOGIN CREATEROLE")
        connection.execute(f"CREATE DATABASE {name} OWNER publisher")
    return lambda user: postgres.format(user=user, database=name)
