"""Checks an SQL expression of a study.yml: one expression over one record, and nothing else."""

from __future__ import annotations

from functools import lru_cache

import sqlglot
from sqlglot import exp

# What would give another value at the next load, or reach outside the record.
_FORBIDDEN = frozenset(
    {
        *("random", "rand", "randn", "uuid", "gen_random_uuid", "setseed"),
        *("now", "today", "current_date", "current_time", "current_timestamp"),
        *("get_current_timestamp", "localtime", "localtimestamp", "nextval", "currval"),
        *("getenv", "getvariable", "current_setting", "read_text", "read_blob"),
        *("txid_current", "version", "transaction_timestamp", "statement_timestamp"),
        *("clock_timestamp", "uuidv4", "uuidv7", "gen_uuid", "current_query", "current_user"),
        *("current_database", "current_schema", "current_schemas", "session_user", "user"),
        *("pg_sleep", "sleep_ms", "in_search_path", "current_catalog"),
        # One record would become several, or none.
        *("unnest", "explode", "generate_subscripts"),
    }
)


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
            raise ExpressionError(
                f"{_function_name(node)}() gives another value at each load, or reads elsewhere"
            )
    columns = set()
    for column in tree.find_all(exp.Column):
        if column.table:
            raise ExpressionError(f"{column.sql('duckdb')} names a table; name the column only")
        columns.add(column.name)
    return tuple(sorted(columns - _lambda_names(tree)))


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
