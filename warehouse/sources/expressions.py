"""Checks an SQL expression of a study.yml: one expression over one record, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from warehouse.database import OFFLINE

# What gives another value at the next load, or reaches outside the record, though DuckDB calls it
# consistent, has another kind of it under the same name, or takes it for a word.
_FORBIDDEN = frozenset(
    {
        *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
        *("current_localtime", "current_localtimestamp", "clock_timestamp"),
        *("current_user", "session_user", "user", "current_role", "current_catalog"),
        *("current_schema", "current_database", "current_schemas", "current_query"),
        *("version", "getenv", "read_text", "read_blob", "rand", "randn", "write_log"),
        # One record would become several, or none.
        *("unnest", "unlist", "explode", "generate_subscripts"),
    }
)
_ANY_LENGTH = frozenset({"range", "generate_series", "repeat", "list_resize", "array_resize"})
"""Functions whose result may be as long as a number says: a load would not end."""
_MACROS = frozenset(
    {
        *("nullif", "if", "split_part", "fmod", "fdiv", "date_add", "days_in_month", "json"),
        *("array_to_string", "list_append", "list_prepend", "list_reverse", "list_first"),
        *("list_last", "list_count", "list_sum", "list_avg", "list_min", "list_max"),
        "list_median",
    }
)
"""Macros of DuckDB that work on the record alone."""
_NO_VALUES = {"SUBQUERY", "STAR", "POSITIONAL_REFERENCE", "PARAMETER"}
"""Classes of DuckDB's expressions that are no value of the record."""
_ELSEWHERE = "gives another value at each load, or reads elsewhere"


class ExpressionError(ValueError):
    """What is wrong with an expression, in words."""


@lru_cache(maxsize=1024)
def expression_columns(text: str) -> tuple[str, ...]:
    """The columns that an expression names, sorted.

    Raises:
        ExpressionError: it does not parse, is more than one expression, or does more than work on
            the values of one record.
    """
    tree = _parse(text)
    for node in tree.walk():
        if isinstance(node, exp.Query | exp.Subquery | exp.Table | exp.DDL | exp.DML | exp.Command):
            raise ExpressionError("a query is not an expression; name columns of the file only")
        if isinstance(node, exp.Placeholder | exp.Parameter):
            raise ExpressionError("it has a placeholder; write the value itself")
        if isinstance(node, exp.Star):
            raise ExpressionError("'*' is not a value; name the columns")
        if isinstance(node, exp.AggFunc) and not node.find_ancestor(exp.Window):
            raise ExpressionError(f"{node.sql('duckdb')} sums up several records; use one record")
        if _function_name(node) in _FORBIDDEN:
            raise ExpressionError(f"{_function_name(node)}() {_ELSEWHERE}")
    for item in _parts(_duckdb_tree(text)):
        if item["class"] in _NO_VALUES:
            raise ExpressionError("it is more than a value; name columns of the file only")
        if item["class"] == "FUNCTION":
            _check_function(item["function_name"].lower(), len(item["arguments"]))
    if shadowed := _lambda_names(tree) & _FORBIDDEN:
        raise ExpressionError(f"a lambda names a value {min(shadowed)}; give it another name")
    columns = set()
    for column in tree.find_all(exp.Column):
        if column.table:
            raise ExpressionError(f"{column.sql('duckdb')} names a table; name the column only")
        columns.add(column.name)
    return tuple(sorted(columns - _lambda_names(tree)))


def _check_function(name: str, n_arguments: int) -> None:
    """Refuses a function that DuckDB does not call a consistent one of single values.

    A name that DuckDB has none of is its own error, with the nearest name, when a file is read.
    """
    if name in _ANY_LENGTH:
        raise ExpressionError(f"{name}() makes values of any length; write out what it is to give")
    kinds = _functions().get(name, frozenset())
    is_plain = not kinds or ("scalar", "CONSISTENT") in kinds or name in _MACROS
    is_unsteady = any(kind == "scalar" and stability != "CONSISTENT" for kind, stability in kinds)
    # age() of one time is counted from today.
    if not is_plain or is_unsteady or name in _FORBIDDEN or (name, n_arguments) == ("age", 1):
        raise ExpressionError(f"{name}() {_ELSEWHERE}")


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    """A database of nothing, to ask DuckDB; opening one for each question takes longer."""
    return duckdb.connect(config={**OFFLINE, "threads": 1})


@cache
def _functions() -> dict[str, frozenset[tuple[str, str | None]]]:
    """Kind and stability of DuckDB's functions, by name."""
    with _memory().cursor() as cursor:
        rows = cursor.execute(
            "SELECT DISTINCT lower(function_name), function_type, stability FROM duckdb_functions()"
        ).fetchall()
    found: dict[str, set[tuple[str, str | None]]] = {}
    for name, kind, stability in rows:
        found.setdefault(name, set()).add((kind, stability))
    return {name: frozenset(kinds) for name, kinds in found.items()}


def _duckdb_tree(text: str) -> Any:
    """The expression as DuckDB parses it: sqlglot gives some functions other names."""
    with _memory().cursor() as cursor:
        ((serialized,),) = cursor.execute(
            "SELECT json_serialize_sql(?)", [f"SELECT {text}\n AS v"]
        ).fetchall()
    tree = json.loads(serialized)
    if tree["error"]:
        raise ExpressionError(f"it does not parse: {tree['error_message']}")
    return tree["statements"][0]["node"]["select_list"]


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """Every part of a parsed expression that has a class."""
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for item in tree:
            yield from _parts(item)


def _parse(text: str) -> exp.Expression:
    try:
        statements = sqlglot.parse(f"SELECT {text}\n AS v", read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        reason = details[0].get("description") or str(error).splitlines()[0]
        raise ExpressionError(f"it does not parse: {reason}") from error
    select = statements[0]
    plain = (
        len(statements) == 1
        and isinstance(select, exp.Select)
        and len(select.expressions) == 1
        and isinstance(select.expressions[0], exp.Alias)
        and select.expressions[0].alias == "v"
        and not any(value for key, value in select.args.items() if key != "expressions")
    )
    if not plain:
        raise ExpressionError("it is more than one expression")
    assert isinstance(select, exp.Select)
    inner = select.expressions[0].this
    if isinstance(inner, exp.Alias):
        raise ExpressionError("it has an AS; the variable's name is the key")
    assert isinstance(inner, exp.Expression)
    return inner


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    if isinstance(node, exp.Func):
        return node.sql_name().lower()
    return ""


def _lambda_names(tree: exp.Expression) -> set[str]:
    return {name.name for function in tree.find_all(exp.Lambda) for name in function.expressions}
