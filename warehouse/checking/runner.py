"""Runs checks with Great Expectations 1.24.

Great Expectations looks at a pandas frame that holds only the columns which the checks of columns
name. Checks of SQL are its ``UnexpectedRowsExpectation``; the two metrics that this expectation
asks for are answered here by DuckDB, on the table itself, so cross-table rules need no copy.
This module imports Great Expectations, which takes seconds: import it late.
"""

from __future__ import annotations

import heapq
import json
import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import great_expectations as gx
import pandas as pd
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.query_metrics.query_row_count import (
    unexpected_rows_query_row_count,
)
from great_expectations.expectations.metrics.query_metrics.query_table import (
    unexpected_rows_query_table,
)

from warehouse.checking.kinds import COLUMN_ARGUMENTS, KINDS, QUERY, names, quoted
from warehouse.checking.kinds import rejected_rows_query as query_of
from warehouse.checking.results import MAX_KEYS, CheckResult
from warehouse.checking.suites import Check, Suite, automatic_checks, check_columns

if TYPE_CHECKING:
    import duckdb

logging.getLogger("great_expectations").setLevel(logging.ERROR)

_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "return_unexpected_index_query": False,
    "partial_unexpected_count": MAX_KEYS,
}
_MAX_ERROR = 400
_MAX_EXAMPLES = 5
_FLOATS = frozenset({"DOUBLE", "FLOAT"})


@dataclass
class _Table:
    """The table being checked, and what its queries answered."""

    cursor: duckdb.DuckDBPyConnection
    name: str
    key: tuple[str, ...]
    types: dict[str, str]
    answers: dict[str, tuple[int, list[dict[str, Any]]]] = field(default_factory=dict)

    @cached_property
    def n_rows(self) -> int:
        rows = self.cursor.execute(f"SELECT count(*) FROM {quoted(self.name)}").fetchall()
        return int(rows[0][0])

    def rejected(self, query: str) -> tuple[int, list[dict[str, Any]]]:
        """How many rows a query rejects, and the first of them in the order of its columns."""
        if query not in self.answers:
            text = query.format(batch=quoted(self.name))
            self.cursor.execute(
                f"SELECT count(*) OVER () AS n_rejected_, f.* FROM ({text}) AS f "
                f"ORDER BY ALL LIMIT {MAX_KEYS}"
            )
            columns = [column[0] for column in self.cursor.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in self.cursor.fetchall()]
            count = rows[0]["n_rejected_"] if rows else 0
            for row in rows:
                del row["n_rejected_"]
            self.answers[query] = (count, rows)
        return self.answers[query]


_TABLE: ContextVar[_Table] = ContextVar("table_being_checked")


class RejectedRows(unexpected_rows_query_table.UnexpectedRowsQueryTable):
    """The rows that ``UnexpectedRowsExpectation`` asks for, found by DuckDB."""

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, metric_value_kwargs: dict, **_: Any) -> list[dict[str, Any]]:  # noqa: N805
        return _TABLE.get().rejected(metric_value_kwargs["unexpected_rows_query"])[1]


class RejectedRowCount(unexpected_rows_query_row_count.UnexpectedRowsQueryRowCount):
    """How many rows ``UnexpectedRowsExpectation`` asks for, counted by DuckDB."""

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(cls, metric_value_kwargs: dict, **_: Any) -> int:  # noqa: N805
        return _TABLE.get().rejected(metric_value_kwargs["unexpected_rows_query"])[0]


