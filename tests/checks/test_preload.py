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

SLOW = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "great_expectations.expectations.core":
            time.sleep(3)
sys.meta_path.insert(0, Slow())
from datetime import datetime
import duckdb
from warehouse import checks
checks.preload()
while "great_expectations.expectations.registry" not in sys.modules:
    time.sleep(0.01)
connection = duckdb.connect()
connection.execute("CREATE SCHEMA core; CREATE TABLE core.t AS SELECT 1 AS id")
keys = {"core.t": ("id",)}
results = checks.check_tables(connection, ["core.t"], {}, "run", datetime(2026, 1, 1), keys=keys)
assert results and all(one.success for one in results), results
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


def test_checks_that_begin_during_the_import_wait_for_its_end() -> None:
    ended = run(SLOW)
    assert (ended.returncode, ended.stderr) == (0, "")
