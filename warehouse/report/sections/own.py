"""What a project shows of its own: each of its tables ``mart.fig_...`` is a figure."""

from __future__ import annotations

import duckdb

from warehouse.errors import LesionsError
from warehouse.report.parts import Count, Figure, Section
from warehouse.sources.wording import identifier

_SHOWN_COLUMNS = 12
_NUMBERS = ("INTEGER", "BIGINT", "HUGEINT", "SMALLINT", "DOUBLE", "FLOAT", "DECIMAL", "UBIGINT")


def own_section(connection: duckdb.DuckDBPyConnection) -> Section | None:
    """A chapter with the project's own figure tables; None where it has none.

    A table of one text column and one number is drawn as bars, any other shown as a table.

    Raises:
        LesionsError: another version made the warehouse, which does not say whose a table is.
    """
    try:
        names = connection.execute(
            "SELECT name FROM meta.model WHERE origin = 'project' AND name LIKE 'mart.fig\\_%' "
            "ESCAPE '\\' ORDER BY name"
        ).fetchall()
    except duckdb.Error as error:
        raise LesionsError(
            f"the project's own figures cannot be found: {str(error).splitlines()[0]} The "
            "warehouse was made by another version: 'lesions run' brings it up to date."
        ) from error
    figures = tuple(_figure(connection, str(name)) for (name,) in names)
    if not figures:
        return None
    about = "Tables that this project adds; each is a file of its folder sql/mart."
    return Section("own", "Of this project", about, figures)


def _figure(connection: duckdb.DuckDBPyConnection, name: str) -> Figure:
    table = name.split(".")[1]
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'mart' AND table_name = ? ORDER BY ordinal_position",
        [table],
    ).fetchall()
    comment = connection.execute(
        "SELECT comment FROM duckdb_tables() WHERE schema_name = 'mart' AND table_name = ? "
        "UNION ALL SELECT comment FROM duckdb_views() WHERE schema_name = 'mart' AND view_name = ?",
        [table, table],
    ).fetchall()
    lines = (str(comment[0][0]) if comment and comment[0][0] else table).splitlines()
    texts = [str(column) for column, kind in columns if kind == "VARCHAR"]
    numbers = [str(column) for column, kind in columns if str(kind).startswith(_NUMBERS)]
    chart, options = "table", {"columns": [str(c) for c, _ in columns[:_SHOWN_COLUMNS]]}
    if len(columns) == 2 and len(texts) == len(numbers) == 1:
        chart = "bars"
        options = {"label": texts[0], "value": numbers[0], "mode": "sum", "axis": numbers[0]}  # type: ignore[dict-item]
    order = ", ".join(identifier(str(column)) for column, _ in columns)
    return Figure(
        name=f"own_{table}",
        title=lines[0].rstrip("."),
        table=name,
        query=f"SELECT * FROM {name} ORDER BY {order}",
        chart=chart,
        options=options,
        method=" ".join(lines[1:]) or "A table of this project.",
        counts=(Count("rows"),),
    )
