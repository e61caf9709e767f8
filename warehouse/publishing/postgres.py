"""A mirror of the marts in PostgreSQL: every publish is one transaction, readers wait for none.

Rows of a table that keeps its columns are replaced in place, DELETE and COPY, so that a reader's
snapshot shows the old rows or the new ones, of all tables together, and no lock of a reader stands
in the way. Only a table whose columns or key change is made anew beside the old one and takes its
place at the end, under a lock that is given up and tried again sooner than PostgreSQL would look
for a deadlock. Where somebody has built a view on the old one, that one is altered instead and gets
the new rows: the views of columns that stay are not touched, whoever owns them. A table that the
same run built as at the last publish is left as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warehouse.database import ident
from warehouse.errors import LesionsError
from warehouse.publishing.marts import PUBLICATION, Mart, Marts, open_marts
from warehouse.publishing.postgres_sql import (
    LARGE_OBJECT_FUNCTIONS,
    SIGNATURES,
    TYPES,
    Signature,
    fits,
    literal,
    postgres_type,
    scrub,
    without_password,
)
from warehouse.publishing.postgres_views import (
    Change,
    Dependent,
    View,
    definitions,
    dependents,
    restore,
)

MARKER = "Marts mirrored by lesion-warehouse"
"""First words of the schema's comment: what says that the schema is ours to replace."""

LOCK_SECONDS = 60.0
"""How long a publish waits for readers of a table whose columns change."""


@dataclass(frozen=True)
class Mirrored:
    """What a publish to PostgreSQL did."""

    target: str
    """The database, without a password."""
    n_tables: int
    n_rows: int
    n_copied: int
    """Tables whose rows were copied: all but those that no run has built since."""
    n_remade: int
    """Of them, tables that were made or whose columns changed."""
    seconds: float
    notes: tuple[str, ...]
    """What the reading role may still do besides reading."""
    dropped: tuple[str, ...]
    """Views of others that no longer fit, each with the reason and the statement that made it."""


def publish_to_postgres(
    published: Path,
    url: str,
    *,
    schema: str = "mart",
    reader: str = "lesions_reader",
    reader_password: str = "",
    lock_seconds: float = LOCK_SECONDS,
    say: Callable[[str], None] = lambda text: None,
) -> Mirrored:
    """Mirrors the marts and the metric views into one schema of a PostgreSQL database.

    Args:
        published: the published warehouse.
        url: ``postgresql://user@host/database``; a password comes from the URL, PGPASSWORD or
            a password file, as libpq takes it.
        schema: the schema, made at the first publish and owned by us from then on.
        reader: role that may read the schema; made where it is not there.
        reader_password: password with which that role may log in; not changed where empty.
        lock_seconds: how long to wait for readers of tables whose columns change.
        say: is told each table as it goes.

    Raises:
        LesionsError: no warehouse, no driver, no connection, a schema that is not ours, no right
            to make the role, readers that hold a table too long.
    """
    started = time.perf_counter()
    with open_marts(published) as marts, _connect(url) as connection:
        work = _Mirror(connection, marts, schema, reader, lock_seconds, say)
        with connection.transaction():
            copied, remade = work.replace(reader_password)
        connection.autocommit = True
        for mart in copied:
            # TRUNCATE FALSE: giving space back to the system would lock readers out for a moment.
            connection.execute(f"VACUUM (ANALYZE, TRUNCATE FALSE) {work.table(mart.name)}")
        return Mirrored(
            without_password(url),
            len(marts.tables),
            sum(mart.n_rows for mart in marts.tables),
            len(copied),
            len(remade),
            time.perf_counter() - started,
            tuple(work.notes()),
            tuple(work.dropped),
        )


@contextmanager
def _connect(url: str) -> Iterator[Any]:
    """A connection whose errors become one paragraph without the password."""
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise LesionsError(
            "publishing to PostgreSQL needs psycopg: pip install 'lesion-warehouse[postgres]'."
        ) from error
    try:
        options: dict[str, Any] = dict(conninfo_to_dict(url))
        options.setdefault("connect_timeout", 10)
        options.setdefault("application_name", "lesions publish")
        with psycopg.connect(**options) as connection:
            yield connection
    except psycopg.Error as error:
        text = without_password(url)
        message = scrub(str(error).strip().replace("\n", " "), url)
        raise LesionsError(f"publishing to {text} failed: {message}") from error


