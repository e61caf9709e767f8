"""Great Expectations is imported late, or beside other work, and never asks the network."""

from __future__ import annotations

import subprocess
import sys

LATE = """
import sys
import warehouse.checks
assert "great_expectations" not in sys.modules and "pandas" not in sys.modules
"""

ENDS_EARLY = """
import warehouse.checks
warehouse.checks.preload()
print("done")
"""

QUIET = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError(f"looked up {args}")
socket.getaddrinfo = socket.create_connection = refuse
import datetime, duckdb, warehouse.checks
with duckdb.connect() as connection:
    connection.execute("CREATE TABLE t AS SELECT 1.0::DOUBLE AS x")
    results = warehouse.checks.check_tables(
        connection, ["main.t"], {}, "r", datetime.datetime(2026, 1, 1), keys={"main.t": ("x",)})
assert [result.success for result in results] == [True] * 3
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )


def test_importing_checks_imports_nothing_heavy() -> None:
    assert run(LATE).stderr == ""


def test_a_process_may_end_while_the_import_goes_on() -> None:
    ended = run(ENDS_EARLY)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")


def test_checking_looks_up_no_address_and_prints_nothing() -> None:
    quiet = run(QUIET)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
