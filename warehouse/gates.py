"""The gate at the end of each stage: what was built is checked before anything follows it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse import checks
from warehouse.display import Display, Stage
from warehouse.errors import CheckFailedError
from warehouse.project import Project

StageShower = Callable[[str, int, str], AbstractContextManager[Stage]]


def suite_digests(folder: Path) -> dict[str, str]:
    """Digest of each suite's file, by the table that it checks."""
    return {
        table: hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for table, path in checks.suite_files(folder).items()
    }


@dataclass(frozen=True)
class Gate:
    """Checks tables of one run, and stops the run where a critical check fails."""

    project: Project
    suites: Mapping[str, checks.Suite]
    reads: Mapping[str, frozenset[str]]
    """Tables that the checks of a table read beside it."""
    keys: Mapping[str, tuple[str, ...]]
    run_id: str
    run_at: datetime
    display: Display
    stage: StageShower
    left_out: tuple[str, ...] = ()
    """Models that are out of date too and that this run was not asked to build."""

    def check(
        self, connection: duckdb.DuckDBPyConnection, layer: str, tables: Sequence[str]
    ) -> list[checks.CheckResult]:
        """Checks tables and stores the results.

        Raises:
            CheckFailedError: a critical check failed; what was built is kept for a look.
        """
        with self.stage(f"check {layer}", len(tables), "tables") as stage:
            results = checks.check_tables(
                connection,
                tables,
                self.suites,
                self.run_id,
                self.run_at.replace(tzinfo=None),
                progress=lambda done, total: stage.observe("", "done"),
                keys=self.keys,
            )
        checks.write_check_results(connection, results, tables)
        if any(not result.success for result in results):
            self.display.console.print(checks.summarise(results))
        try:
            checks.gate(results)
        except CheckFailedError as error:
            checks.write_html(self.project.check_page, results, "Checks of the failed run")
            connection.execute("CHECKPOINT")
            shutil.copyfile(self.project.work, self.project.failed)
            raise CheckFailedError(
                f"{error} Nothing was published. What was built is kept in "
                f"{self.project.failed}, the checks in {self.project.check_page}."
                f"{self._hint()}"
            ) from error
        return results

    def _hint(self) -> str:
        """That tables which the selection left out no longer fit those it built."""
        if not self.left_out:
            return ""
        shown = ", ".join(self.left_out[:3]) + (", ..." if len(self.left_out) > 3 else "")
        return (
            f" {len(self.left_out)} models that are out of date were not selected ({shown}): what "
            "they made before may not fit what was built. 'lesions run' without a selection "
            "builds them too."
        )

    def due(self, built: Sequence[str], changed: Sequence[str], present: set[str]) -> list[str]:
        """Tables to check once some were built.

        These are the tables built, those whose checks read them, and those whose suites changed.
        A table whose checks read one that is still to be built waits for that one.

        Args:
            built: tables just built.
            changed: tables whose suite changed.
            present: all tables that are there so far.
        """
        tables = dict.fromkeys([*checks.tables_to_check(built, self.reads), *changed])
        return [t for t in tables if {t, *self.reads.get(t, ())} <= present]
