"""No command opens a socket to anything but this machine: Python's calls and the kernel's list."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from warehouse.project import Project

WATCH = """
import os, sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo",
                 "socket.gethostbyname", "urllib.Request"):
        with open(os.environ["WATCHED"], "a") as log:
            log.write(f"{event} {[a for a in arguments if not hasattr(a, 'fileno')]}\\n")
sys.addaudithook(watch)
"""
ASKS_TO_BE_QUIET = ("DO_NOT_TRACK", "GX_ANALYTICS_ENABLED", "PREFECT_SERVER_ANALYTICS_ENABLED")
"""What the tests' own environment sets: the commands must be quiet without it."""


def remotes(pid: int) -> set[str]:
    """Addresses that sockets of a process lead to, as the kernel lists them."""
    try:
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
        found = set()
        for table in ("tcp", "tcp6", "udp", "udp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[9] in inodes:
                    found.add(_address(fields[2].split(":")[0]))
        return found
    except OSError:  # the process, or one of its files, is gone
        return set()


def _address(text: str) -> str:
    raw = bytes.fromhex(text)
    words = b"".join(raw[place : place + 4][::-1] for place in range(0, len(raw), 4))
    return str(ipaddress.ip_address(words))


def is_here(address: str) -> bool:
    found = ipaddress.ip_address(address)
    return found.is_loopback or found.is_unspecified


@pytest.mark.slow  # eleven commands under watch
@pytest.mark.skipif(not Path("/proc/self/net").exists(), reason="looks into /proc")
def test_no_command_opens_a_socket(built: Project, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(built.root, folder)
    (folder / "lesions.toml").write_text("[radiomics]\nrecovered_share = 0.8\n")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(WATCH)
    log = tmp_path / "sockets.log"
    environment = {k: v for k, v in os.environ.items() if k not in ASKS_TO_BE_QUIET}
    environment |= {"PYTHONPATH": str(hooks), "WATCHED": str(log)}
    probe = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0))"
    subprocess.run([sys.executable, "-c", probe], env=environment, check=True)
    assert log.read_text().startswith("socket.bind [('127.0.0.1', 0)]")  # the watch watches
    log.unlink()
    seen: set[str] = set()
    for arguments in (
        ("load", min((folder / "studies").iterdir())), ("run", "-q", "-C", folder),
        ("plan", "-C", folder), ("check", "-C", folder), ("doctor", "-C", folder),
        ("report", "-C", folder), ("docs", "-C", folder), ("connect", "-C", folder),
        ("query", "-C", folder, "SELECT now(), * FROM core.study"),
        ("publish", "-C", folder, "--to", tmp_path / "marts"),
        ("simulate", tmp_path / "trials", "--patients", "20"),
    ):  # fmt: skip
        command = [sys.executable, "-m", "warehouse.cli", *map(str, arguments)]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        while process.poll() is None:
            seen |= remotes(process.pid)
            time.sleep(0.02)
        _, errors = process.communicate()
        assert process.returncode == 0, (arguments, errors.decode())
    # urllib3, which Great Expectations imports, tries whether this machine has IPv6.
    lines = log.read_text().splitlines() if log.exists() else []
    asked = {line for line in lines if line != "socket.bind [('::1', 0)]"}
    assert asked == set()
    assert {address for address in seen if not is_here(address)} == set()
