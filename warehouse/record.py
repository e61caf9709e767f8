"""Writes into the tables of ``meta`` what a run built and from what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter

import duckdb

from warehouse import meta
from warehouse.build import BuiltNode
from warehouse.fingerprints import Fingerprint
from warehouse.graph import Graph
from warehouse.lineage import column_lineage, table_edges
from warehouse.memory import Memory


def write_models(
    connection: duckdb.DuckDBPyConnection,
    graph: Graph,
    wanted: Mapping[str, Fingerprint],
    built: Sequence[BuiltNode],
    digests: tuple[Mapping[str, str], Mapping[str, str]],
    run_id: str,
    now: datetime,
    present: set[str],
) -> None:
    """Replaces the rows of the tables built, drops those of tables that are gone, and brings the
    digests of descriptions and suites up to date."""
    docs, suites = digests
    remade = [table for node in built for table in node.rows]
    connection.execute("DELETE FROM meta.model WHERE name IN (SELECT unnest(?))", [remade])
    connection.execute(
        "DELETE FROM meta.model WHERE name NOT IN (SELECT unnest(?))", [sorted(present)]
    )
    meta.insert(
        connection,
        "meta.model",
        [
            (
                table,
                wanted[node.name].digest,
                graph.nodes[node.name].kind,
                rows,
                now.replace(tzinfo=None),
                node.seconds,
                node.cpu_seconds,
                node.name,
                graph.table_docs[table].grain,
                ", ".join(graph.table_docs[table].key),
                run_id,
                wanted[node.name].to_json(),
                docs[table],
                suites.get(table),
                graph.nodes[node.name].origin,
            )
            for node in built
            for table, rows in node.rows.items()
        ],
    )
    for table, doc, suite in connection.execute(
        "SELECT name, doc_digest, suite_digest FROM meta.model"
    ).fetchall():
        if (doc, suite) != (docs[table], suites.get(table)):
            connection.execute(
                "UPDATE meta.model SET doc_digest = ?, suite_digest = ? WHERE name = ?",
                [docs[table], suites.get(table), table],
            )


def write_notes(
    connection: duckdb.DuckDBPyConnection, built: Sequence[BuiltNode], run_id: str
) -> None:
    """Replaces the notes of the nodes built."""
    names = [node.name for node in built]
    connection.execute("DELETE FROM meta.run_note WHERE node IN (SELECT unnest(?))", [names])
    meta.insert(
        connection,
        "meta.run_note",
        [
            (node.name, position, note, run_id)
            for node in built
            for position, note in enumerate(node.notes, start=1)
        ],
    )


def write_lineage(
    connection: duckdb.DuckDBPyConnection, graph: Graph, remade: Sequence[str], memory: Memory
) -> None:
    """Writes which table reads which, and the columns behind the columns of tables built.

    Args:
        connection: the file being written.
        graph: the models.
        remade: the tables built.
        memory: what earlier runs found of the same SQL; saved at the end.
    """
    connection.execute("DELETE FROM meta.lineage_table")
    meta.insert(connection, "meta.lineage_table", table_edges(graph))
    schema: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type "
        "FROM duckdb_columns() ORDER BY ALL"
    ).fetchall():
        schema.setdefault(table, {})[column] = kind
    models = [m for table in remade if (m := graph.nodes[graph.producer[table]].model) is not None]
    found = [
        column_lineage(model, {t: schema[t] for t in (*model.reads, "meta.setting")}, memory)
        for model in models
    ]
    kept = [table for table in graph.producer if table not in remade]
    of = attrgetter("table_name", "column_name", "from_table", "from_column")
    for table, edges in (
        ("meta.lineage_column", [edge for one in found for edge in one.feeds]),
        ("meta.lineage_influence", [edge for one in found for edge in one.influences]),
    ):
        connection.execute(
            f"DELETE FROM {table} WHERE table_name NOT IN (SELECT unnest(?))", [kept]
        )
        meta.insert(connection, table, [of(edge) for edge in edges])
    memory.save(forgets=all(node.model is None or name in remade
                            for name, node in graph.nodes.items()))  # fmt: skip
