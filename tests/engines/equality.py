"""Whether two published warehouses are the same, table by table."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import duckdb

from warehouse.database import ident, open_published, qualified

RELATIVE = 1e-12
"""Spark adds in no stated order, and Java's logarithm and power differ from C's in the last digit;
what follows from a few such operations differs by a few units of 1e-16."""
ABSOLUTE = 1e-12
"""A difference of near numbers keeps their absolute error and not their relative one."""
OF_THE_RUN = ("meta.", "quality.check_result")
"""Tables that name the run or hold a time of day, and settings, which name the engine."""


def tables_of(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Columns and types of each table, without views that are worked out when they are read."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE NOT internal AND schema_name <> 'adam' ORDER BY table_oid, column_index"
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        if not table.startswith(OF_THE_RUN):
            found.setdefault(table, {})[column] = kind
    return found


def differences(one: Path, other: Path) -> tuple[dict[str, str], int, int]:
    """What is not the same in two warehouses, by table; the tables and cells compared.

    Keys and values are equal, floating-point numbers within RELATIVE or ABSOLUTE.
    """
    wrong: dict[str, str] = {}
    n_cells = 0
    with open_published(one) as first, open_published(other) as second:
        tables, others = tables_of(first), tables_of(second)
        for name in sorted(tables.keys() ^ others.keys()):
            wrong[name] = "in one of the two only"
        for name in sorted(tables.keys() & others.keys()):
            if tables[name] != others[name]:
                wrong[name] = f"types {tables[name]} and {others[name]}"
                continue
            found, n = _difference(name, tables[name], first, second)
            n_cells += n
            if found:
                wrong[name] = found
    return wrong, len(tables), n_cells


def _difference(
    name: str,
    types: dict[str, str],
    first: duckdb.DuckDBPyConnection,
    second: duckdb.DuckDBPyConnection,
) -> tuple[str, int]:
    floats = [column for column, kind in types.items() if "DOUBLE" in kind]
    exact = [column for column in types if column not in floats]
    order = ", ".join(map(ident, [*exact, *floats]))
    query = f"SELECT {order} FROM {qualified(name)} ORDER BY {order}"
    one, two = first.execute(query).fetchall(), second.execute(query).fetchall()
    n_cells = len(one) * len(types)
    if len(one) != len(two):
        return f"{len(one)} and {len(two)} rows", n_cells
    for row, other in zip(one, two, strict=True):
        for column, x, y in zip([*exact, *floats], row, other, strict=True):
            if not _same(x, y):
                return f"{column}: {x!r} and {y!r} in {row[:6]}", n_cells
    return "", n_cells


def _same(x: Any, y: Any) -> bool:
    if isinstance(x, float) and isinstance(y, float):
        if math.isnan(x) or math.isnan(y):
            return math.isnan(x) and math.isnan(y)
        return x == y or abs(x - y) <= max(RELATIVE * abs(x), ABSOLUTE)
    if isinstance(x, list) and isinstance(y, list):
        return len(x) == len(y) and all(map(_same, x, y))
    return bool(x == y)
