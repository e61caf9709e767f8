"""What a run asks of the engine that makes its tables."""

from __future__ import annotations

from typing import Protocol

import duckdb

from warehouse.database import qualified
from warehouse.models import SqlModel


class Engine(Protocol):
    """Makes tables; the work database of the run shows each under its name once it is made.

    What a run records, checks and publishes it reads there, whatever engine made it. The methods
    are called from several threads at once, each with a cursor of its own.
    """

    def create(self, cursor: duckdb.DuckDBPyConnection, model: SqlModel) -> None:
        """Makes the table of a model from its SELECT."""

    def keep(self, cursor: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        """Makes a table of the rows of a query that DuckDB answers: raw, a seed, a step's."""

    def interrupt(self) -> None:
        """Ends what is under way, as the run has stopped."""

    def close(self) -> None:
        """Lets go of what the engine holds."""


class DuckEngine:
    """DuckDB itself: each table lies in the work database."""

    def create(self, cursor: duckdb.DuckDBPyConnection, model: SqlModel) -> None:
        """See ``Engine``."""
        self.keep(cursor, model.name, model.text)

    def keep(self, cursor: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        """See ``Engine``."""
        cursor.execute(f"CREATE TABLE {qualified(name)} AS {query}")

    def interrupt(self) -> None:
        """See ``Engine``; the run interrupts its cursors itself."""

    def close(self) -> None:
        """See ``Engine``."""
