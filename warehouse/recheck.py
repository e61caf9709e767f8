"""Checks a published warehouse again, as it stands."""

from __future__ import annotations

from datetime import UTC, datetime

from warehouse import checks
from warehouse.catalogue import installed_graph
from warehouse.contents import content_folder
from warehouse.database import open_published
from warehouse.display import Display
from warehouse.project import Project


def check_published(project: Project, display: Display) -> None:
    """Runs every check on the published file, shows a summary and writes the page of results.

    Raises:
        LesionsError: there is no published file, or a critical check failed.
    """
    checks.preload()
    docs = installed_graph().table_docs
    with open_published(project.published) as connection:
        present = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM meta.model WHERE kind <> 'source' ORDER BY name"
            ).fetchall()
        ]
        with display.stage("check", len(present), "tables") as stage:
            results = checks.check_tables(
                connection,
                present,
                checks.load_suites(content_folder("expectations")),
                "recheck",
                datetime.now(UTC).replace(tzinfo=None),
                progress=lambda done, total: stage.observe("", "done"),
                keys={name: doc.key for name, doc in docs.items()},
            )
    display.console.print(checks.summarise(results))
    checks.write_html(project.check_page, results, f"Checks of {project.root.name}")
    display.say(f"Page: {project.check_page}")
    checks.gate(results)
