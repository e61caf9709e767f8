"""DuckDB's SQL as Spark's: the same tables from the same files.

``sqlglot`` writes the syntax; what it writes can nevertheless mean something else, and mostly
without an error. Each function of ``rewrites`` and ``texts`` takes one such difference away and
says which; ``tests/engines/test_dialect.py`` holds an example of each with the answers of both.

A construct of which it is not known that Spark means the same is refused, never passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError, UnsupportedError

from warehouse.engines import aggregates, rewrites, texts
from warehouse.engines.macros import inlined
from warehouse.errors import LesionsError

TableName = Callable[[str, str], str]
"""Spark's name of a table, from its schema and its name."""


def view_name(schema: str, table: str) -> str:
    """The temporary view under which a table stands in a Spark session, which knows no schemas."""
    return f"{schema}__{table}"


def to_spark(text: str, macros: Mapping[str, str], table_name: TableName = view_name) -> str:
    """A query of DuckDB's as one of Spark's.

    Args:
        text: one SELECT.
        macros: the statement that creates each macro, with the project's values, by name.
        table_name: how Spark calls a table.

    Raises:
        LesionsError: it holds something of which no form with the same meaning is known.
    """
    try:
        tree = inlined(_parsed(text), macros)
        for change in (
            rewrites.write_out_windows,
            rewrites.write_out_groups,
            rewrites.write_out_stars,
            rewrites.write_out_values,
            rewrites.number_raw_rows,
            aggregates.rewrite_aggregates,
            rewrites.unnest_beside,
            rewrites.flag_compared_structs,
            rewrites.write_out_qualify,
        ):
            change(tree)
        # What stands within another thing first: what is put in its place is looked at no more.
        for node in reversed(list(tree.walk())):
            changed = texts.same_meaning(node)
            if changed is not node:
                node.replace(changed)
        _rename_tables(tree, table_name)
        written = tree.sql("spark", comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except (SqlglotError, UnsupportedError, NotImplementedError) as error:
        raise LesionsError(f"has no form in Spark that is known to mean the same: {error}") from (
            error
        )
    return str(written)


@lru_cache(maxsize=512)
def _parsed(text: str) -> exp.Query:
    tree = sqlglot.parse_one(text, read="duckdb")
    assert isinstance(tree, exp.Query)
    return tree


def _rename_tables(tree: exp.Expr, table_name: TableName) -> None:
    """``core.lesion`` under Spark's name, so that ``lesion.day`` still finds it."""
    for table in list(tree.find_all(exp.Table)):
        if table.db:
            name = table.name
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(name)))
            table.set("this", exp.to_identifier(table_name(table.db, name)))
            table.set("db", None)
