"""The kinds of checks: what each takes, and the query that finds the rows a SQL check rejects.

Two sorts exist. Checks of one column, or of one aggregate, are Great Expectations' own. Checks of
rows, groups and other tables are written as SQL conditions here and become the query of Great
Expectations' ``UnexpectedRowsExpectation``:

- ``expect_rows_to_satisfy``: ``condition`` holds on every row (of ``where``). As in a SQL CHECK
  constraint, a condition that is NULL is no failure.
- ``expect_column_to_equal``: ``column`` equals ``expression``, within ``relative_tolerance`` (of
  the expression) or ``absolute_tolerance``, whichever is wider. NULL equals only NULL.
- ``expect_groups_to_satisfy``: ``condition``, of aggregates, holds in each group of ``by``.
- ``expect_values_to_exist_in``: the values of ``column`` (one, or several that belong together)
  are found in ``table``, under the same names or under ``table_column``. A NULL is no failure.
- ``unexpected_rows_expectation``: the query returns no row; ``{batch}`` is the table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

ROWS = "expect_rows_to_satisfy"
EQUAL = "expect_column_to_equal"
GROUPS = "expect_groups_to_satisfy"
EXIST = "expect_values_to_exist_in"
QUERY = "unexpected_rows_expectation"


@dataclass(frozen=True)
class Kind:
    """One kind of check and the arguments it takes."""

    name: str
    sentence: str
    """What holds, with the arguments in braces: the description where a suite gives none."""
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    is_sql: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        return self.required + self.optional


def _column(what: str, sentence: str, *required: str, optional: tuple[str, ...] = ()) -> Kind:
    name = f"expect_column_{what}"
    return Kind(name, "{column} " + sentence, ("column", *required), (*optional, "mostly"))


def _aggregate(what: str) -> Kind:
    words = what.replace("_", " ")
    sentence = f"the {words} of {{column}} lies in {{range}}"
    limits = ("min_value", "max_value", "strict_min", "strict_max")
    return Kind(f"expect_column_{what}_to_be_between", sentence, ("column",), limits)


_LIMITS = ("min_value", "max_value", "strict_min", "strict_max")

_ALL = (
    _column("values_to_not_be_null", "is never null"),
    _column("values_to_be_null", "is always null"),
    _column("values_to_be_between", "lies in {range}", optional=_LIMITS),
    _column("values_to_be_in_set", "is one of {value_set}", "value_set"),
    _column("values_to_not_be_in_set", "is none of {value_set}", "value_set"),
    _column("values_to_match_regex", "matches {regex}", "regex"),
    _column("values_to_be_unique", "is unique"),
    Kind(
        "expect_column_distinct_values_to_contain_set",
        "every one of {value_set} occurs in {column}",
        ("column", "value_set"),
    ),
    Kind(
        "expect_column_distinct_values_to_equal_set",
        "the values of {column} are exactly {value_set}",
        ("column", "value_set"),
    ),
    _aggregate("max"),
    _aggregate("mean"),
    _aggregate("median"),
    _aggregate("min"),
    _aggregate("sum"),
    _aggregate("unique_value_count"),
    _aggregate("proportion_of_non_null_values"),
    Kind(
        "expect_column_pair_values_a_to_be_greater_than_b",
        "{column_A} is greater than {column_B}",
        ("column_A", "column_B"),
        ("or_equal", "ignore_row_if", "mostly"),
    ),
    Kind(
        "expect_column_pair_values_to_be_equal",
        "{column_A} equals {column_B}",
        ("column_A", "column_B"),
        ("ignore_row_if", "mostly"),
    ),
    Kind(
        "expect_compound_columns_to_be_unique",
        "{column_list} together are unique",
        ("column_list",),
        ("ignore_row_if", "mostly"),
    ),
    Kind(
        "expect_table_row_count_to_be_between",
        "the number of rows lies in {range}",
        (),
        _LIMITS,
    ),
    Kind("expect_table_row_count_to_equal", "there are {value} rows", ("value",)),
    Kind(ROWS, "{condition}", ("condition",), ("where",), is_sql=True),
    Kind(
        EQUAL,
        "{column} equals {expression}",
        ("column", "expression"),
        ("relative_tolerance", "absolute_tolerance", "where"),
        is_sql=True,
    ),
    Kind(GROUPS, "{condition}, per {by}", ("by", "condition"), ("where",), is_sql=True),
    Kind(
        EXIST,
        "every {column} is found in {table}",
        ("column", "table"),
        ("table_column", "where"),
        is_sql=True,
    ),
    Kind(QUERY, "the query finds no row", ("unexpected_rows_query",), is_sql=True),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}

COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "by")
_CONDITIONS = ("condition", "expression", "where")
SQL_ARGUMENTS = (*_CONDITIONS, "unexpected_rows_query")


def names(value: Any) -> tuple[str, ...]:
    """A column argument as a tuple, whether the file gives one name or a list."""
    return (value,) if isinstance(value, str) else tuple(value)


def columns_named(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    """The table's columns that a check names, in its arguments and in its SQL, each once.

    Columns inside a subquery or a lambda are left out: they may belong to another table.

    Raises:
        ValueError: SQL that cannot be parsed.
    """
    found: dict[str, None] = {}
    for argument in COLUMN_ARGUMENTS:
        found.update(dict.fromkeys(names(kwargs.get(argument, ()))))
    for argument in _CONDITIONS:
        if argument in kwargs:
            found.update(dict.fromkeys(_columns_of_sql(str(kwargs[argument]))))
    return tuple(found)


def tables_named(kwargs: Mapping[str, Any]) -> frozenset[str]:
    """The other tables that a check reads, ``schema.table``.

    Raises:
        ValueError: SQL that cannot be parsed.
    """
    texts = [str(kwargs[argument]) for argument in _CONDITIONS if argument in kwargs]
    if "unexpected_rows_query" in kwargs:
        texts.append(str(kwargs["unexpected_rows_query"]).format(batch="batch"))
    found = frozenset[str]().union(*map(_tables_of_sql, texts))
    return found | ({str(kwargs["table"])} if "table" in kwargs else set())


def _parsed(text: str) -> exp.Expr:
    try:
        return sqlglot.parse_one(text, read="duckdb")
    except SqlglotError as error:
        raise ValueError(f"cannot be parsed as SQL: {text}") from error


@lru_cache(maxsize=4096)
def _tables_of_sql(text: str) -> frozenset[str]:
    tables = _parsed(text).find_all(exp.Table)
    return frozenset(f"{table.db}.{table.name}" for table in tables if table.db)


@lru_cache(maxsize=4096)
def _columns_of_sql(text: str) -> tuple[str, ...]:
    return tuple(
        column.name
        for column in _parsed(text).find_all(exp.Column)
        if column.table in ("", "t")
        and column.find_ancestor(exp.Subquery, exp.Select, exp.Lambda) is None
    )


def quoted(name: str) -> str:
    """An identifier in double quotes; ``schema.table`` is quoted in its parts."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def rejected_rows_query(kind: str, kwargs: Mapping[str, Any], key: Sequence[str]) -> str:
    """The query whose rows are the ones that a SQL check rejects.

    Args:
        kind: name of a kind with ``is_sql``.
        kwargs: the check's arguments.
        key: the key of the table; its columns come first, so that a rejected row can be found.

    Returns:
        DuckDB SQL in which ``{batch}`` stands for the table and other braces are doubled.
    """
    if kind == QUERY:
        return str(kwargs["unexpected_rows_query"]).strip().rstrip(";")
    build = {ROWS: _rows, EQUAL: _equal, GROUPS: _groups, EXIST: _exist}[kind]
    shown = _shown(key, () if kind == GROUPS else columns_named(kwargs))
    return build({name: _braced(value) for name, value in kwargs.items()}, shown)


