"""Commands that start at once: each in a fork of a process that has imported everything.

Starting Python and importing the libraries takes longer than most commands; hundreds of kills would
spend their time there. Read from the standard input, one JSON line each: the arguments of a command
of ``lesions``, or ``["!digests", FILE, OUT]``. Written to the standard output: the process id when
it has begun, its status when it has ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

IMPORTED = (
    "duckdb", "great_expectations", "numpy", "pandas", "psycopg", "pyarrow.parquet", "scipy.stats",
    "scipy.optimize", "sklearn.cluster", "sqlglot", "openpyxl", "yaml", "flows.steps",
    "warehouse.cli", "warehouse.checks", "warehouse.doctor", "warehouse.loading", "warehouse.query",
    "warehouse.publishing.excel", "warehouse.publishing.folder", "warehouse.publishing.postgres",
    "warehouse.publishing.publish", "warehouse.publishing.superset", "warehouse.recheck",
    "warehouse.reference.make", "warehouse.report.make", "warehouse.run", "warehouse.views",
)  # fmt: skip
CLOCKED = ("meta.", "quality.check_result", "raw.")
"""What names the run or holds a time of day."""


def digests(published: str) -> list[list[str]]:
    """The digest of each table, worked out anew and found as it is recorded."""
    import duckdb

    from warehouse.published import altered_tables

    with duckdb.connect(published, read_only=True) as connection:
        altered = altered_tables(connection)
        assert altered == {}, altered
        rows = connection.execute("SELECT table_name, digest FROM meta.digest ORDER BY 1")
        return [list(row) for row in rows.fetchall() if not row[0].startswith(CLOCKED)]


def act(arguments: list[str], said: str) -> None:
    """Does what is asked in this process, a fork, and ends it."""
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    status = 70
    try:
        if arguments[0] == "!digests":
            Path(arguments[2]).write_text(json.dumps(digests(arguments[1])))
        else:
            from warehouse.cli import main

            sys.argv = ["lesions", *arguments]
            main()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:  # noqa: BLE001  (a child says all that ends it)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for name in IMPORTED:
        import_module(name)
    tell(ready=True)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            act(asked["arguments"], asked["said"])
        tell(pid=child)
        _, status = os.waitpid(child, 0)
        tell(status=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
