"""From which columns a column comes, read from the models' SQL: what it is computed from, and what
decides which rows it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from warehouse.errors import LesionsError
from warehouse.graph import Graph
from warehouse.memory import Memory
from warehouse.models import SqlModel

Schema = Mapping[str, Mapping[str, str]]
"""Column types by column, by ``schema.table``."""
Leaves = set[tuple[str, str]]
"""Stored columns, each a table and its column."""

ROWS = "*"
"""In place of a column: which rows the table has, and so all of its columns."""
ROW_CLAUSES = ("where", "group", "having", "qualify", "order", "distinct", "limit", "offset")


@dataclass(frozen=True, order=True)
class ColumnEdge:
    """A column of a table, and one stored column behind it."""

    table_name: str
    column_name: str
    from_table: str
    from_column: str


@dataclass(frozen=True)
class Lineage:
    """The stored columns behind a model's columns."""

    feeds: tuple[ColumnEdge, ...]
    """What a column's value is computed from."""
    influences: tuple[ColumnEdge, ...]
    """What else decides its value or its rows: keys of joins, filters, groups, windows and orders.
    The column ``*`` stands for all of a table's columns, for its rows are decided so."""


@dataclass
class _Column:
    """What one output column of a query is made of."""

    feeds: Leaves = field(default_factory=set)
    keys: Leaves = field(default_factory=set)

    def add(self, other: _Column, *, as_key: bool) -> None:
        """Takes in a column that this one reads, as part of the value or as a key."""
        self.keys |= other.keys
        (self.keys if as_key else self.feeds).update(other.feeds)

    @property
    def all(self) -> Leaves:
        return self.feeds | self.keys


def table_edges(graph: Graph) -> list[tuple[str, str]]:
    """Pairs (table, table it reads)."""
    return sorted(
        {
            (table.name, read)
            for node in graph.nodes.values()
            for table in node.tables
            for read in node.reads
        }
    )


def column_lineage(model: SqlModel, schema: Schema, memory: Memory | None = None) -> Lineage:
    """The stored columns behind each output column of a model.

    Args:
        model: the model.
        schema: columns of the tables that it reads, by table.
        memory: what earlier runs found of the same SQL on the same columns.

    Raises:
        LesionsError: a column of the SQL is in none of the tables read.
    """
    columns = (f"{table}({','.join(schema[table])})" for table in sorted(schema))
    found = (memory or Memory()).recall(
        (_reader(), model.name, model.text, *columns), lambda: _found(model, schema)
    )

    def edges(kind: str) -> tuple[ColumnEdge, ...]:
        return tuple(
            ColumnEdge(model.name, column, *source)
            for column, sources in found[kind].items()
            for source in sources
        )

    return Lineage(edges("feeds"), edges("influences"))


@cache
def _reader() -> str:
    """This module's own text and the parser's version: what lineage also follows from."""
    return Path(__file__).read_text(encoding="utf-8") + sqlglot.__version__


def _found(model: SqlModel, schema: Schema) -> dict[str, dict[str, list[tuple[str, str]]]]:
    nested: dict[str, Any] = {}
    for table, columns in schema.items():
        layer, name = table.split(".")
        nested.setdefault(layer, {})[name] = dict(columns)
    try:
        query = qualify(
            model.parse(),
            dialect="duckdb",
            schema=MappingSchema(nested, dialect="duckdb"),
            identify=False,
            quote_identifiers=False,
        )
    except SqlglotError as error:
        raise LesionsError(f"model {model.name}: {str(error).splitlines()[0]}") from error
    root = build_scope(query)
    if root is None:
        raise LesionsError(f"model {model.name}: its lineage cannot be read.")
    reading = _Reading(model.name)
    rows = reading.rows(root)
    output = reading.columns(root)
    return {
        "feeds": {name: sorted(column.feeds) for name, column in output.items()},
        "influences": {
            ROWS: sorted(rows),
            **{name: sorted(column.keys - column.feeds - rows) for name, column in output.items()},
        },
    }


