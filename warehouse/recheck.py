"""Checks a published warehouse again, as it stands."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from warehouse import checks
from warehouse.catalogue import installed_graph
from warehouse.contents import content_folder
from warehouse.database import open_published
from warehouse.display import Display
from warehouse.errors import LesionsError
from warehouse.project import Project
from warehouse.published import altered_tables


def check_published(project: Project, display: Display) -> None:
    """Runs every check on the published file, shows a summary and writes the page of results.

    Raises:
        LesionsError: there is no published file, or a critical check failed.
    """
    checks.preload()
    docs = installed_graph().table_docs
    with open_published(project.published) as connection:
        _check_version(connection, project)
        altered = altered_tables(connection)
        suites = checks.load_suites(content_folder("expectations"))
        built = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM meta.model WHERE kind <> 'source' ORDER BY name"
            ).fetchall()
        ]
        there = {
            name
            for (name,) in connection.execute(
                "SELECT table_schema || '.' || table_name FROM information_schema.tables"
            ).fetchall()
        }
        # A run of selected models may have left out a table that the checks of another one read.
        present = [
            name for name in built if name not in suites or there.issuperset(suites[name].tables)
        ]
        with display.stage("check", len(present), "tables") as stage:
            results = checks.check_tables(
                connection,
                present,
                suites,
                "recheck",
                datetime.now(UTC).replace(tzinfo=None),
                progress=lambda done, total: stage.observe("", "done"),
                keys={name: doc.key for name, doc in docs.items()},
            )
    display.console.print(checks.summarise(results))
    checks.write_html(project.check_page, results, f"Checks of {project.root.name}")
    display.say(f"Page: {project.check_page}")
    if len(present) < len(built):
        display.say(
            f"{len(built) - len(present)} tables were not checked: their checks read tables that "
            "are not built. 'lesions run' builds them."
        )
    if altered:
        listed = ", ".join(f"{table} ({what})" for table, what in list(altered.items())[:5])
        raise LesionsError(
            f"{project.published} is not as it was published: {listed}"
            f"{' and others' if len(altered) > 5 else ''}. 'lesions run' builds these tables anew."
        )
    checks.gate(results)


def _check_version(connection: duckdb.DuckDBPyConnection, project: Project) -> None:
    """A file of an older version has not the tables that today's checks read."""
    there = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'meta' AND table_name = 'digest'"
    ).fetchall()[0][0]
    if not there:
        raise LesionsError(
            f"{project.published} was published by an older version, whose tables these checks do "
            "not fit. 'lesions run' builds it anew; check it then."
        )
