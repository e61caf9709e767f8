"""Checks of the warehouse's tables: what must hold, whether it does, and what stops a publish.

    preload()                                    # while the build runs
    suites = load_suites(content_folder("expectations"))
    results = check_tables(connection, ["core.lesion"], suites, run_id, run_at, keys=keys)
    write_check_results(connection.cursor(), results)
    gate(results)                                # raises when a critical check failed

Importing this module is cheap; Great Expectations is imported by ``preload`` or, failing that, by
the first ``check_tables``.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from warehouse.checking.page import write_html
from warehouse.checking.results import (
    CheckResult,
    failures,
    gate,
    read_check_results,
    write_check_results,
)
from warehouse.checking.suites import (
    Check,
    Suite,
    check_columns,
    load_suites,
    suite_files,
    tables_to_check,
)
from warehouse.checking.summary import summarise
from warehouse.imports import import_alone

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "Check",
    "CheckResult",
    "Suite",
    "check_columns",
    "check_tables",
    "failures",
    "gate",
    "load_suites",
    "preload",
    "read_check_results",
    "suite_files",
    "summarise",
    "tables_to_check",
    "write_check_results",
    "write_html",
]

_RUNNER = "warehouse.checking.runner"
_PARTS = ("pandas", "scipy.stats", "sqlalchemy", "altair", "great_expectations", _RUNNER)


def preload() -> None:
    """Begins to import Great Expectations in a background thread, and returns at once.

    A process that ends early waits only for the part being imported, not for the rest.
    """
    threading.Thread(target=_import_parts, name="preload-checks").start()


def _import_parts() -> None:
    for part in _PARTS:
        if not threading.main_thread().is_alive():
            return
        try:
            import_alone((part,))
        except Exception:  # noqa: BLE001  (check_tables imports it again, and shows the error)
            return


def check_tables(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[str],
    suites: Mapping[str, Suite],
    run_id: str,
    run_at: datetime,
    progress: Callable[[int, int], None] | None = None,
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> list[CheckResult]:
    """Runs the checks of tables: their suites', and those that every table gets without a file.

    The checks without a file: the key is given and unique (where ``keys`` names it), and no number
    is NaN or infinite. A check that cannot run has failed, with its error. A table that does not
    exist is one critical failure.

    Args:
        connection: an open DuckDB connection; one cursor is taken per table.
        tables: ``schema.table`` names, in the order in which they are checked.
        suites: what ``load_suites`` returned; a table without one gets the other checks alone.
        run_id: name of the run, for the results.
        run_at: when the run began, UTC.
        progress: called with the number of tables done and of all tables.
        keys: the columns that identify a row of each table.

    Returns:
        One result per check, in the order of ``tables`` and of the suites.

    Raises:
        LesionsError: a suite names a column that its table has not.
    """
    # Not the runner alone: while another thread imports Great Expectations, Python gives out its
    # modules before all kinds of checks are known.
    import_alone(_PARTS)
    runner = importlib.import_module(_RUNNER)
    results: list[CheckResult] = runner.run_checks(
        connection, tables, suites, run_id, run_at, progress, keys or {}
    )
    return results
