"""A published warehouse opened for reading: relations, data frames, measures."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.database import NO_PROGRESS_BAR, OFFLINE, qualified, quoted
from warehouse.errors import LesionsError

if TYPE_CHECKING:
    import pandas
    import pyarrow


class Warehouse:
    """One state of a published warehouse, read-only.

    A run that publishes meanwhile puts a new file in place of the old one; what is open here stays
    the old one, whole, until ``refresh``. The warehouse is attached to an in-memory database of its
    own, so temporary tables and data frames of the notebook may stand in a query beside it.

    >>> warehouse = open_warehouse("lesions_demo")
    >>> warehouse.table("mart.dim_patient").filter("ecog = 0").df()
    >>> warehouse.frame("SELECT organ, count(*) AS n FROM mart.dim_lesion GROUP BY organ")
    >>> warehouse.measure("objective_response_rate", by=["treatment"])
    """

    def __init__(self, path: Path) -> None:
        """Opens the file ``path``.

        Raises:
            LesionsError: it is not there, or is no warehouse.
        """
        self.path = path
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.refresh()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """DuckDB's own connection, for what is not here. Take a ``cursor()`` per thread.

        Raises:
            LesionsError: the warehouse was closed.
        """
        if self._connection is None:
            raise LesionsError(f"{self.path} was closed. Open it again, or call refresh().")
        return self._connection

    def refresh(self) -> Warehouse:
        """Opens the file anew: the newest published state. Temporary tables are gone with it."""
        if not self.path.is_file():
            raise LesionsError(f"{self.path} is not there yet. 'lesions run' makes it.")
        self.close()
        connection = duckdb.connect(config=dict(OFFLINE))
        try:
            connection.execute(NO_PROGRESS_BAR)
            connection.execute(f"ATTACH {quoted(str(self.path))} AS warehouse (READ_ONLY)")
            connection.execute("USE warehouse")
            # A data frame of the caller is found from inside sql() and frame() too.
            connection.execute("SET python_scan_all_frames = true")
            connection.execute("SELECT 1 FROM meta.model LIMIT 1").fetchall()
        except duckdb.Error as error:
            connection.close()
            raise LesionsError(f"{self.path} cannot be opened as a warehouse: {error}") from error
        self._connection = connection
        return self

    def close(self) -> None:
        """Lets go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def sql(self, query: str, params: Sequence[Any] = ()) -> duckdb.DuckDBPyRelation:
        """A query as a relation, not run until it is shown or fetched.

        Args:
            query: SQL; ``?`` stand for ``params``.
            params: values.

        Raises:
            duckdb.Error: the query is wrong.
        """
        if params:
            return self.connection.sql(query, params=list(params))
        return self.connection.sql(query)

    def frame(self, query: str, params: Sequence[Any] = ()) -> pandas.DataFrame:
        """The result of a query as a pandas frame."""
        return self.sql(query, params).df()

    def arrow(self, query: str, params: Sequence[Any] = ()) -> pyarrow.Table:
        """The result of a query as an Arrow table."""
        return self.sql(query, params).to_arrow_table()

    def table(self, name: str) -> duckdb.DuckDBPyRelation:
        """A table or view ``schema.table`` as a relation.

        Raises:
            LesionsError: there is none of that name.
        """
        self._known(name)
        return self.connection.sql(f"FROM {qualified(name)}")

    def tables(self, schema: str = "") -> pandas.DataFrame:
        """The tables with what each is: name, grain, rows, description; of one schema or all."""
        return self.frame(
            "SELECT m.name, m.grain, m.rows, split_part(coalesce(d.comment, ''), chr(10), 1) "
            "AS description FROM meta.model AS m LEFT JOIN ("
            "SELECT schema_name || '.' || table_name AS name, comment FROM duckdb_tables() "
            "UNION ALL SELECT schema_name || '.' || view_name, comment FROM duckdb_views()"
            ") AS d ON m.name = d.name WHERE ? IN ('', split_part(m.name, '.', 1)) ORDER BY m.name",
            [schema],
        )

    def describe(self, name: str) -> pandas.DataFrame:
        """The columns of a table: name, type, meaning.

        Raises:
            LesionsError: there is no such table.
        """
        self._known(name)
        schema, _, table = name.partition(".")
        return self.frame(
            "SELECT column_name AS name, data_type AS type, comment AS meaning "
            "FROM duckdb_columns() WHERE database_name = 'warehouse' AND schema_name = ? "
            "AND table_name = ? ORDER BY column_index",
            [schema, table],
        )

    def measures(self) -> pandas.DataFrame:
        """The measures that ``measure`` knows: mart.metric."""
        return self.frame("FROM mart.metric ORDER BY sort_order")

    def measure(self, name: str, by: Sequence[str] = (), where: str = "") -> pandas.DataFrame:
        """A measure of mart.metric, in the groups of any columns of its view.

        Args:
            name: the measure.
            by: columns of the measure's view.
            where: SQL condition on the view's rows.

        Returns:
            One row per group: the columns of ``by``, the measure, ``n_rows``.

        Raises:
            LesionsError: no such measure, or no such column.
        """
        found = self.sql(
            "SELECT view_name, expression FROM mart.metric WHERE metric = ?", [name]
        ).fetchall()
        if not found:
            known = [row[0] for row in self.sql("SELECT metric FROM mart.metric").fetchall()]
            raise LesionsError(f"there is no measure {name!r}.{_near(name, known)}")
        view, expression = found[0]
        columns = list(self.describe(view)["name"])
        for column in by:
            if column not in columns:
                raise LesionsError(f"{view} has no column {column!r}.{_near(column, columns)}")
        groups = "".join(f'"{column}", ' for column in by)
        condition = f"WHERE {where}" if where else ""
        order = f"GROUP BY {groups.rstrip(', ')} ORDER BY ALL" if by else ""
        return self.frame(
            f"SELECT {groups}{expression} AS {name}, count(*) AS n_rows FROM {view} "
            f"{condition} {order}"
        )

    def _known(self, name: str) -> None:
        rows = self.sql(
            "SELECT DISTINCT schema_name || '.' || table_name FROM duckdb_columns() "
            "WHERE database_name = 'warehouse' AND NOT internal"
        ).fetchall()
        known = [row[0] for row in rows]
        if name not in known:
            raise LesionsError(f"there is no table {name!r}.{_near(name, known)}")

    def _summary(self) -> tuple[str, str]:
        if self._connection is None:
            return (str(self.path), "closed")
        n, schemas = self.sql(
            "SELECT count(*), string_agg(DISTINCT split_part(name, '.', 1), ', ' "
            "ORDER BY split_part(name, '.', 1)) FROM meta.model"
        ).fetchall()[0]
        finished = self.sql("SELECT max(finished_at) FROM meta.run").fetchall()[0][0]
        return (
            str(self.path),
            f"{n} tables in {schemas}; published {finished:%Y-%m-%d %H:%M} UTC",
        )

    def __repr__(self) -> str:
        path, text = self._summary()
        return f"<Warehouse {path}: {text}>"

    def _repr_html_(self) -> str:
        from html import escape

        path, text = self._summary()
        hint = "<code>.tables('mart')</code>, <code>.frame(sql)</code>, <code>.measures()</code>"
        return f"<b>Warehouse</b> <code>{escape(path)}</code><br>{escape(text)}<br>{hint}"


def open_reader(project: str | Path) -> Warehouse:
    """See ``warehouse.open_warehouse``."""
    from warehouse.project import open_project

    path = Path(project).expanduser()
    if path.is_file() or re.search(r"\.(duckdb|db)$", path.name):
        return Warehouse(path.absolute())
    return Warehouse(open_project(path).published)


def _near(name: str, known: Sequence[str]) -> str:
    """A hint at the nearest names."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""
