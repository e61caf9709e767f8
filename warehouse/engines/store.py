"""Tables as Parquet beside the published file, which shows them as views.

Each table has a folder for each run that made it: ``warehouse.parquet/core.lesion/<run>/``. Nothing
in a folder changes once it is written. Which folders are the warehouse is said by the published
DuckDB file alone, whose views name them: it is the manifest, and its replacement, one rename, the
moment in which readers see the new tables, all of them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import duckdb

from warehouse.database import OFFLINE, STORE, ident, qualified, quoted
from warehouse.project import Project

_FOLDER = re.compile(
    r"read_parquet\('((?:[^']|'')*/[^/']+/[0-9]{8}T[0-9]{6}-[0-9a-f]{6})/\*\.parquet'"
)
"""The folder that a view shows, which is named as the run that made it."""


class Store:
    """The folder of one project's tables, and what one run adds to it."""

    def __init__(self, root: Path, run_id: str) -> None:
        """``root`` is ``warehouse.parquet`` of a project, or a link to it on a shared disk."""
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self.run_id = run_id

    def folder(self, name: str) -> Path:
        """Where this run writes a table."""
        return self.root / name / self.run_id

    def write(self, cursor: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        """Writes the rows of a query that DuckDB answers."""
        folder = self.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        file = quoted(str(folder / "part-0.parquet"))
        cursor.execute(f"COPY ({query}) TO {file} (FORMAT parquet)")

    def remove(self, name: str) -> None:
        """Removes what this run wrote under a name."""
        shutil.rmtree(self.folder(name), ignore_errors=True)
        with suppress(OSError):  # what another run wrote is there
            self.folder(name).parent.rmdir()

    def show(self, cursor: duckdb.DuckDBPyConnection, name: str, types: Mapping[str, str]) -> None:
        """Shows what was written as a view with DuckDB's types."""
        folder = self.folder(name)
        cells = ", ".join(
            f"CAST({ident(column)} AS {kind}) AS {ident(column)}" for column, kind in types.items()
        )
        if not any(folder.glob("*.parquet")):  # of no rows some servers write no file
            nulls = ", ".join(
                f"CAST(NULL AS {kind}) AS {ident(column)}" for column, kind in types.items()
            )
            self.write(cursor, name, f"SELECT {nulls} WHERE false")
        cursor.execute(
            f"CREATE VIEW {qualified(name)} AS SELECT {cells} "
            f"FROM read_parquet({quoted(str(folder / '*.parquet'))})"
        )


def described(cursor: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """DuckDB's type of each column of a query."""
    return {row[0]: row[1] for row in cursor.execute(f"DESCRIBE {query}").fetchall()}


def stored_folder(view_sql: str) -> Path | None:
    """The folder that a view shows, as its definition says; None of any other view."""
    found = _FOLDER.search(view_sql)
    return Path(found[1].replace("''", "'")) if found else None


def stored_folders(connection: duckdb.DuckDBPyConnection) -> dict[str, Path]:
    """The folder of each table of a warehouse that lies in Parquet, by name."""
    views = connection.execute(
        "SELECT schema_name || '.' || view_name, sql FROM duckdb_views() WHERE NOT internal "
        "AND database_name = current_database()"
    ).fetchall()
    return {name: folder for name, sql in views if (folder := stored_folder(sql)) is not None}


def shown_folders(project: Project) -> dict[str, Path]:
    """The folder of each table of the published warehouse that lies in Parquet, by name."""
    if not (project.root / STORE).is_dir():
        return {}
    with duckdb.connect(str(project.published), read_only=True, config=dict(OFFLINE)) as connection:
        return stored_folders(connection)


def stored_size_and_time(project: Project) -> list[int]:
    """Number, bytes and last change of the files that the published file shows; nothing of none."""
    states = [
        file.stat()
        for folder in shown_folders(project).values()
        for file in folder.glob("*.parquet")
    ]
    if not states:
        return []
    total = sum(state.st_size for state in states)
    return [len(states), total, max(state.st_mtime_ns for state in states)]


def remove_unused_parquet(project: Project) -> None:
    """Removes folders that no file shows: of runs before the last one, and of killed ones.

    What the published file shows stays, and what the file of a failed run does. Readers who still
    have the file before open find its tables until the next run begins.
    """
    root = project.root / STORE
    if not root.is_dir():
        return
    used: set[Path] = set()
    for file in (project.published, project.failed):
        if file.is_file():
            try:
                with duckdb.connect(str(file), read_only=True, config=dict(OFFLINE)) as connection:
                    used |= set(stored_folders(connection).values())
            except duckdb.Error:
                return  # held or damaged by another program: what it shows is not known
    for table in root.resolve().iterdir():
        for folder in table.iterdir() if table.is_dir() else ():
            if folder not in used:
                shutil.rmtree(folder, ignore_errors=True)
        if table.is_dir() and not any(table.iterdir()):
            table.rmdir()
