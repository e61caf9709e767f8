"""How far a column reaches: all that is computed from it or decided by it, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import duckdb

from warehouse.lineage import ROWS

Place = tuple[str, str]
"""A table and a column; ``*`` for the table's rows, and so all of its columns."""


class Reach:
    """The edges of a published warehouse: ``meta.lineage_column`` and ``lineage_influence``.

    A table that a Python step makes depends on all that the step reads.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """
        Args:
            connection: a published warehouse.
        """
        self._columns: dict[str, list[str]] = {}
        self._later: dict[Place, list[Place]] = {}
        self._earlier: dict[Place, list[Place]] = {}
        for table, column in connection.execute(
            "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() "
            "ORDER BY ALL"
        ).fetchall():
            self._columns.setdefault(table, []).append(column)
        for made, column, read, source in connection.execute(
            "SELECT * FROM meta.lineage_column UNION ALL SELECT * FROM meta.lineage_influence "
            "UNION ALL SELECT t.table_name, '*', t.from_table, c.column_name "
            "FROM meta.lineage_table AS t INNER JOIN meta.model AS m "
            "ON t.table_name = m.name AND m.kind = 'python' INNER JOIN duckdb_columns() AS c "
            "ON t.from_table = c.schema_name || '.' || c.table_name ORDER BY ALL"
        ).fetchall():
            self._later.setdefault((read, source), []).append((made, column))
            self._earlier.setdefault((made, column), []).append((read, source))

    def impact(self, table: str, column: str) -> dict[str, set[str]]:
        """What would change with a column, by table: its columns, or ``*`` for its rows."""

        def after(place: Place) -> Iterable[Place]:
            yield from self._later.get(place, ())
            if place[1] == ROWS:  # other rows: other values in every column
                yield from ((place[0], name) for name in self._columns.get(place[0], ()))

        return _walk((table, column), after)

    def behind(self, table: str, column: str) -> dict[str, set[str]]:
        """What a column would change with, by table: columns, or ``*`` for the table's rows."""

        def before(place: Place) -> Iterable[Place]:
            yield from self._earlier.get(place, ())
            if place[1] != ROWS:
                yield (place[0], ROWS)

        return _walk((table, column), before)


def _walk(start: Place, neighbours: Callable[[Place], Iterable[Place]]) -> dict[str, set[str]]:
    """All places that a place leads to, the one aside, by table."""
    seen = {start}
    waiting = [start]
    found: dict[str, set[str]] = {}
    while waiting:
        for place in neighbours(waiting.pop()):
            if place not in seen:
                seen.add(place)
                waiting.append(place)
                found.setdefault(place[0], set()).add(place[1])
    return found
