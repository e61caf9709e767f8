"""Runs checks with Great Expectations 1.24.

Great Expectations defines the kinds of checks, refuses wrong arguments, and judges each check by
its metrics; DuckDB answers the metrics (``warehouse.checking.questions``), one scan per table for
most. Its own engines are not used: they would copy each table into a frame and spend milliseconds
of bookkeeping on a check that a scan answers in microseconds.
This module imports Great Expectations, which takes seconds: import it late.
"""

from __future__ import annotations

import json
import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from great_expectations.expectations.registry import get_expectation_impl

from warehouse.checking.kinds import KINDS, QUERY
from warehouse.checking.kinds import rejected_rows_query as query_of
from warehouse.checking.questions import Answer, Table, ask, broken_rows, text
from warehouse.checking.results import CheckResult
from warehouse.checking.suites import Check, Suite, automatic_checks, check_columns

if TYPE_CHECKING:
    import duckdb

logging.getLogger("great_expectations").setLevel(logging.ERROR)

_MAX_ERROR = 400
_FLOATS = frozenset({"DOUBLE", "FLOAT"})


def run_checks(
    connection: duckdb.DuckDBPyConnection,
    tables: Sequence[str],
    suites: Mapping[str, Suite],
    run_id: str,
    run_at: datetime,
    progress: Callable[[int, int], None] | None,
    keys: Mapping[str, tuple[str, ...]],
) -> list[CheckResult]:
    """See ``warehouse.checks.check_tables``."""
    results: list[CheckResult] = []
    types = _column_types(connection)
    for done, name in enumerate(tables):
        if progress is not None:
            progress(done, len(tables))
        with connection.cursor() as cursor:
            table = Table(cursor, name, keys.get(name, ()), types.get(name, {}))
            outcomes = _run_table(table, suites.get(name))
        results += [_record(check, outcome, run_id, run_at) for check, outcome in outcomes]
    if progress is not None:
        progress(len(tables), len(tables))
    return results


@dataclass
class _Outcome:
    success: bool = False
    element_count: int | None = None
    unexpected_count: int | None = None
    unexpected_percent: float | None = None
    observed: str | None = None
    keys: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None


def _run_table(table: Table, suite: Suite | None) -> list[tuple[Check, _Outcome]]:
    if not table.types:
        absent = Check(table.name, "table_exists", QUERY, {}, "critical", "the table exists")
        return [(absent, _Outcome(error=f"there is no table {table.name}"))]
    if suite is not None:
        check_columns(suite, table.types)
    floats = [column for column, kind in table.types.items() if kind in _FLOATS]
    checks = automatic_checks(table.name, table.key, floats) + list(suite.checks if suite else ())
    if not checks:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            (check, _judged(table, check, answer))
            for check, answer in zip(checks, ask(table, checks), strict=True)
        ]


def _column_types(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Type of each column of each table and view of the current database, ``schema.table``."""
    with connection.cursor() as cursor:
        rows = cursor.execute(
            "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = current_database() ORDER BY table_oid, column_index"
        ).fetchall()
    types: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        types.setdefault(table, {})[column] = kind
    return types


def _judged(table: Table, check: Check, answer: Answer) -> _Outcome:
    """What Great Expectations makes of the metrics of a check."""
    n_rows = answer.metrics["table.row_count"]
    if answer.error is not None:
        return _Outcome(element_count=n_rows, error=_told(answer.error))
    is_sql = KINDS[check.kind].is_sql
    given: dict[str, Any] = {**check.kwargs, "severity": check.severity}
    if is_sql:
        query = query_of(check.kind, check.kwargs, table.key)
        given = {"unexpected_rows_query": query, "severity": check.severity}
    kind = get_expectation_impl(QUERY if is_sql else check.kind)
    expectation = kind(**given)
    metrics = dict(answer.metrics)
    if hasattr(kind, "map_metric"):
        for name in ("unexpected_count", "filtered_row_count"):
            metrics[f"{kind.map_metric}.{name}"] = metrics[name]
    detail = "COMPLETE" if is_sql else "BASIC"  # of rows that a column check fails we ask DuckDB
    result = expectation._validate(metrics, {"result_format": {"result_format": detail}}, None)
    details = result["result"]
    if is_sql:
        return _rejected_outcome(table, n_rows, details, bool(result["success"]))
    outcome = _Outcome(
        success=bool(result["success"]),
        element_count=n_rows,
        unexpected_count=details.get("unexpected_count"),
        unexpected_percent=details.get("unexpected_percent"),
    )
    if "observed_value" in details:
        outcome.observed = text(details["observed_value"])
    elif outcome.unexpected_count:
        outcome.keys, outcome.observed = broken_rows(table, check)
    return outcome


def _rejected_outcome(
    table: Table, n_rows: int, details: Mapping[str, Any], success: bool
) -> _Outcome:
    count = int(details["observed_value"])
    rows: list[dict[str, Any]] = details["details"]["unexpected_rows"]
    key = [name for name in table.key if rows and name in rows[0]]
    observed = None
    if rows:
        beside = {name: value for name, value in rows[0].items() if name not in key}
        observed = ", ".join(f"{name} = {text(value)}" for name, value in beside.items()) or None
    return _Outcome(
        success=success,
        element_count=n_rows,
        unexpected_count=count,
        unexpected_percent=100.0 * count / n_rows if n_rows else 0.0,
        observed=observed,
        keys=[{name: row[name] for name in key} if key else row for row in rows],
    )


def _told(error: Exception) -> str:
    """Why a check could not be asked, in one line and without the SQL."""
    told = re.split(r"\n\s*(?:LINE|Candidate) ", str(error))[0]
    return " ".join(told.split())[:_MAX_ERROR]


def _record(check: Check, outcome: _Outcome, run_id: str, run_at: datetime) -> CheckResult:
    return CheckResult(
        run_id=run_id,
        run_at=run_at,
        table_name=check.table,
        check_id=check.check_id,
        expectation=check.kind,
        column_name=", ".join(check.columns) or None,
        severity=check.severity,
        success=outcome.success,
        element_count=outcome.element_count,
        unexpected_count=outcome.unexpected_count,
        unexpected_percent=outcome.unexpected_percent,
        observed=outcome.observed,
        unexpected_keys=json.dumps(outcome.keys, default=_json) if outcome.keys else None,
        kwargs=json.dumps(check.kwargs),
        error=outcome.error,
        description=check.description,
        remedy=check.remedy,
    )


def _json(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)