@cache
def _batches() -> BatchDefinition[Any]:
    """Where frames go in: a context that lives in memory and writes nothing."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("warehouse").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")


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
            table = _Table(cursor, name, keys.get(name, ()), types.get(name, {}))
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


def _run_table(table: _Table, suite: Suite | None) -> list[tuple[Check, _Outcome]]:
    if not table.types:
        absent = Check(table.name, "table_exists", QUERY, {}, "critical", "the table exists")
        return [(absent, _Outcome(error=f"there is no table {table.name}"))]
    if suite is not None:
        check_columns(suite, table.types)
    floats = [column for column, kind in table.types.items() if kind in _FLOATS]
    checks = automatic_checks(table.name, table.key, floats) + list(suite.checks if suite else ())
    if not checks:
        return []
    token = _TABLE.set(table)
    try:
        return _validate(table, checks)
    finally:
        _TABLE.reset(token)


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


def _validate(table: _Table, checks: Sequence[Check]) -> list[tuple[Check, _Outcome]]:
    frame = _frame(table, checks)
    configured = [_expectation(check, table.key, number) for number, check in enumerate(checks)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        suite = gx.ExpectationSuite(name=table.name, expectations=configured)
        batch = _batches().get_batch({"dataframe": frame})
        validated = batch.validate(suite, result_format=_RESULT_FORMAT)
    found: dict[int, Any] = {
        result.expectation_config.meta["number"]: result
        for result in validated.results
        if result.expectation_config is not None and result.expectation_config.meta is not None
    }
    return [
        (check, _outcome(table, frame, check, found.get(number)))
        for number, check in enumerate(checks)
    ]


def _frame(table: _Table, checks: Sequence[Check]) -> pd.DataFrame:
    """The columns that checks of columns name, with the key to tell failing rows by."""
    needed = {
        column
        for check in checks
        if not KINDS[check.kind].is_sql
        for argument in COLUMN_ARGUMENTS
        for column in names(check.kwargs.get(argument, ()))
    }
    if not needed:
        return pd.DataFrame(index=pd.RangeIndex(table.n_rows))
    wanted = [column for column in table.types if column in needed or column in table.key]
    selected = ", ".join(_selected(column, table.types[column]) for column in wanted)
    query = f"SELECT {selected} FROM {quoted(table.name)}"
    return table.cursor.sql(query).to_arrow_table().to_pandas()


def _selected(column: str, kind: str) -> str:
    """Numbers and texts as pandas knows them: no decimals, no 128-bit integers, no enums."""
    name = quoted(column)
    if kind.startswith("DECIMAL") or kind.endswith("HUGEINT"):
        return f"CAST({name} AS DOUBLE) AS {name}"
    if kind.startswith("ENUM") or kind == "UUID":
        return f"CAST({name} AS VARCHAR) AS {name}"
    return name


def _expectation(check: Check, key: tuple[str, ...], number: int) -> dict[str, Any]:
    meta = {"number": number}
    if not KINDS[check.kind].is_sql:
        kwargs = dict(check.kwargs)
        return {"type": check.kind, "kwargs": kwargs, "severity": check.severity, "meta": meta}
    kwargs = {"unexpected_rows_query": query_of(check.kind, check.kwargs, key)}
    return {"type": QUERY, "kwargs": kwargs, "severity": check.severity, "meta": meta}


def _outcome(table: _Table, frame: pd.DataFrame, check: Check, result: Any) -> _Outcome:
    if result is None:
        return _Outcome(error="Great Expectations returned no result for this check")
    error = _error(result.exception_info)
    if error is not None:
        return _Outcome(element_count=table.n_rows, error=error)
    details = result.result
    if KINDS[check.kind].is_sql:
        return _rejected_outcome(table, details, bool(result.success))
    outcome = _Outcome(
        success=bool(result.success),
        element_count=table.n_rows,
        unexpected_count=details.get("unexpected_count"),
        unexpected_percent=details.get("unexpected_percent"),
    )
    if "observed_value" in details:
        outcome.observed = _text(details["observed_value"])
    elif outcome.unexpected_count:
        positions = details.get("unexpected_index_list") or []
        outcome.keys = _frame_keys(frame, positions, table.key or check.columns)
        outcome.observed = _examples(frame, positions, check.columns)
    return outcome


def _rejected_outcome(table: _Table, details: Mapping[str, Any], success: bool) -> _Outcome:
    count = int(details["observed_value"])
    rows: list[dict[str, Any]] = details.get("details", {}).get("unexpected_rows", [])
    key = [name for name in table.key if rows and name in rows[0]]
    observed = None
    if rows:
        beside = {name: value for name, value in rows[0].items() if name not in key}
        observed = ", ".join(f"{name} = {_text(value)}" for name, value in beside.items()) or None
    return _Outcome(
        success=success,
        element_count=table.n_rows,
        unexpected_count=count,
        unexpected_percent=100.0 * count / table.n_rows if table.n_rows else 0.0,
        observed=observed,
        keys=[{name: row[name] for name in key} if key else row for row in rows],
    )


def _frame_keys(
    frame: pd.DataFrame, positions: Sequence[int], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """Keys of the failing rows, the first in the order of the key."""
    failing = frame.loc[list(positions), list(columns)]
    failing = failing.sort_values(list(columns)).head(MAX_KEYS)
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in failing.to_dict("records")
    ]


def _examples(frame: pd.DataFrame, positions: Sequence[int], columns: Sequence[str]) -> str | None:
    """The commonest failing values with their counts; None where all of them are missing."""
    failing = frame.loc[list(positions), list(columns)].dropna(how="all")
    if failing.empty:
        return None
    counted = failing.value_counts(dropna=False)
    told = (
        (-int(count), " / ".join(_text(value) for value in values))
        for values, count in zip(counted.index, counted, strict=True)
    )
    ranked = heapq.nsmallest(_MAX_EXAMPLES, told)
    listed = ", ".join(f"{values} ({-count:,}x)" for count, values in ranked)
    return listed if len(counted) <= _MAX_EXAMPLES else f"{listed}, ..."


def _error(information: Any) -> str | None:
    """Why an expectation could not run, or None. Its report has two shapes: flat, or per metric."""
    if not information:
        return None
    reports = [information] if "raised_exception" in information else information.values()
    raised = [str(r.get("exception_message")) for r in reports if r.get("raised_exception")]
    if not raised:
        return None
    told = " | ".join(
        re.split(r"\n\s*(?:LINE|Candidate) ", message)[0] for message in dict.fromkeys(raised)
    )
    return " ".join(told.split())[:_MAX_ERROR]


def _text(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


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