@dataclass
class _Mirror:
    """One publish under way."""

    connection: Any
    marts: Marts
    schema: str
    reader: str
    lock_seconds: float
    say: Callable[[str], None]
    dropped: list[str] = field(default_factory=list)

    def run(self, sql: str, values: Sequence[object] | None = None) -> Any:
        """Executes SQL that was put together here from quoted names."""
        return self.connection.execute(sql, values)

    def rows(self, sql: str, values: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.run(sql, values).fetchall()
        return found

    def table(self, name: str, schema: str = "") -> str:
        return f"{ident(schema or self.schema)}.{ident(name)}"

    def replace(self, reader_password: str) -> tuple[list[Mart], list[Mart]]:
        """Replaces the tables in the transaction under way.

        Returns:
            The marts copied, and of them those whose tables were made anew.
        """
        self._claim()
        self._role(reader_password)
        there = self._there()
        ours = self._ours(there)
        built_by = self._built_by(there)
        beside = f"{self.schema}__next"
        held = {one.table for one in self._dependents(sorted(ours))}
        remade = [
            mart
            for mart in self.marts.tables
            if not fits(there.get(mart.name), mart, any_order=mart.name in held)
        ]
        strangers = [m.name for m in remade if m.name in there and m.name not in ours]
        if strangers:
            raise LesionsError(
                f"the schema {self.schema} holds {', '.join(strangers)}, which lesions did not "
                "make. Rename it, or publish to another schema with --schema."
            )
        copied = [
            mart
            for mart in self.marts.tables
            if mart in remade or not mart.built_by or built_by.get(mart.name) != mart.built_by
        ]
        for mart in self.marts.tables:
            if mart not in copied:
                self._comment(mart, self.table(mart.name))
                continue
            self.say(mart.name)
            if mart in remade:
                self.run(f"CREATE SCHEMA IF NOT EXISTS {ident(beside)}")
                self._make(mart, self.table(mart.name, beside))
            else:
                self.run(f"DELETE FROM {self.table(mart.name)}")
                self._copy(mart, self.table(mart.name))
                self._comment(mart, self.table(mart.name))
        gone = sorted(ours - {mart.name for mart in self.marts.tables})
        old = [*gone, *(mart.name for mart in remade if mart.name in there)]
        if old:
            self._lock(old)
        # Looked at again: under the lock nobody can build on these tables any more.
        found = self._dependents(old)
        changes = {name: Change.gone(there[name]) for name in gone}
        changes |= {m.name: Change.to(m, there[m.name]) for m in remade if m.name in there}
        views = self._views_lost(found, changes)
        for name in gone:
            self.run(f"DROP TABLE {self.table(name)} CASCADE")
        for mart in remade:
            if mart.name in {one.table for one in found}:
                self._alter(mart, changes[mart.name], beside)
                continue
            if mart.name in there:
                self.run(f"DROP TABLE {self.table(mart.name)}")
            name = self.table(mart.name, beside)
            self.run(f"ALTER TABLE {name} SET SCHEMA {ident(self.schema)}")
            self.run(f"GRANT SELECT ON {self.table(mart.name)} TO {ident(self.reader)}")
        if remade:
            self.run(f"DROP SCHEMA {ident(beside)}")
        self.dropped = restore(self.connection, views)
        return copied, remade

    def _claim(self) -> None:
        """Takes the schema for this publish: one at a time, and only a schema of ours."""
        got = self.rows(
            "SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"lesions {self.schema}"]
        )
        if not got[0][0]:
            raise LesionsError(
                f"another publish to the schema {self.schema} is under way. Wait until it ends."
            )
        found = self.rows(
            "SELECT obj_description(oid, 'pg_namespace'), "
            "EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = pg_namespace.oid) "
            "FROM pg_namespace WHERE nspname = %s",
            [self.schema],
        )
        if found and found[0][1] and not (found[0][0] or "").startswith(MARKER):
            raise LesionsError(
                f"the database already has a schema {self.schema} with tables that lesions did "
                "not make. Publish to another one with --schema NAME."
            )
        self.run(f"CREATE SCHEMA IF NOT EXISTS {ident(self.schema)}")
        if not found or not (found[0][0] or "").startswith(MARKER):
            text = f"{MARKER}; each publish replaces all tables of its list (publication)."
            self.run(f"COMMENT ON SCHEMA {ident(self.schema)} IS {literal(text)}")

    def _role(self, password: str) -> None:
        """Makes the reading role where it is not there, and closes what PUBLIC leaves open."""
        import psycopg

        known = self.rows("SELECT 1 FROM pg_roles WHERE rolname = %s", [self.reader])
        try:
            if not known:
                self.run(f"CREATE ROLE {ident(self.reader)} NOLOGIN")
            if password:
                # Only the verifier travels, so that no server log can hold the password.
                verifier = self.connection.pgconn.encrypt_password(
                    password.encode(), self.reader.encode(), b"scram-sha-256"
                ).decode()
                self.run(f"ALTER ROLE {ident(self.reader)} LOGIN PASSWORD {literal(verifier)}")
        except psycopg.errors.InsufficientPrivilege as error:
            raise LesionsError(
                f"this user may not make the role {self.reader}. Ask an administrator for: "
                f"CREATE ROLE {self.reader}; or name a role that is there with --reader."
            ) from error
        self.run(f"GRANT USAGE ON SCHEMA {ident(self.schema)} TO {ident(self.reader)}")
        self._close()

    def _close(self) -> None:
        """Takes from PUBLIC what lets any role write, where the database holds nothing else."""
        is_owner, is_super, is_alone = self.rows(
            "SELECT pg_has_role(d.datdba, 'USAGE'), "
            "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
            "NOT EXISTS (SELECT 1 FROM pg_class AS c JOIN pg_namespace AS n "
            "ON c.relnamespace = n.oid WHERE n.nspname <> %s AND n.nspname !~ '^pg_' "
            "AND n.nspname <> 'information_schema') "
            "FROM pg_database AS d WHERE d.datname = current_database()",
            [self.schema],
        )[0]
        if not (is_owner and is_alone):
            return
        name = self.rows("SELECT current_database()")[0][0]
        self.run(f"REVOKE CREATE, TEMPORARY ON DATABASE {ident(name)} FROM PUBLIC")
        if self.rows(
            "SELECT 1 FROM pg_namespace WHERE nspname = 'public' AND pg_has_role(nspowner, 'USAGE')"
        ):
            self.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        if is_super:
            for (function,) in self.rows(LARGE_OBJECT_FUNCTIONS):
                self.run(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")

    def _there(self) -> dict[str, Signature]:
        """Signature of each relation of the schema, by name."""
        found: dict[str, Signature] = {}
        for name, kind, columns, types, key in self.rows(SIGNATURES, [self.schema]):
            found[name] = (kind, tuple(zip(columns, types, strict=True)), tuple(key))
        return found

    def _ours(self, there: dict[str, Signature]) -> set[str]:
        """The tables that an earlier publish made."""
        if PUBLICATION not in there:
            return set()
        listed = {row[0] for row in self.rows(f"SELECT table_name FROM {self.table(PUBLICATION)}")}
        return (listed | {PUBLICATION}) & set(there)

    def _built_by(self, there: dict[str, Signature]) -> dict[str, str]:
        """The run that had built each table when it was last copied."""
        columns = [name for name, _ in there[PUBLICATION][1]] if PUBLICATION in there else []
        if "built_by" not in columns:
            return {}
        return dict(self.rows(f"SELECT table_name, built_by FROM {self.table(PUBLICATION)}"))

    def _dependents(self, names: Sequence[str]) -> list[Dependent]:
        return dependents(self.run, [self.table(name) for name in names])

    def _views_lost(self, found: Sequence[Dependent], changes: Mapping[str, Change]) -> list[View]:
        """The views that cannot outlive the changes, as they stand before them."""
        lost = [(one, words) for one in found if (words := changes[one.table].under(one))]
        others = sorted({one.words for one, _ in lost if one.view is None})
        if others:
            raise LesionsError(
                f"columns that {', '.join(others)} uses go or change type. Nothing was changed. "
                "Take that away, or publish to another schema with --schema."
            )
        # Definitions name every table with its schema, whoever makes the view again.
        self.run("SET LOCAL search_path = ''")
        return definitions(self.run, lost)

    def _alter(self, mart: Mart, change: Change, beside: str) -> None:
        """Gives a table that others have built on its new columns and rows, in place."""
        table = self.table(mart.name)
        if change.drops_key:
            for (name,) in self.rows(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'",
                [table],
            ):
                self.run(f"ALTER TABLE {table} DROP CONSTRAINT {ident(name)} CASCADE")
        for name in change.dropped:
            self.run(f"ALTER TABLE {table} DROP COLUMN {ident(name)} CASCADE")
        for name, kind in change.added:
            self.run(f"ALTER TABLE {table} ADD COLUMN {ident(name)} {kind}")
        columns = ", ".join(ident(column.name) for column in mart.columns)
        source = self.table(mart.name, beside)
        self.run(f"DELETE FROM {table}")
        self.run(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {source}")
        self.run(f"DROP TABLE {source}")
        if change.drops_key:
            self.run(f"ALTER TABLE {table} ADD PRIMARY KEY ({_key(mart)})")
        self._comment(mart, table)

    def _make(self, mart: Mart, table: str) -> None:
        columns = ", ".join(f"{ident(c.name)} {postgres_type(c.type)}" for c in mart.columns)
        self.run(f"CREATE TABLE {table} ({columns})")
        self._copy(mart, table)
        self.run(f"ALTER TABLE {table} ADD PRIMARY KEY ({_key(mart)})")
        self._comment(mart, table)

    def _comment(self, mart: Mart, table: str) -> None:
        """Stores the descriptions, where they differ: a comment takes a lock of its own."""
        known = dict(
            self.rows(
                "SELECT coalesce(attname::text, ''), description FROM pg_description "
                "LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND attnum > 0 "
                "WHERE objoid = %s::regclass AND classoid = 'pg_class'::regclass",
                [table],
            )
        )
        if known.get("") != mart.description:
            self.run(f"COMMENT ON TABLE {table} IS {literal(mart.description)}")
        for column in mart.columns:
            if known.get(column.name, "") != column.comment:
                name = f"{table}.{ident(column.name)}"
                self.run(f"COMMENT ON COLUMN {name} IS {literal(column.comment)}")

    def _copy(self, mart: Mart, table: str) -> None:
        """Loads the rows: a quoted field is a value, an empty one without quotes is NULL."""
        import pyarrow as pa
        from pyarrow import csv

        options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
        columns = [ident(column.name) for column in mart.columns]
        casts = ", ".join(
            name if c.type in TYPES or c.type.startswith("DECIMAL")
            else f"CAST({name} AS VARCHAR) AS {name}"
            for name, c in zip(columns, mart.columns, strict=True)
        )  # fmt: skip
        into = f"{table} ({', '.join(columns)})"
        with self.marts.connection.cursor() as cursor:
            cursor.execute("USE warehouse")
            reader = cursor.sql(f"SELECT {casts} FROM ({mart.sql})").to_arrow_reader(20_000)
            with self.connection.cursor().copy(f"COPY {into} FROM STDIN (FORMAT csv)") as copy:
                for batch in reader:
                    sink = pa.BufferOutputStream()
                    csv.write_csv(batch, sink, options)
                    copy.write(memoryview(sink.getvalue()))

    def _lock(self, names: Sequence[str]) -> None:
        """Locks tables that are to go against readers, all or none.

        Each attempt ends before a reader that waits for it looks for a deadlock, so that it is
        never the reader that is turned away.
        """
        import psycopg

        deadlock_ms = self.rows(
            "SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'"
        )
        attempt_ms = max(10, int(deadlock_ms[0][0] * 0.6))
        tables = ", ".join(self.table(name) for name in names)
        end = time.monotonic() + self.lock_seconds
        while True:
            try:
                with self.connection.transaction():
                    self.run(f"SET LOCAL statement_timeout = {attempt_ms}")
                    self.run(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
                    self.run("SET LOCAL statement_timeout = 0")
                return
            except psycopg.errors.QueryCanceled as error:
                if time.monotonic() > end:
                    raise LesionsError(
                        f"the columns of {', '.join(names)} change, and readers have held these "
                        f"tables for {self.lock_seconds:.0f} s. Nothing was changed. Try again, "
                        "or end their sessions (pg_stat_activity, 'idle in transaction')."
                    ) from error
                time.sleep(0.1)

    def notes(self) -> list[str]:
        """What the reading role may do besides reading, in words."""
        may = []
        temp, create = self.rows(
            "SELECT has_database_privilege(%s, current_database(), 'TEMP'), "
            "has_database_privilege(%s, current_database(), 'CREATE')",
            [self.reader, self.reader],
        )[0]
        may += ["make temporary tables"] if temp else []
        may += ["make schemas"] if create else []
        for (name,) in self.rows(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' "
            "AND has_schema_privilege(%s, oid, 'CREATE') ORDER BY 1",
            [self.reader],
        ):
            may.append(f"make tables in the schema {name}")
        for (name,) in self.rows(
            "SELECT c.oid::regclass::text FROM pg_class AS c "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname !~ '^pg_' "
            "AND n.nspname <> 'information_schema' "
            "AND has_table_privilege(%s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY 1",
            [self.reader],
        ):
            may.append(f"write to {name}")
        if self.rows(
            "SELECT 1 WHERE has_function_privilege(%s, 'pg_catalog.lo_create(oid)', 'EXECUTE')",
            [self.reader],
        ):
            may.append("make large objects (a superuser's publish takes that away)")
        return may


def _key(mart: Mart) -> str:
    return ", ".join(ident(column) for column in mart.key)
