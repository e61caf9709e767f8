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
        (".duckdb", ".db"), "the published warehouse.duckdb is such a file already: copy it."
    ),
}
"""Endings of files, which no copy of all marts is -> what to do."""
READER_PASSWORD = "LESIONS_READER_PASSWORD"


def publish_to(project: Project, target: str, schema: str, reader: str, quiet: bool) -> str:
    """Copies the marts of a project to a target; returns what is to be said of it.

    Raises:
        LesionsError: a target of no known kind, or see ``postgres`` and ``folder``.
    """
    if scheme := re.match(r"postgres(ql)?://", target, re.IGNORECASE):
        url = scheme[0].lower() + target[scheme.end() :]
        return _to_postgres(project, url, schema, reader, quiet)
    if re.match(r"\s*postgres[\w+]*:(?!//)", target, re.IGNORECASE):
        # Not shown: it may hold a password.
        raise LesionsError(
            "a PostgreSQL target has two slashes: postgresql://user@host:port/database."
        )
    if "://" in target:
        kind = target.split("://")[0]
        raise LesionsError(
            f"publishing to {kind}:// is not known. A target is postgresql://user@host/database, "
            "or a folder for Parquet files."
        )
    if target.lower().endswith(".zip"):
        raise LesionsError(
            f"{target} looks like dashboards for Superset: 'lesions connect --superset {target}' "
            "makes them. A target is postgresql://user@host/database, or a folder."
        )
    suffix = Path(target).suffix.lower()
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
