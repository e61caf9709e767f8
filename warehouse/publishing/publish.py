"""``lesions publish``: which kind of copy a target asks for, and what is said of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from warehouse.display import Display
from warehouse.errors import LesionsError
from warehouse.project import Project

_ONE_TABLE = (
    "one table goes to such a file by: lesions query 'SELECT * FROM mart.dim_patient' -o FILE"
)
_XPT = "analysis datasets as XPT are written by: lesions publish --to adam FOLDER --format xpt"
_FILES = {
    ".xpt": _XPT,
    ".sas7bdat": "SAS reads CSV, Parquet and XPT; " + _XPT,
    **dict.fromkeys((".csv", ".json", ".parquet", ".xlsx"), _ONE_TABLE),
    **dict.fromkeys(
        (".sqlite", ".sqlite3"), "SQLite is not written. A DuckDB file ends in .duckdb or .db."
    ),
}
"""Endings of files, which no copy of all marts is -> what to do."""
_TARGETS = (
    "A target is postgresql://user@host/database, s3://bucket/prefix, a DuckDB file (x.duckdb), or "
    "a folder for Parquet files."
)
_BY_PARQUET = (
    "Publish to a folder or to s3://, and load the Parquet files (manifest.json there has every "
    "column with its type) with the database's own tools."
)
_SERVERS = {
    "mysql": f"It needs DuckDB's extension mysql, which pip does not bring. {_BY_PARQUET}",
    "mssql": f"No connector of DuckDB writes to SQL Server. {_BY_PARQUET}",
}
"""Schemes of servers to which nothing is written -> what would be needed."""
_SCHEMES = {
    "mariadb": "mysql",
    "sqlserver": "mssql",
    "s3a": "s3",
    "s3n": "s3",
}
_LOGIN = re.compile(r"^[^/\s]*:[^/]*@|\b(password|dbname)\s*=|^\s*s3:", re.IGNORECASE)
"""What stands in addresses of servers: user:password@host, password=..., a scheme without //."""
DUCKDB_FILES = (".duckdb", ".db", ".ddb")
READER_PASSWORD = "LESIONS_READER_PASSWORD"


def publish_to(project: Project, target: str, schema: str, reader: str, quiet: bool) -> str:
    """Copies the marts of a project to a target; returns what is to be said of it.

    Raises:
        LesionsError: a target of no known kind, or see ``postgres`` and ``folder``.
    """
    if scheme := re.match(r"postgres(ql)?://", target, re.IGNORECASE):
        url = scheme[0].lower() + target[scheme.end() :]
        return _to_postgres(project, url, schema, reader, quiet)
    if re.match(r"\s*postgres[\w+]*(:(?!//)|//)", target, re.IGNORECASE):
        # Not shown: it may hold a password.
        raise LesionsError(
            "a PostgreSQL target has two slashes: postgresql://user@host:port/database."
        )
    if "://" not in target and _LOGIN.search(target):
        raise LesionsError(
            "the target looks like a login of a server, which would become the name of a folder. "
            f"{_TARGETS}"
        )
    if "://" in target:
        return _to_address(project, target)
    if target.lower().endswith(".zip"):
        raise LesionsError(
            f"{target} looks like dashboards for Superset: 'lesions connect --superset {target}' "
            f"makes them. {_TARGETS}"
        )
    suffix = Path(target).suffix.lower()
    if suffix in DUCKDB_FILES and not Path(target).expanduser().is_dir():
        from warehouse.publishing.duckdb_file import publish_to_duckdb

        copied = publish_to_duckdb(project.published, Path(target).expanduser(), schema)
        return (
            f"Wrote {copied.n_tables} tables ({copied.n_rows:,} rows) to the schema {schema} of "
            f"{target} in {copied.seconds:.1f} s."
        )
    if suffix in _FILES and not Path(target).expanduser().is_dir():
        raise LesionsError(
            f"{target} is named like a file, and a copy of the marts is a folder: {_FILES[suffix]}"
        )
    from warehouse.publishing.folder import publish_to_folder

    done = publish_to_folder(project.published, Path(target).expanduser())
    return (
        f"Wrote {done.n_tables} tables ({done.n_rows:,} rows, {done.n_bytes / 1e6:,.1f} MB) to "
        f"{done.version} in {done.seconds:.1f} s; {done.version.parent / 'current'} leads there."
    )


def _to_address(project: Project, target: str) -> str:
    """A target that is an address, but none of PostgreSQL.

    Raises:
        LesionsError: one of no known kind; the address, which may hold a password, is not shown.
    """
    kind = target.split("://")[0].lower().split("+")[0]
    kind = _SCHEMES.get(kind, kind)
    if kind in _SERVERS:
        raise LesionsError(f"publishing to {kind}:// is not possible. {_SERVERS[kind]}")
    if kind != "s3":
        raise LesionsError(f"publishing to {kind}:// is not known. {_TARGETS}")
    from warehouse.publishing.object_store import publish_to_store

    done = publish_to_store(project.published, target)
    return (
        f"Wrote {done.n_tables} tables ({done.n_rows:,} rows, {done.n_bytes / 1e6:,.1f} MB) to "
        f"s3://{done.version} in {done.seconds:.1f} s; current.json beside it names that version."
    )


def _to_postgres(project: Project, url: str, schema: str, reader: str, quiet: bool) -> str:
    from warehouse.publishing.postgres import publish_to_postgres

    display = Display(quiet=quiet)
    with display.stage("publish", 1, "database") as stage:
        done = publish_to_postgres(
            project.published,
            url,
            schema=schema,
            reader=reader,
            reader_password=os.environ.get(READER_PASSWORD, ""),
            say=lambda name: stage.observe(name, "start"),
        )
    report = (
        f"Published {done.n_tables} tables ({done.n_rows:,} rows; {done.n_copied} copied, "
        f"{done.n_tables - done.n_copied} unchanged) to {done.target}, schema {schema}, in "
        f"{done.seconds:.1f} s. The role {reader} reads them."
    )
    report += "".join(f"\nNot kept: {note}" for note in done.dropped)
    if done.notes:
        report += f"\nIn this database {reader} may also: {'; '.join(done.notes)}. See docs/bi.md."
    return report