def rejected_rows_condition(kind: str, kwargs: Mapping[str, Any]) -> str:
    """What a row of ``{batch} AS t`` is rejected by, for the kinds that look at one row at a time.

    Args:
        kind: ``ROWS`` or ``EQUAL``.
        kwargs: the check's arguments.
    """
    build = {ROWS: _broken_condition, EQUAL: _unequal}[kind]
    return build({name: _braced(value) for name, value in kwargs.items()})


def _braced(value: Any) -> Any:
    """Doubled braces: the query is a format string, in which only ``{batch}`` is a place."""
    if isinstance(value, str):
        return value.replace("{", "{{").replace("}", "}}")
    return [_braced(item) for item in value] if isinstance(value, list | tuple) else value


def _shown(key: Collection[str], columns: Collection[str]) -> str:
    listed = dict.fromkeys((*key, *columns))
    return ", ".join(f"t.{_braced(quoted(name))}" for name in listed) or "t.*"


def _where(kwargs: Mapping[str, Any], *conditions: str) -> str:
    given = [f"({kwargs['where']})"] if "where" in kwargs else []
    return " AND ".join([*given, *conditions])


def _broken_condition(kwargs: Mapping[str, Any]) -> str:
    return _where(kwargs, f"NOT ({kwargs['condition']})")