class _Reading:
    """One walk through the scopes of a query; each is read once."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._columns: dict[int, dict[str, _Column]] = {}
        self._rows: dict[int, Leaves] = {}

    def columns(self, scope: Scope) -> dict[str, _Column]:
        """What each output column of a query is made of, in the query's order."""
        if id(scope) not in self._columns:
            self._columns[id(scope)] = {}  # a recursive part sees what the other parts give
            self._columns[id(scope)] = self._make_columns(scope)
        return self._columns[id(scope)]

    def _make_columns(self, scope: Scope) -> dict[str, _Column]:
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            branches = [self.columns(one) for one in scope.set_operation_scopes]
            found = {name: _Column() for name in branches[0]}
            for branch in branches:
                names = branch if query.args.get("by_name") else found
                for name, part in zip(names, branch.values(), strict=True):
                    found.setdefault(name, _Column()).add(part, as_key=False)
            return found
        if isinstance(query, exp.Subquery):
            return self.columns(scope.subquery_scopes[0])
        if isinstance(query, exp.Values):
            found = {name: _Column() for name in query.alias_column_names}
            for row in query.expressions:
                for column, value in zip(found.values(), row.expressions, strict=True):
                    column.add(self._read(value, scope), as_key=False)
            return found
        if not isinstance(query, exp.Select):  # a function of rows: all columns come from all
            return {ROWS: self._read(query, scope)}
        return {select.alias_or_name: self._read(select, scope) for select in query.selects}

    def rows(self, scope: Scope) -> Leaves:
        """What decides which rows a query has."""
        if id(scope) not in self._rows:
            self._rows[id(scope)] = set()
            self._rows[id(scope)] = set(self._make_rows(scope))
        return self._rows[id(scope)]

    def _make_rows(self, scope: Scope) -> Iterator[tuple[str, str]]:
        query = scope.expression
        for part in scope.set_operation_scopes:
            yield from self.rows(part)
        for _, source in scope.selected_sources.values():
            if isinstance(source, Scope):
                yield from self.rows(source)
            elif source.db:
                yield (f"{source.db}.{source.name}", ROWS)
        clauses = [query.args.get(name) for name in ROW_CLAUSES]
        for join in query.args.get("joins") or ():
            clauses += [join.args.get("on"), join.args.get("match_condition")]
        for clause in clauses:
            if isinstance(clause, exp.Expr):
                yield from self._read(clause, scope).all
        # UNION ALL compares no rows; DISTINCT, UNION, EXCEPT and INTERSECT do.
        if query.args.get("distinct") or isinstance(query, exp.Except | exp.Intersect):
            for column in self.columns(scope).values():
                yield from column.all

    def _read(self, expression: exp.Expr, scope: Scope) -> _Column:
        """What an expression of a query is made of."""
        found = _Column()
        queries = {id(one.expression): one for one in scope.subquery_scopes}
        if isinstance(scope.expression, exp.Values) and scope.parent is not None:
            queries |= {id(one.expression): one for one in scope.parent.subquery_scopes}
        for part, is_key in _parts(expression):
            if isinstance(part, exp.Column):
                found.add(self._resolve(part, scope), as_key=is_key)
                continue
            inner = queries[id(part)]
            for column in self.columns(inner).values():
                found.add(column, as_key=is_key)
            found.keys |= self.rows(inner)
        return found

    def _resolve(self, column: exp.Column, scope: Scope) -> _Column:
        """What a column named in a query stands for, here or, correlated, further out."""
        if not column.table:
            # ORDER BY may name an output column.
            return self.columns(scope).get(column.name, _Column())
        level: Scope | None = scope
        while level is not None:
            source = level.sources.get(column.table)
            if isinstance(source, Scope):
                known = self.columns(source)
                return known.get(column.name) or known.get(ROWS) or _Column()
            if source is not None:
                stored = {(f"{source.db}.{source.name}", column.name)} if source.db else set()
                return _Column(stored)
            level = level.parent
        raise LesionsError(f"model {self.model}: {column.sql('duckdb')} is in no table read.")


def _parts(node: exp.Expr, is_key: bool = False) -> Iterator[tuple[exp.Expr, bool]]:
    """The columns and queries in an expression, each with whether it is only a key: of a window,
    an order or a filter of an aggregate."""
    if isinstance(node, exp.Column | exp.Select | exp.SetOperation):
        yield node, is_key
        return
    for name, value in node.args.items():
        as_key = is_key or (
            (isinstance(node, exp.Window) and name in ("partition_by", "order"))
            or (isinstance(node, exp.Filter) and name == "expression")
            or (isinstance(node, exp.Order) and name == "expressions")
        )
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, exp.Expr):
                yield from _parts(child, as_key)
