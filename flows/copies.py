"""Refreshes what is made from a published warehouse: report, catalogue, manifest, Parquet, mirror.

Each copy notes the run that it was made from, so that one that failed, or is new in
``lesions.toml``, is made after the next run, also where that had nothing to build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flows.notes import read_note, write_note
from warehouse.database import open_published
from warehouse.errors import LesionsError
from warehouse.project import Project
from warehouse.publishing.publish import publish_to

NOTE = "copies.json"


class CopyError(LesionsError):
    """The warehouse was published, and something made from it was not."""


def wanted_copies(project: Project) -> Iterator[tuple[str, Callable[[], object], Path | None]]:
    """The copies that the settings name: name, what makes it, and the file it is, if one.

    Raises:
        CopyError: a PostgreSQL address that holds a password.
    """
    values = project.values
    if values["schedule.report"]:
        yield "report", lambda: _report(project), project.root / "report.html"
    if values["schedule.catalogue"]:
        yield "catalogue", lambda: _catalogue(project), project.root / "catalogue.html"
    if values["schedule.manifest"]:
        yield "manifest", lambda: _manifest(project), project.root / "manifest.json"
    if target := values["schedule.parquet"]:
        place = target if "://" in target else str(project.root / Path(target).expanduser())
        yield f"Parquet {target}", lambda: publish_to(project, place, "", "", True), None
    if url := values["schedule.postgres"]:
        _refuse_password(url)
        yield f"PostgreSQL {url}", lambda: _mirror(project, url), None


def refresh(project: Project) -> list[str]:
    """Makes the copies that are not of the published run.

    Returns:
        Names of those made.

    Raises:
        CopyError: copies that could not be made, after all others were; the published file
            stands as it is.
    """
    copies = list(wanted_copies(project))
    if not copies:
        return []
    note = project.state / NOTE
    of_run: dict[str, Any] = read_note(note)
    current = _run_id(project.published)
    made, failed = [], []
    for name, make, file in copies:
        if of_run.get(name) == current and (file is None or file.is_file()):
            continue
        try:
            make()
        except LesionsError as error:
            failed.append(f"{name}: {error}")
            continue
        made.append(name)
        of_run[name] = current
        write_note(note, of_run)
    if failed:
        raise CopyError(
            f"the warehouse is published, but not all that is made from it: {' '.join(failed)}"
        )
    return made


def _run_id(published: Path) -> str:
    with open_published(published) as connection:
        found = connection.execute(
            "SELECT run_id FROM meta.run ORDER BY finished_at DESC, run_id DESC LIMIT 1"
        ).fetchall()
    return str(found[0][0])


def _report(project: Project) -> object:
    from warehouse.report.make import make_report

    return make_report(project)


def _catalogue(project: Project) -> object:
    from warehouse.reference.make import make_catalogue

    return make_catalogue(project)


def _manifest(project: Project) -> object:
    from warehouse.reference.dbt_manifest import make_manifest

    return make_manifest(project)


def _mirror(project: Project, url: str) -> str:
    values = project.values
    schema, reader = values["schedule.postgres_schema"], values["schedule.postgres_reader"]
    return publish_to(project, url, schema, reader, True)


def _refuse_password(url: str) -> None:
    """A password stands in no file.

    Raises:
        CopyError: the address is none of PostgreSQL, or holds a password; it is not shown.
    """
    from warehouse.publishing.postgres_sql import without_password

    if not url.startswith(("postgresql://", "postgres://")):
        raise CopyError("schedule.postgres is postgresql://user@host:port/database.")
    if without_password(url) != url:
        raise CopyError(
            "schedule.postgres holds a password. Take it out of lesions.toml; it comes from "
            "PGPASSWORD or ~/.pgpass."
        )
