"""Results of checks: one record each, kept in ``quality.check_result``, and the gate over them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse.checking.kinds import GROUPS
from warehouse.database import quoted
from warehouse.declarations import declared
from warehouse.errors import CheckFailedError, printable

if TYPE_CHECKING:
    import duckdb

RESULT_TABLE = "quality.check_result"
MAX_KEYS = 20
_IN_GATE_MESSAGE = 3


@dataclass(frozen=True)
class CheckResult:
    """What one check found; the fields are the columns of ``quality.check_result``."""

    run_id: str
    run_at: datetime
    table_name: str
    check_id: str
    expectation: str
    column_name: str | None
    severity: str
    success: bool
    element_count: int | None
    unexpected_count: int | None
    unexpected_percent: float | None
    observed: str | None
    unexpected_keys: str | None
    kwargs: str
    error: str | None
    description: str
    remedy: str | None = None

    @property
    def keys(self) -> list[dict[str, Any]]:
        """The failing rows' keys, as ``unexpected_keys`` lists them."""
        return json.loads(self.unexpected_keys) if self.unexpected_keys else []

    @property
    def is_critical_failure(self) -> bool:
        return self.severity == "critical" and not self.success


_RANK = {"critical": 0, "warning": 1, "info": 2}


def failures(results: Sequence[CheckResult]) -> list[CheckResult]:
    """The checks that failed, critical ones first, then by table and name."""
    failed = (result for result in results if not result.success)
    return sorted(failed, key=lambda r: (_RANK[r.severity], r.table_name, r.check_id))


def gate(results: Sequence[CheckResult]) -> None:
    """Lets a stage pass when every critical check held.

    Raises:
        CheckFailedError: a critical check failed or could not run; it names the first three.
    """
    failed = [result for result in failures(results) if result.is_critical_failure]
    if not failed:
        return
    told = " ".join(describe(result).rstrip(".") + "." for result in failed[:_IN_GATE_MESSAGE])
    more = len(failed) - _IN_GATE_MESSAGE
    rest = f" And {more} more." if more > 0 else ""
    raise CheckFailedError(f"{counted(len(failed), 'critical check')} failed. {told}{rest}")


def describe(result: CheckResult) -> str:
    """A failed check in one line: table, name, how many rows, some keys, what to do."""
    line = f"{result.table_name}, {result.check_id}: {result.description}; {found(result)}"
    if result.keys and not result.error:
        line += f", for example {example(result.keys[0])}"
        if result.observed:
            line += f" ({result.observed})"
    return f"{line}. {result.remedy}" if result.remedy else line


def found(result: CheckResult) -> str:
    """How a failed check failed, in a few words."""
    if result.error:
        return f"it could not run: {result.error}"
    if not result.unexpected_count:
        return f"found {result.observed}"
    verb = "fails" if result.unexpected_count == 1 else "fail"
    if result.expectation == GROUPS:
        return f"{counted(result.unexpected_count, 'group')} {verb}"
    return f"{result.unexpected_count:,} of {counted(result.element_count or 0, 'row')} {verb}"


def counted(number: int, noun: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def example(key: dict[str, Any]) -> str:
    """One key as text: ``lesion_id = a/b/-/T01, day = 42``."""
    return printable(", ".join(f"{name} = {value}" for name, value in key.items()))


def write_check_results(
    cursor: duckdb.DuckDBPyConnection,
    results: Sequence[CheckResult],
    tables: Sequence[str] | None = None,
) -> None:
    """Puts results into ``quality.check_result``, made where it is missing.

    The rows of the tables checked are replaced, those of other tables kept.

    Args:
        cursor: a cursor that may write.
        results: what ``check_tables`` returned.
        tables: the tables that were checked; None for those that the results name.
    """
    from warehouse.result_tables import result_table  # brings NumPy and Arrow along

    checked = sorted({result.table_name for result in results} | set(tables or ()))
    _make_table(cursor)
    cursor.execute(
        f"DELETE FROM {RESULT_TABLE} WHERE list_contains(CAST(? AS VARCHAR[]), table_name)",
        [checked],
    )
    if not results:
        return
    cursor.register(
        "lesions_check_result", result_table(declared(RESULT_TABLE), map(vars, results))
    )
    try:
        cursor.execute(f"INSERT INTO {RESULT_TABLE} BY NAME SELECT * FROM lesions_check_result")
    finally:
        cursor.unregister("lesions_check_result")


def read_check_results(cursor: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    """Every result that ``quality.check_result`` holds, of this run and of earlier ones."""
    columns = ", ".join(declared(RESULT_TABLE).columns)
    rows = cursor.execute(
        f"SELECT {columns} FROM {RESULT_TABLE} ORDER BY table_name, check_id"
    ).fetchall()
    return [CheckResult(*row) for row in rows]


def _make_table(cursor: duckdb.DuckDBPyConnection) -> None:
    doc = declared(RESULT_TABLE)
    schema, table = doc.name.split(".")
    present = cursor.execute(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() "
        "AND schema_name = ? AND table_name = ? ORDER BY column_index",
        [schema, table],
    ).fetchall()
    if [name for (name,) in present] == list(doc.columns):
        return
    columns = ", ".join(f"{name} {kind}" for name, kind in doc.types.items())
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    cursor.execute(f"CREATE OR REPLACE TABLE {doc.name} ({columns})")
    cursor.execute(f"COMMENT ON TABLE {doc.name} IS {quoted(doc.description)}")
    for name, text in doc.columns.items():
        cursor.execute(f"COMMENT ON COLUMN {doc.name}.{name} IS {quoted(text)}")
