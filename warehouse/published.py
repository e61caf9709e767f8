"""The published file: read whoever else holds it, replaced as a whole, and told to be unaltered.

Only a run writes it, by putting a new file in its place. Another program may nevertheless open it
for writing, die and leave a log beside it, or alter what is in it. The next run must go on then,
and nothing altered may be carried into what it publishes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from warehouse.database import (
    holder_in,
    ident,
    is_held_by_another,
    logs_of,
    qualified,
    unreadable,
    why_not_readable,
)
from warehouse.engines.store import stored_folder, stored_size_and_time
from warehouse.errors import LesionsError
from warehouse.leftovers import replacing
from warehouse.meta import insert
from warehouse.models import LAYERS
from warehouse.project import Project

Say = Callable[[str], None]

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w.])")
DIGESTS = "meta.digest"
CHANGING = (DIGESTS,)
"""Tables that have no digest: the one that holds them."""
FOREIGN = "no model makes it"
MACRO = "macro "
"""What stands before a macro's name where tables stand too."""
FIRST_MODE = 0o444
WRITING = 0o222


def set_log_aside(published: Path, folder: Path, say: Say, holder: str = "") -> None:
    """Moves a log that lies beside the published file to ``folder``: no run writes one.

    DuckDB refuses a file beside which another file's log lies; a log that fits would bring in what
    another program did to the file. ``holder`` is the process that has the file open for writing.
    """
    for number, log in enumerate(logs_of(published)):
        kept = folder / f"set_aside_{f'{number}_' if number else ''}{log.name}"
        shutil.move(log, kept)
        who = (
            f"{holder} has the {published.name} before this one open for writing"
            if holder
            else f"Another program opened {published.name} for writing and left {log.name}"
        )
        say(f"{who}; its changes are no part of the warehouse. The log is set aside in {kept}.")


@contextmanager
def readable(published: Path, folder: Path, say: Say) -> Iterator[Path | None]:
    """A path under which the published file can be opened read-only; None where there is none.

    Where another program holds the file for writing, a copy of it in ``folder`` is read. The copy
    is whole only if that program was at rest: what is carried from it must be compared with its
    digests.
    """
    if not published.is_file():
        yield None
        return
    if who := holder(published):
        say(
            f"{published.name} is held for writing by another program: {who}. A copy is read, and "
            "a new file takes its place; what that program writes is no part of it."
        )
    elif not logs_of(published):
        reason = why_not_readable(published)
        if reason is None:
            yield published
            return
        raise LesionsError(unreadable(published, reason)) from reason
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"published_copy.{os.getpid()}.duckdb"
    try:
        shutil.copyfile(published, copy)
        if why_not_readable(copy) is None:
            yield copy
        else:
            say(f"{published.name} cannot be read now: everything is built anew.")
            yield None
    finally:
        copy.unlink(missing_ok=True)


def holder(published: Path) -> str:
    """The process of another program that has the published file open for writing, or nothing."""
    reason = why_not_readable(published) if published.is_file() else None
    return holder_in(reason) if reason is not None and is_held_by_another(reason) else ""


def publish(work: Path, published: Path, mode: str, say: Say) -> None:
    """Puts a finished file in the published one's place: readers see the old or the new, whole.

    A symbolic link stays, and leads to the new file. Owner and permissions are those of the file
    before, without writing; the first is read by all. ``mode`` (octal) sets the permissions.
    """
    target = published.resolve()
    beside = work
    if target.parent != published.parent:
        # Where the link leads may be another disk, to which a file cannot be renamed.
        beside = beside_target(target)
        shutil.copyfile(work, beside)
    try:
        _take_permissions(beside, target, mode, say)
        with beside.open("rb") as handle:
            os.fsync(handle.fileno())
        who = holder(published)
        set_log_aside(published, work.parent, say, who)
        beside.replace(target)
        set_log_aside(published, work.parent, say, who)
    except BaseException:
        if beside != work:
            beside.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def beside_target(target: Path) -> Path:
    """Where a new file is written that cannot be renamed from the project's folder."""
    return target.with_name(f".{target.name}.writing")


def _take_permissions(file: Path, former: Path, mode: str, say: Say) -> None:
    """Gives a file the owner and permissions with which it is published."""
    bits = FIRST_MODE
    if former.exists():
        state = former.stat()
        bits = stat.S_IMODE(state.st_mode) & ~WRITING
        if (state.st_uid, state.st_gid) != (file.stat().st_uid, file.stat().st_gid):
            try:
                os.chown(file, state.st_uid, state.st_gid)
            except PermissionError:
                say(f"{former.name} is now the file of the user who ran this: owners differ.")
    file.chmod(int(mode, 8) if mode else bits)


def is_macro(name: str) -> bool:
    """Whether a name among those of tables is a macro's."""
    return name.startswith(MACRO)


def write_digests(
    connection: duckdb.DuckDBPyConnection, tables: Collection[str], present: Collection[str]
) -> None:
    """Writes the digest of each table's content and each macro, in place of what stands of it.

    Args:
        connection: the warehouse that is to be published.
        tables: the tables that were made anew.
        present: all tables; those without a digest get one, and digests of others go.
    """
    known = {name for (name,) in connection.execute(f"SELECT table_name FROM {DIGESTS}").fetchall()}
    macros = _macros(connection)
    names = sorted({*tables, *macros, *set(present) - known} - set(CHANGING))
    gone = sorted({*names, *known - set(present)})
    connection.execute(f"DELETE FROM {DIGESTS} WHERE table_name IN (SELECT unnest(?))", [gone])
    rows = [(name, digest, duckdb.__version__) for name, digest in _digests(connection, names)]
    insert(connection, DIGESTS, rows)


