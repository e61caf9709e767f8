"""DuckDB's SQL as Spark's: the same tables from the same files.

``sqlglot`` writes the syntax; what it writes can nevertheless mean something else, and mostly
without an error. Each function of ``rewrites`` and ``texts`` takes one such difference away and
says which; ``tests/engines/test_dialect.py`` holds an example of each with the answers of both.

A construct of which it is not known that Spark means the same is refused, never passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError, UnsupportedError

from warehouse.engines import aggregates, rewrites, texts, unnests
from warehouse.engines.macros import inlined
from warehouse.engines.parts import in_parts
from warehouse.errors import LesionsError


def view_name(schema: str, table: str) -> str:
    """The temporary view under which a table stands in a Spark session, which knows no schemas."""
    return f"{schema}__{table}"


def to_spark(text: str, macros: Mapping[str, str]) -> str:
    """A query of DuckDB's as one of Spark's.

    Args:
        text: one SELECT.
        macros: the statement that creates each macro, with the project's values, by name.

    Raises:
        LesionsError: it holds something of which no form with the same meaning is known.
    """
    with _refusals():
        return _written(_translated(text, macros))


class InParts(NamedTuple):
    """A query of Spark's, and what is answered before it."""

    parts: tuple[tuple[str, str], ...]
    """Name and query of each part, in order; later ones and the rest read it by that name."""
    rest: str


def to_spark_in_parts(text: str, macros: Mapping[str, str], prefix: str) -> InParts:
    """The same as ``to_spark``, with what Spark would work out many times as parts (``parts``).

    Args:
        text: one SELECT.
        macros: as for ``to_spark``.
        prefix: what the names of parts begin with, so that no other query has such.

    Raises:
        LesionsError: as ``to_spark``.
    """
    with _refusals():
        parts, rest = in_parts(_translated(text, macros))
        for own, query in (*parts, ("", rest)):
            others = {part.name for part in parts} - {own}
            for table in list(query.find_all(exp.Table)):
                if table.name in others:
                    _rename(table, prefix + table.name)
        return InParts(
            tuple((prefix + part.name, _written(part.query)) for part in parts), _written(rest)
        )


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (SqlglotError, UnsupportedError, NotImplementedError) as error:
        raise LesionsError(f"has no form in Spark that is known to mean the same: {error}") from (
            error
        )


def _written(tree: exp.Query) -> str:
    return str(tree.sql("spark", comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE))


def _translated(text: str, macros: Mapping[str, str]) -> exp.Query:
    tree = inlined(_parsed(text), macros)
    for change in (
        rewrites.write_out_windows,
        rewrites.write_out_groups,
        rewrites.write_out_stars,
        rewrites.write_out_unions,
        rewrites.write_out_values,
        rewrites.number_raw_rows,
        aggregates.rewrite_aggregates,
        unnests.unnest_beside,
        rewrites.flag_compared_structs,
        rewrites.write_out_qualify,
    ):
        change(tree)
    # What stands within another thing first: what is put in its place is looked at no more.
    for node in reversed(list(tree.walk())):
        changed = texts.same_meaning(node)
        if changed is not node:
            node.replace(changed)
    for table in list(tree.find_all(exp.Table)):
        if table.db:
            _rename(table, view_name(table.db, table.name))
            table.set("db", None)
    return tree


@lru_cache(maxsize=512)
def _parsed(text: str) -> exp.Query:
    tree = sqlglot.parse_one(text, read="duckdb")
    assert isinstance(tree, exp.Query)
    return tree


def _rename(table: exp.Table, name: str) -> None:
    """A table under another name, so that ``lesion.day`` still finds it."""
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
    table.set("this", exp.to_identifier(name))
