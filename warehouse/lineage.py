"""From which columns a column comes, read from the models' SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

from warehouse.errors import LesionsError
from warehouse.graph import Graph
from warehouse.models import SqlModel

Schema = Mapping[str, Mapping[str, str]]
"""Column types by column, by ``schema.table``."""


@dataclass(frozen=True, order=True)
class ColumnEdge:
    """A column of a table, and one stored column that it is computed from."""

    table_name: str
    column_name: str
    from_table: str
    from_column: str


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


def column_edges(model: SqlModel, schema: Schema) -> list[ColumnEdge]:
    """The stored columns behind each output column of a model.

    Args:
        model: the model.
        schema: columns of the tables that it reads, by table.

    Raises:
        LesionsError: a column of the SQL is in none of the tables read.
    """
    nested: dict[str, dict[str, dict[str, str]]] = {}
    for table, columns in schema.items():
        layer, name = table.split(".")
        nested.setdefault(layer, {})[name] = dict(columns)
    try:
        roots = lineage(
            None,
            model.expression,
            nested,
            dialect="duckdb",
            trim_selects=False,
            validate_qualify_columns=True,
        )
    except SqlglotError as error:
        raise LesionsError(f"model {model.name}: {str(error).splitlines()[0]}") from error
    return sorted(
        {
            ColumnEdge(model.name, column, f"{table.db}.{table.name}", source)
            for column, root in roots.items()
            for table, source in _leaves(root)
        }
    )


def _leaves(root: Node) -> Iterator[tuple[exp.Table, str]]:
    """The stored tables that a lineage tree ends in, each with its column.

    A function that gives rows, such as range(), is no stored table and has no schema.
    """
    for node in root.walk():
        leaf = node.expression
        if not node.downstream and isinstance(leaf, exp.Table) and leaf.db:
            yield leaf, node.name.rpartition(".")[2]
