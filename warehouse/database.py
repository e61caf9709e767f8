"""Opening DuckDB files the one way that this project opens them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.errors import LesionsError

STORAGE_VERSION = "v1.5.0"
"""Storage version of written files: clients of DuckDB 1.5 read it too."""

STORE = "warehouse.parquet"
"""Folder beside a published file with those of its tables that lie in Parquet (engine spark)."""

OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
"""DuckDB must not fetch extensions."""

NO_PROGRESS_BAR = "SET enable_progress_bar = false"
"""DuckDB draws a bar over ours when a query takes long."""


@contextmanager
def open_work(
    path: Path, *, threads: int, memory_limit: str = "", temp: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-write connection to a work file, closed at the end.

    Take one ``cursor()`` per thread: one connection shared by threads returns wrong rows.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        **OFFLINE,
        "storage_compatibility_version": STORAGE_VERSION,
        "threads": threads,
    }
    if memory_limit:
        config["memory_limit"] = memory_limit
    if temp is not None:
        config["temp_directory"] = str(temp)
    try:
        connection = duckdb.connect(str(path), config=config)
    except duckdb.Error as error:
        raise LesionsError(f"cannot open {path.name}: {error}") from error
    with connection:
        connection.execute(NO_PROGRESS_BAR)
        yield connection


ROW_GROUP = 122_880
"""Rows that DuckDB gives to a thread at once."""


def fit_threads(connection: duckdb.DuckDBPyConnection, threads: int) -> None:
    """Lets DuckDB have one thread where no table has enough rows for two, else all of them.

    To wake a thread that then finds nothing to do costs a fifth of the time of a small query, and a
    small trial's run is ten thousand of these. Models are built side by side all the same.
    """
    ((most,),) = connection.execute("SELECT max(estimated_size) FROM duckdb_tables()").fetchall()
    connection.execute(f"SET threads = {threads if (most or 0) > ROW_GROUP else 1}")


@contextmanager
def open_published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a published warehouse, with no access to other files.

    Raises:
        LesionsError: there is none, or it cannot be opened.
    """
    if not path.is_file():
        raise LesionsError(f"{path} is not there yet. 'lesions run' makes it.")
    stores = stores_of(path)
    config = {} if stores else {"enable_external_access": "false"}
    if logs_of(path):
        reason = why_not_readable(path) or OSError("a log lies beside it.")
        raise LesionsError(unreadable(path, reason))
    try:
        connection = duckdb.connect(str(path), read_only=True, config={**OFFLINE, **config})
    except duckdb.Error as error:
        raise LesionsError(unreadable(path, error)) from error
    with connection:
        connection.execute(NO_PROGRESS_BAR)
        if stores:
            _allow_only(connection, stores)
        yield connection


def _allow_only(connection: duckdb.DuckDBPyConnection, folders: list[str]) -> None:
    """Shuts out all files but those below some folders, which a connection's start cannot."""
    ((is_open,),) = connection.execute(
        "SELECT current_setting('enable_external_access')"
    ).fetchall()
    if is_open:  # else another connection of this process has done it
        listed = ", ".join(map(quoted, folders))
        connection.execute(f"SET allowed_directories = [{listed}]")
        connection.execute("SET enable_external_access = false")


def stores_of(path: Path) -> list[str]:
    """Folders of Parquet that a published file, or a copy of it in the project, may show."""
    places = (path.parent / STORE, path.parent.parent / STORE)
    return [str(place.resolve()) for place in places if place.is_dir()]


def refuse_older(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Refuses a file that has not the tables which today's commands read.

    Raises:
        LesionsError: an older version published it.
    """
    there = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'meta' AND table_name = 'digest'"
    ).fetchall()[0][0]
    if not there:
        raise LesionsError(
            f"{path} was published by an older version, whose tables this command does not fit. "
            "'lesions run' builds it anew."
        )


def unreadable(path: Path, error: Exception) -> str:
    """Why a published file cannot be opened, and what to do."""
    reason = str(error).splitlines()[0]
    if is_held_by_another(error):
        return (
            f"{path} is held for writing by another program: {holder_in(error)}. Close it there, "
            "or open it there read-only. 'lesions run' puts a file beside it that can be read."
        )
    if logs := logs_of(path):
        return (
            f"{path} cannot be read: another program opened it for writing and left "
            f"{logs[0].name} beside it. 'lesions run' sets that log aside."
        )
    return (
        f"cannot open {path}: {reason} Where the file is damaged, move it away: 'lesions run' "
        "makes it anew from the studies."
    )


def is_held_by_another(error: Exception) -> bool:
    """Whether a file could not be opened because another process has it open for writing."""
    return "Conflicting lock is held" in str(error)


def holder_in(error: Exception) -> str:
    """The process that holds a file, as DuckDB names it in its error."""
    reason = str(error).splitlines()[0]
    return reason.partition("Conflicting lock is held in ")[2].partition(". See")[0] or reason


def why_not_readable(path: Path) -> duckdb.Error | None:
    """Why a file cannot be opened for reading; None where it can."""
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        return error
    return None


def log_of(path: Path) -> Path:
    """The log that DuckDB keeps beside a file that is open for writing."""
    return path.with_name(path.name + ".wal")


def logs_of(path: Path) -> list[Path]:
    """The logs that lie beside a file and, where it is a symbolic link, beside where it leads."""
    return [log for log in map(log_of, dict.fromkeys((path, path.resolve()))) if log.exists()]


def quoted(text: str) -> str:
    """A text as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def ident(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def qualified(table: str) -> str:
    """``schema.table`` with both parts quoted; a table's name may hold a dot."""
    return ".".join(ident(part) for part in table.split(".", 1))