def _rows(kwargs: Mapping[str, Any], shown: str) -> str:
    return f"SELECT {shown} FROM {{batch}} AS t WHERE {_broken_condition(kwargs)}"


def _unequal(kwargs: Mapping[str, Any]) -> str:
    column, expression = f"t.{quoted(kwargs['column'])}", f"({kwargs['expression']})"
    relative = float(kwargs.get("relative_tolerance", 0.0))
    absolute = float(kwargs.get("absolute_tolerance", 0.0))
    equal = f"{column} IS NOT DISTINCT FROM {expression}"
    if relative or absolute:
        allowed = f"greatest({absolute!r}::DOUBLE, {relative!r}::DOUBLE * abs({expression}))"
        equal += f" OR abs({column} - {expression}) <= {allowed}"
    return _where(kwargs, f"NOT coalesce({equal}, FALSE)")


def _equal(kwargs: Mapping[str, Any], shown: str) -> str:
    expected = f"({kwargs['expression']}) AS expected"
    return f"SELECT {shown}, {expected} FROM {{batch}} AS t WHERE {_unequal(kwargs)}"


def _groups(kwargs: Mapping[str, Any], shown: str) -> str:
    by = ", ".join(quoted(name) for name in names(kwargs["by"]))
    where = f" WHERE {_where(kwargs)}" if "where" in kwargs else ""
    return (
        f"SELECT {by}, count(*) AS n_rows FROM {{batch}} AS t{where} "
        f"GROUP BY {by} HAVING NOT ({kwargs['condition']})"
    )


def _exist(kwargs: Mapping[str, Any], shown: str) -> str:
    columns = names(kwargs["column"])
    others = names(kwargs.get("table_column", columns))
    given = [f"t.{quoted(name)} IS NOT NULL" for name in columns]
    match = " AND ".join(
        f"o.{quoted(other)} = t.{quoted(name)}" for name, other in zip(columns, others, strict=True)
    )
    absent = f"NOT EXISTS (SELECT 1 FROM {quoted(kwargs['table'])} AS o WHERE {match})"
    return f"SELECT {shown} FROM {{batch}} AS t WHERE {_where(kwargs, *given, absent)}"


def sentence(kind: str, kwargs: Mapping[str, Any]) -> str:
    """What a check demands, in words, from its kind and arguments."""
    words = {name: _words(value) for name, value in kwargs.items()}
    words["range"] = _range(kwargs)
    text = KINDS[kind].sentence.format_map(words)
    if "mostly" in kwargs:
        text += f", in at least {100 * float(kwargs['mostly']):g} % of rows"
    return f"{text}, where {words['where']}" if "where" in words else text


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def _range(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    left = "(" if low is None or kwargs.get("strict_min") else "["
    right = ")" if high is None or kwargs.get("strict_max") else "]"
    return f"{left}{'-inf' if low is None else low}, {'inf' if high is None else high}{right}"