def altered_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What is wrong with a published file, by table: altered, gone, or not ours.

    Macros, and what no model makes, such as types and sequences, stand with their kind before the
    name. A digest of another version of DuckDB, whose hash may differ, is not compared.
    """
    known = dict(
        connection.execute(
            f"SELECT table_name, if(duckdb_version = ?, digest, NULL) FROM {DIGESTS}",
            [duckdb.__version__],
        ).fetchall()
    )
    macros = set(_macros(connection))
    if not any(map(is_macro, known)):  # of a version that had no digests of them
        macros = {name for name in macros if not name.startswith(f"{MACRO}main.")}
    present = _relations(connection) | macros | _others(connection)
    wrong = dict.fromkeys(sorted(present - set(known) - set(CHANGING)), FOREIGN)
    wrong |= dict.fromkeys(sorted(set(known) - present), "removed since it was published")
    compared = sorted(name for name, digest in known.items() if name in present and digest)
    for name, digest in _digests(connection, compared):
        if digest != known[name]:
            wrong[name] = "altered since it was published"
    return wrong


def _relations(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every table and view, ``schema.table``."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal "
        "AND database_name = current_database() UNION ALL "
        "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal "
        "AND database_name = current_database()"
    ).fetchall()
    return {name for (name,) in rows}


def _macros(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The definition of each macro, ``macro schema.name``."""
    rows = connection.execute(
        "SELECT ? || schema_name || '.' || function_name, string_agg(concat_ws(' ', function_type, "
        "parameters, macro_definition), ';' ORDER BY parameters, macro_definition) "
        "FROM duckdb_functions() WHERE database_name = current_database() AND NOT internal "
        "AND function_type IN ('macro', 'table_macro') GROUP BY 1",
        [MACRO],
    ).fetchall()
    # DuckDB shows a number as it was written, and once the file is opened again as it prints it.
    return {name: _NUMBER.sub(lambda found: repr(float(found[0])), text) for name, text in rows}


def _others(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Sequences, types, indexes and schemas that no model makes, the kind before the name."""
    found = {f"{kind.lower()} {schema}.{name}" for kind, schema, name in _objects(connection)}
    return found | {f"schema {name}" for name in _foreign_schemas(connection)}


def _objects(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Kind, schema and name of each index, sequence and type: no model makes any."""
    here = "WHERE database_name = current_database()"
    return connection.execute(
        f"SELECT 'INDEX', schema_name, index_name FROM duckdb_indexes() {here} UNION ALL "
        f"SELECT 'SEQUENCE', schema_name, sequence_name FROM duckdb_sequences() {here} UNION ALL "
        f"SELECT 'TYPE', schema_name, type_name FROM duckdb_types() {here} AND NOT internal"
    ).fetchall()


def _foreign_schemas(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "SELECT schema_name FROM duckdb_schemas() WHERE NOT internal "
        "AND database_name = current_database() AND schema_name <> 'main' ORDER BY 1"
    ).fetchall()
    return [name for (name,) in rows if name not in (*LAYERS, "meta")]


def _digests(
    connection: duckdb.DuckDBPyConnection, names: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Digest of each table's columns and rows, whatever their order; of the definition of a view
    or macro.
    """
    views = dict(
        connection.execute(
            "SELECT schema_name || '.' || view_name, sql FROM duckdb_views() WHERE NOT internal "
            "AND database_name = current_database()"
        ).fetchall()
    )
    # What lies in Parquet is a table, though shown as a view: its rows are compared.
    views = {name: sql for name, sql in views.items() if stored_folder(sql) is None}
    views |= _macros(connection)
    columns = dict(
        connection.execute(
            "SELECT schema_name || '.' || table_name, string_agg(column_name || ' ' || data_type, "
            "',' ORDER BY column_index) FROM duckdb_columns() "
            "WHERE database_name = current_database() GROUP BY 1"
        ).fetchall()
    )
    for name in names:
        text = views.get(name)
        if text is None:
            # A sum, for in an exclusive or two rows that are the same would not be seen.
            ((n_rows, total),) = connection.execute(
                f"SELECT count(*), sum(hash(t)) FROM {qualified(name)} AS t"
            ).fetchall()
            text = "/".join([columns[name], str(n_rows), *([] if total is None else [str(total)])])
        yield name, hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def drop_foreign(connection: duckdb.DuckDBPyConnection, macros: Collection[str]) -> None:
    """Drops what no model makes from a work file: schemas, macros, sequences, types and indexes.

    Args:
        connection: the work file.
        macros: names of the macros of this installation, which stand in ``main``.
    """
    for schema in _foreign_schemas(connection):
        connection.execute(f"DROP SCHEMA {ident(schema)} CASCADE")
    for name in _macros(connection):
        schema, _, macro = name.removeprefix(MACRO).partition(".")
        if schema != "main" or macro not in macros:
            connection.execute(f"DROP MACRO {ident(schema)}.{ident(macro)}")
    for kind, schema, item in _objects(connection):
        with suppress(duckdb.CatalogException):  # gone with what was dropped before
            connection.execute(f"DROP {kind} {ident(schema)}.{ident(item)}")


def is_as_left(project: Project) -> bool:
    """Whether the published file is the one that the last run left, untouched since.

    The system sets the time of change whenever content or permissions change, and no program can
    set it back: this holds without reading the file.
    """
    try:
        noted = json.loads(project.left.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(noted == _identity(project))


def _identity(project: Project) -> list[int]:
    state = project.published.stat()
    file = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    return [*file, *stored_size_and_time(project)]


def note_as_left(project: Project) -> None:
    """Notes how the published file is left, for the next run to trust it by."""
    with replacing(project.left) as beside:
        beside.write_text(json.dumps(_identity(project)), encoding="utf-8")
