"""What DuckDB is asked for each check: the metrics that Great Expectations judges it by.

A check of rows is a condition that the rows breaking it meet. All conditions of one table that need
no other rows are counted in one scan; a check that finds rows is asked once more for their keys and
for its commonest values. The names of the metrics are those that the expectation's own
``_validate`` asks for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from warehouse.checking.kinds import EQUAL, KINDS, QUERY, ROWS, names, quoted
from warehouse.checking.kinds import rejected_rows_condition as condition_of
from warehouse.checking.kinds import rejected_rows_query as query_of
from warehouse.checking.results import MAX_KEYS

if TYPE_CHECKING:
    import duckdb

    from warehouse.checking.suites import Check

_MAX_EXAMPLES = 5
_FLOATS = frozenset({"DOUBLE", "FLOAT"})
_ANY_ROW = "TRUE"
_NESTED = re.compile(r"\b(SELECT|OVER)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """The table being checked."""

    cursor: duckdb.DuckDBPyConnection
    name: str
    key: tuple[str, ...]
    types: Mapping[str, str]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.cursor.execute(query).fetchall()

    def missing(self, column: str) -> str:
        """NaN is a missing number, as in pandas."""
        name = f"t.{quoted(column)}"
        is_nan = f" OR isnan({name})" if self.types[column] in _FLOATS else ""
        return f"({name} IS NULL{is_nan})"


@dataclass(frozen=True)
class Rows:
    """A check of rows: which ones count, and which of them break it."""

    counted: str
    broken: str

    @property
    def is_plain(self) -> bool:
        """Each row says by itself whether it breaks the check."""
        return not _NESTED.search(self.broken) and not _NESTED.search(self.counted)


@dataclass
class Answer:
    """The metrics of one check, or why there are none."""

    metrics: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None


def ask(table: Table, checks: Sequence[Check]) -> list[Answer]:
    """The answers to all checks of one table, in their order."""
    import duckdb

    questions = [_rows_of(table, check) for check in checks]
    plain = [number for number, asked in enumerate(questions) if asked and asked.is_plain]
    # Several checks count the same rows: each condition is asked once.
    asked_for = dict.fromkeys(
        [_ANY_ROW, *(condition for number in plain for condition in _both(questions[number]))]
    )
    selected = ", ".join(
        "count(*)" if condition == _ANY_ROW else f"count(*) FILTER (WHERE {condition})"
        for condition in asked_for
    )
    try:
        (counts,) = table.rows(f"SELECT {selected} FROM {quoted(table.name)} AS t")
        n_rows = counts[0]
    except duckdb.Error:  # one of them cannot be asked: each by itself tells which
        ((n_rows,),) = table.rows(f"SELECT count(*) FROM {quoted(table.name)}")
        plain, counts = [], ()
    count_of = dict(zip(asked_for, counts, strict=False))
    counted = {}
    for number in plain:
        first, second = _both(questions[number])
        counted[number] = (count_of[first], count_of[second])
    answers = []
    for number, (check, asked) in enumerate(zip(checks, questions, strict=True)):
        answer = Answer({"table.row_count": n_rows})
        try:
            answer.metrics |= _metrics(table, check, asked, n_rows, counted.get(number))
        except duckdb.Error as error:
            answer.error = error
        answers.append(answer)
    return answers


def _both(asked: Rows | None) -> tuple[str, str]:
    assert asked is not None
    if asked.counted == _ANY_ROW:
        return _ANY_ROW, f"({asked.broken})"
    return asked.counted, f"({asked.counted}) AND ({asked.broken})"


def _metrics(
    table: Table,
    check: Check,
    asked: Rows | None,
    n_rows: int,
    counted: tuple[int, int] | None,
) -> dict[str, Any]:
    if KINDS[check.kind].is_sql:
        # Of a check in the scan that no row breaks, nothing more is to be known; nor of rows where
        # there are none, unless the query is the check's own and may read other tables.
        is_held = (counted is not None and counted[1] == 0) or (n_rows == 0 and check.kind != QUERY)
        n_rejected, rows = (0, []) if is_held else rejected(table, check)
        return {"unexpected_rows_query.row_count": n_rejected, "unexpected_rows_query.table": rows}
    if asked is None:
        return _of_column(table, check)
    if counted is None:
        ((n_counted, n_broken),) = table.rows(
            "SELECT count(*), count(*) FILTER (WHERE is_broken) FROM ("
            f"SELECT {asked.broken} AS is_broken FROM {quoted(table.name)} AS t "
            f"WHERE {asked.counted})"
        )
        counted = (n_counted, n_broken)
    return {
        "column_values.nonnull.unexpected_count": n_rows - counted[0],
        "filtered_row_count": counted[0],
        "unexpected_count": counted[1],
    }


def rejected(table: Table, check: Check) -> tuple[int, list[dict[str, Any]]]:
    """How many rows the query of a SQL check rejects, and the first in the order of its columns."""
    text = query_of(check.kind, check.kwargs, table.key).format(batch=quoted(table.name))
    if not table.rows(f"SELECT 1 FROM ({text}) AS f LIMIT 1"):
        return 0, []  # as nearly always; to plan what orders and counts them costs more than this
    table.cursor.execute(
        f"SELECT count(*) OVER () AS n_rejected_, f.* FROM ({text}) AS f "
        f"ORDER BY ALL LIMIT {MAX_KEYS}"
    )
    columns = [column[0] for column in table.cursor.description or ()]
    rows = [dict(zip(columns, row, strict=True)) for row in table.cursor.fetchall()]
    return (rows[0]["n_rejected_"] if rows else 0), [
        {name: value for name, value in row.items() if name != "n_rejected_"} for row in rows
    ]


# Conditions of rows ---------------------------------------------------------------------------


def _rows_of(table: Table, check: Check) -> Rows | None:
    """The rows that break a check; None for what is no check of rows."""
    if check.kind in (ROWS, EQUAL):
        broken = condition_of(check.kind, check.kwargs).format(batch=quoted(table.name))
        return Rows(_ANY_ROW, broken)
    build = _CONDITIONS.get(check.kind)
    return None if build is None else build(table, check.kwargs)


def _of_values(
    broken: Callable[[str, Mapping[str, Any]], str],
) -> Callable[[Table, Mapping[str, Any]], Rows]:
    """A check of the values of a column that are not missing."""

    def build(table: Table, kwargs: Mapping[str, Any]) -> Rows:
        return Rows(
            f"NOT {table.missing(kwargs['column'])}",
            broken(f"t.{quoted(kwargs['column'])}", kwargs),
        )

    return build


def _outside(column: str, kwargs: Mapping[str, Any]) -> str:
    limits = []
    if kwargs.get("min_value") is not None:
        sign = "<=" if kwargs.get("strict_min") else "<"
        limits.append(f"{column} {sign} {_literal(kwargs['min_value'])}")
    if kwargs.get("max_value") is not None:
        sign = ">=" if kwargs.get("strict_max") else ">"
        limits.append(f"{column} {sign} {_literal(kwargs['max_value'])}")
    return " OR ".join(limits) or "FALSE"


def _in_set(column: str, kwargs: Mapping[str, Any]) -> str:
    values = ", ".join(map(_literal, kwargs["value_set"]))
    return f"{column} IN ({values})" if values else "FALSE"


def _not_missing(table: Table, kwargs: Mapping[str, Any]) -> Rows:
    return Rows(_ANY_ROW, table.missing(kwargs["column"]))


def _missing(table: Table, kwargs: Mapping[str, Any]) -> Rows:
    return Rows(_ANY_ROW, f"NOT {table.missing(kwargs['column'])}")


def _pair(sign: Callable[[Mapping[str, Any]], str]) -> Callable[[Table, Mapping[str, Any]], Rows]:
    def build(table: Table, kwargs: Mapping[str, Any]) -> Rows:
        pair = [kwargs["column_A"], kwargs["column_B"]]
        first, second = (f"t.{quoted(name)}" for name in pair)
        ignored = {
            "both_values_are_missing": " AND ",
            "either_value_is_missing": " OR ",
        }.get(kwargs.get("ignore_row_if", "both_values_are_missing"))
        return Rows(
            _unless(table, pair, ignored), f"NOT coalesce({first} {sign(kwargs)} {second}, FALSE)"
        )

    return build


def _unique(table: Table, kwargs: Mapping[str, Any]) -> Rows:
    columns = list(names(kwargs.get("column_list", kwargs.get("column"))))
    ignored = {"all_values_are_missing": " AND ", "any_value_is_missing": " OR "}.get(
        kwargs.get("ignore_row_if", "all_values_are_missing")
    )
    listed = ", ".join(f"t.{quoted(name)}" for name in columns)
    return Rows(_unless(table, columns, ignored), f"count(*) OVER (PARTITION BY {listed}) > 1")


def _unless(table: Table, columns: Sequence[str], joined_by: str | None) -> str:
    """Rows that are not ignored for values that are missing."""
    if joined_by is None:
        return _ANY_ROW
    return f"NOT ({joined_by.join(table.missing(name) for name in columns)})"


_CONDITIONS: dict[str, Callable[[Table, Mapping[str, Any]], Rows]] = {
    "expect_column_values_to_not_be_null": _not_missing,
    "expect_column_values_to_be_null": _missing,
    "expect_column_values_to_be_between": _of_values(_outside),
    "expect_column_values_to_be_in_set": _of_values(lambda c, given: f"NOT ({_in_set(c, given)})"),
    "expect_column_values_to_not_be_in_set": _of_values(_in_set),
    "expect_column_values_to_match_regex": _of_values(
        lambda c, given: f"NOT regexp_matches(CAST({c} AS VARCHAR), {_literal(given['regex'])})"
    ),
    "expect_column_values_to_be_unique": _unique,
    "expect_compound_columns_to_be_unique": _unique,
    "expect_column_pair_values_a_to_be_greater_than_b": _pair(
        lambda given: ">=" if given.get("or_equal") else ">"
    ),
    "expect_column_pair_values_to_be_equal": _pair(lambda _: "="),
}


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


# Values of a column ---------------------------------------------------------------------------

_AGGREGATES = ("max", "mean", "median", "min", "sum")


def _of_column(table: Table, check: Check) -> dict[str, Any]:
    """The metrics of a check of an aggregate or of the distinct values."""
    if "column" not in check.kwargs:
        return {}
    column = check.kwargs["column"]
    source = f"{quoted(table.name)} AS t WHERE NOT {table.missing(column)}"
    name = f"t.{quoted(column)}"
    what = re.sub(r"^expect_column_|_to_be_between$", "", check.kind)
    if what in _AGGREGATES:
        ((value,),) = table.rows(f"SELECT {what}({name}) FROM {source}")
        return {f"column.{what}": value}
    if what == "proportion_of_non_null_values":
        given = f"avg(CASE WHEN {table.missing(column)} THEN 0 ELSE 1 END)"
        ((share,),) = table.rows(f"SELECT {given} FROM {quoted(table.name)} AS t")
        return {"column.non_null_proportion": share}
    found = [value for (value,) in table.rows(f"SELECT DISTINCT {name} FROM {source} ORDER BY 1")]
    if what == "unique_value_count":
        return {"column.distinct_values.count": len(found)}
    wanted = check.kwargs["value_set"]
    absent = [value for value in wanted if value not in found]
    other = [value for value in found if value not in wanted]
    return {
        "column.distinct_values.missing_from_column": absent,
        "column.distinct_values.missing_from_column.count": len(absent),
        "column.distinct_values.not_in_set": other,
        "column.distinct_values.not_in_set.count": len(other),
    }


# What broke a check ---------------------------------------------------------------------------


def broken_rows(table: Table, check: Check) -> tuple[list[dict[str, Any]], str | None]:
    """Keys of the rows that break a check of a column, the first in their order, and examples.

    The examples are the commonest values that break it, with their counts; None where all of them
    are missing.
    """
    asked = _rows_of(table, check)
    assert asked is not None
    key = list(table.key or check.columns)
    columns = list(check.columns)
    place = "QUALIFY" if not asked.is_plain else "AND"
    source = f"FROM {quoted(table.name)} AS t WHERE ({asked.counted}) {place} ({asked.broken})"

    def listed(of: Sequence[str]) -> str:
        return ", ".join(f"t.{quoted(name)}" for name in of)

    found = table.rows(f"SELECT {listed(key)} {source} ORDER BY ALL LIMIT {MAX_KEYS}")
    keys = [
        {name: None if _is_nan(value) else value for name, value in zip(key, row, strict=True)}
        for row in found
    ]
    given = " OR ".join(f"NOT {table.missing(name)}" for name in columns)
    places = ", ".join(str(place) for place in range(1, len(columns) + 1))
    commonest = table.rows(
        f"SELECT {listed(columns)}, count(*) AS n_rows FROM "
        f"(SELECT {listed(columns)} {source}) AS t WHERE {given} GROUP BY {places} "
        f"ORDER BY n_rows DESC, {places} LIMIT {_MAX_EXAMPLES + 1}"
    )
    told = [
        f"{' / '.join(map(text, values))} ({n_rows:,}x)"
        for *values, n_rows in commonest[:_MAX_EXAMPLES]
    ]
    if len(commonest) > _MAX_EXAMPLES:
        told.append("...")
    return keys, ", ".join(told) or None


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def text(value: Any) -> str:
    """A value as messages show it."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
